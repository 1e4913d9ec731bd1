"""What `watch` shows: one reading of the stack, as a panel for people and as a line for logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Column, Table

from snapshots.following import describe_counts, has_ended, progress_of
from snapshots.tables import at_least, describe_ceiling
from snapshots.times import show_seconds, show_time

_MAX_SLOTS_DRAWN = 60


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A reading. `pace` in exports a second, `seconds_left` until all is done; None: unknown."""

    at: datetime
    title: str
    capacity: Mapping[str, Any]
    failed: str
    pace: float | None
    seconds_left: float | None
    burst: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the watched burst has ended."""
        return self.burst is not None and has_ended(self.burst)


def draw(standing: Standing) -> RenderableType:
    """The panel."""
    rows = _rows(standing)
    table = Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2))
    table.add_row("[dim]slots[/dim]", _slots(standing.capacity))
    for name, value in rows:
        table.add_row(f"[dim]{name}[/dim]", value)
    parts: list[RenderableType] = [table]
    if standing.burst:
        ended, total = progress_of(standing.burst)
        parts.append(ProgressBar(total=total, completed=ended))
    subtitle = f"{standing.at.astimezone():%H:%M:%S}, Ctrl-C ends the watch only"
    return Panel(Group(*parts), title=escape(standing.title), subtitle=subtitle)


def as_text(standing: Standing) -> str:
    """The line."""
    capacity = standing.capacity
    slots = f"slots {capacity['Running']}/{capacity['Limit']}"
    rest = "; ".join(f"{name} {value}" for name, value in _rows(standing))
    return f"{standing.at.astimezone():%H:%M:%S} {slots}; {rest}"


def as_json(standing: Standing) -> dict[str, Any]:
    """The reading for scripts: the API's answers, and what was made of them."""
    left = standing.seconds_left
    end = (
        None if left is None else (standing.at + timedelta(seconds=left)).isoformat("T", "seconds")
    )
    return {
        "At": standing.at.isoformat("T", "seconds").replace("+00:00", "Z"),
        "Capacity": dict(standing.capacity),
        "Burst": dict(standing.burst) if standing.burst else None,
        "ExportsPerSecond": None if standing.pace is None else round(standing.pace, 4),
        "ExpectedEnd": end and end.replace("+00:00", "Z"),
    }


def _slots(capacity: Mapping[str, Any]) -> str:
    running, limit = capacity["Running"], capacity["Limit"]
    summary = f"{running} of {limit} held"
    if max(running, limit) > _MAX_SLOTS_DRAWN:
        return summary
    return f"[cyan]{'█' * running}[/cyan][dim]{'░' * max(0, limit - running)}[/dim]  {summary}"


def _rows(standing: Standing) -> list[tuple[str, str]]:
    capacity, now = standing.capacity, standing.at
    rows = [
        ("backlog", f"{at_least(capacity['Waiting'], capacity.get('WaitingIsAtLeast'))} waiting"),
        ("last hour", f"{capacity['CompletedLastHour']} done, {standing.failed} failed"),
    ]
    if standing.pace is not None:
        rows.append(("throughput", f"{standing.pace * 60:.1f} a minute"))
    if ceiling := describe_ceiling(capacity):
        rows.append(("ceiling", ceiling))
    if capacity.get("PausedUntil"):
        rows.append(("paused until", show_time(capacity["PausedUntil"], now=now)))
    if standing.burst:
        summary = f"{escape(standing.burst['BurstId'])} {describe_counts(standing.burst)}"
        rows.append(("burst", summary))
    rows.append(("expected end", _end(standing)))
    return rows


def _end(standing: Standing) -> str:
    left = standing.seconds_left
    if left is None:
        return "not known yet"
    if left <= 0:
        return "nothing to do" if not standing.capacity["Running"] else "any moment"
    end = show_time((standing.at + timedelta(seconds=left)).isoformat(), now=standing.at)
    return f"{end}, in {show_seconds(left)}"
