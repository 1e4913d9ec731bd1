"""Faults to put back into the protocol, each by the rules that it breaks."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.mail_bugs import DELIVERY_BUGS, MAIL_BUGS, OUTBOX_BUG
from tests.chaos.tenant_bugs import TENANT_BUGS
from tests.model.protocol import Rules, World

FAULTS: dict[str, tuple[str, ...]] = {
    "hand back although a start was noted": ("hand_back_needs_no_start",),
    "a start sent without a note": ("start_is_noted",),
    "an unanswered start that nobody waits for": ("unanswered_start_is_waited_for",),
    "an unanswered start that came between": ("unanswered_start_is_seen",),
    "a find that was refused taken for no such job": ("refused_find_is_no_answer",),
    "a job lost by one single 404": ("lost_after_the_window",),
    "an end noted over another": ("one_end",),
    "a start for an export that is ending": ("ending_starts_nothing",),
    "an export that is ending is queued again": ("ending_is_not_queued",),
    "given up by a find from before the wait's end": ("find_after_the_wait",),
    "given up although a start was noted": ("give_up_needs_no_start",),
    "hand back without its lease": ("hand_back_needs_lease",),
    "the next attempt ignores a cancellation": ("next_attempt_needs_no_mark",),
    "an end ignores a cancellation": ("end_needs_no_mark",),
    "a cancellation ignores an end": ("mark_needs_no_end",),
    "a failed poll frees the slot": ("lease_freed_by_word",),
    "release without its condition": ("release_needs_lease",),
    "start before lease": ("lease_before_start",),
    "<> for < in the gate": ("room_is_less_than",),
    "counter and lease in two writes": ("count_and_lease_together",),
    "finish without its conditions": ("finish_needs_lease",),
    "a SnapshotJobId of each start's own": ("one_job_id",),
    "the reconciler does not admit": ("reconciler_admits",),
    "the reconciler restarts no execution": ("reconciler_restarts",),
    "the event after the end": ("event_before_end",),
    "the next attempt queued in two writes": ("next_attempt_in_one_write",),
}
"""Names that tests/chaos/bugs.py has too are the same bug there, planted in the code."""

NOT_MODELLED = {
    "accept without its condition": "acceptance is before the model's first state",
    "a refused message is not kept": "messages are not modelled",
    "a wrong message is delivered again": "messages are not modelled",
    "records noted as kept before they are": "how long records last is not modelled",
    "a revoked link opens": "mails and their links are not modelled",
    **{bug.name: "mails are not modelled" for bug in (*MAIL_BUGS, *DELIVERY_BUGS, OUTBOX_BUG)},
    "the ends of a retry uncounted in a write of their own": "a burst's counts are not modelled",
    **{bug.name: "rows, names and files are not modelled" for bug in TENANT_BUGS},
}
"""Bugs of tests/chaos/bugs.py that the model says nothing about."""

ASSUMPTIONS = {
    "a find after all has arrived is true": World(attempts=1, false_finds=1),
    "404s for a job that runs come in one spell": World(attempts=1, spells=2),
}
"""What the protocol relies on, and the world where it is not so: each has a violation."""


def without(fault: str) -> Rules:
    """The protocol with a fault put back."""
    return replace(Rules(), **dict.fromkeys(FAULTS[fault], False))
