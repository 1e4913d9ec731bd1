"""When an export will probably end. Rough: every job is taken to last as long as expected."""

from __future__ import annotations


def expect_end_of_running(*, admitted_at: float, job_seconds: float, now: float) -> float:
    """The expected end of a running export, never before `now`."""
    return max(now, admitted_at + job_seconds)


def expect_end_of_waiting(
    *, place: int, running: int, limit: int, job_seconds: float, not_before: float
) -> float | None:
    """The expected end of number `place` (from 1) of the backlog; None if nothing is let in.

    `not_before` is when the next may be let in: now, the end of a pause, the due time of a retry.
    Those that find no free slot follow each other at `limit` in each `job_seconds`.
    """
    if limit <= 0:
        return None
    behind = max(0, place - max(0, limit - running))
    return not_before + job_seconds * (1 + behind / limit)
