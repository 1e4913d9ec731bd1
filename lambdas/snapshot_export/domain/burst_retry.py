"""The retry of a burst that ended: exports of it run again, as the burst's next revision.

A recipient whose file was delivered is never run again unasked: by itself a retry is of the exports
that failed. Cancelled ones run again where they are named, completed ones where the request says so
besides. Recipients that were refused have no export, and what they lacked is in a file that whoever
corrects it replaces: they are given in a burst of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snapshot_export.domain.burst import Burst
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.problem import Problem


@dataclass(frozen=True, kw_only=True)
class RetryRequest:
    """A retry that was checked. `deadline` in epoch seconds; `digest` tells it from others."""

    revision: int | None
    recipient_ids: tuple[str, ...] | None
    include_completed: bool
    deadline: float | None
    digest: str


@dataclass(frozen=True, kw_only=True)
class RetryPlan:
    """What the retry under way is of: the exports of these lines, or None: those that failed."""

    lines: frozenset[int] | None
    deadline: float | None

    def takes(self, export: Export, line: int) -> bool:
        """Whether an export of the burst is to run again."""
        if self.lines is None:
            return export.status is Status.FAILED
        return line in self.lines and export.status.is_end


def is_same_retry(burst: Burst, request: RetryRequest) -> bool:
    """Whether the burst's present revision is that of this call, which came before.

    Without a Revision only while it is under way: after its end the call is another one.
    """
    if request.digest != burst.retry_digest:
        return False
    if request.revision is None:
        return not burst.status.is_end
    return request.revision == burst.revision


def problems_of_named(
    recipient_ids: Sequence[str],
    found: Mapping[str, Status],
    *,
    include_completed: bool,
) -> tuple[Problem, ...]:
    """What is wrong with the recipients that a retry names; `found` are how their exports ended."""
    problems = []
    for index, recipient_id in enumerate(recipient_ids):
        place, status = f"RecipientIds[{index}]", found.get(recipient_id)
        if status is None:
            text = "must be a recipient that the burst accepted, in the case that it gave it"
            problems.append(Problem(place, text))
        elif status is Status.COMPLETED and not include_completed:
            text = f"{recipient_id} has its files: it runs again with IncludeCompleted only"
            problems.append(Problem(place, text))
    return tuple(problems)


def run_again(export: Export, burst: Burst, *, deadline: float | None, rank: str) -> Export:
    """The export as it waits once more, from its first part on.

    Its id, nonce, name, recipient and time of acceptance stay, and with them its files' places. Its
    attempts and admissions are counted on, so that no job or execution of it has the id of an
    earlier one.
    """
    return replace(
        export,
        status=Status.QUEUED,
        revision=burst.revision,
        attempt=export.attempt + 1,
        part=0,
        failures=0,
        due_at=0.0,
        rank=rank,
        deadline=deadline,
        files=(),
        held=(),
        is_empty=False,
        error=None,
        ending=None,
        ending_at=None,
        finished_at=None,
        cancel_requested_at=None,
        at_risk_at=None,
    )
