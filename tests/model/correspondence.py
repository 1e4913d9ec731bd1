"""Which code each step of the model stands for."""

from __future__ import annotations

WRITES: dict[str, tuple[str, ...]] = {
    "admit": ("admit", "admit, then dies", "admit and hand over"),
    "begin_call": ("begin_call",),
    "end_call": ("end_call: answered", "end_call: unanswered"),
    "mark_started": ("mark_started",),
    "mark_unknown": ("mark_unknown",),
    "mark_known": ("mark_known",),
    "release": ("release ended", "release lost", "release never began"),
    "hand_back": ("hand_back",),
    "queue_next": ("queue_next",),
    "begin_end": ("begin_end C", "begin_end F"),
    "finish": ("finish C", "finish F", "finish X"),
    "cancel_waiting": ("cancel: end what waits",),
    "mark_cancelled": ("cancel: mark",),
    "mark_restarted": ("reconcile: restart",),
}
"""Methods of Store, with the steps that are their conditional write or transaction."""

LEFT_OUT: dict[str, str] = {
    "accept": "the model begins with an accepted export",
    "reject": "a rejected request is no export",
    "change_gate": "the limit is lowered and raised in tests/model/gate.py; the pause only delays",
    "correct_counter": "the counter equals the leases in every state: only a hand changes it",
    "take_back": "an attempt without a slot and an export that is marked: what the model reaches "
    "by a mark and a release, from where the collect step ends it",
    "begin_asking": "who asks closely is a wish: describe answers each caller the same",
    "count_hint": "how soon a job is looked at: the model looks at any time",
    "mark_at_risk": "an announcement of its own, which no step waits for",
}
"""Methods of Store that write and are not modelled, and why."""

CALLS: dict[str, tuple[str, ...]] = {
    "start": ("start: job begins", "start refused: limit exceeded", "start sent, caller dies"),
    "find": ("find: none", "find: adopted", "find: no answer"),
    "describe": ("describe: ended", "describe: 404", "describe: 404 that passes"),
    "result": ("result: files", "result: not readable"),
}
"""Methods of QuickSight, with steps that are their calls."""

FLOWS: dict[str, tuple[str, ...]] = {
    "start": ("start", "start: give up", "complete end"),
    "check": ("check",),
    "collect": ("collect", "collect: cancelled"),
    "finish": ("announce C", "announce F"),
}
"""Flows, with the steps that begin them or that are an effect of theirs elsewhere."""
