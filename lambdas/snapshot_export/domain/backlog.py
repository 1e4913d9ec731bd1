"""The order of the backlog: one string per entry, smallest first."""

from __future__ import annotations

from dataclasses import dataclass

NO_DEADLINE = 9_999_999_999


@dataclass(frozen=True, kw_only=True)
class BacklogEntry:
    """An accepted export that waits. A retry waits until `due_at` (epoch seconds)."""

    export_id: str
    dashboard_id: str
    digest: str
    rank: str
    attempt: int
    admission: int
    due_at: float | None = None
    registered: bool = False


def rank_of(
    *,
    priority: int,
    deadline: float | None,
    accepted_at: float,
    export_id: str,
    burst_id: str | None = None,
    line: int = 0,
) -> str:
    """Priority (1 first), then the earlier deadline, then whoever was accepted first.

    The exports of a burst stay together, in the order of their lines: `accepted_at` is the burst's.
    """
    due = NO_DEADLINE if deadline is None else min(max(0, int(deadline)), NO_DEADLINE)
    age = f"{round(accepted_at * 1000):014d}"
    return f"1#{priority}#{due:010d}#{age}#{burst_id or ''}#{line:08d}#{export_id}"


def front_rank(rank: str) -> str:
    """The rank of an export that was let in and handed back: before all that never were."""
    return "0" + rank[1:]
