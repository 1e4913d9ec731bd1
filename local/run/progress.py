"""Live progress of a run: a bar on a terminal, a plain line now and then elsewhere."""

import time
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from statistics import fmean
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.deployed import FINAL

_PLAIN_EVERY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far the exports of a run are; `seconds_left` is None before the first has ended."""

    queued: int
    running: int
    collecting: int
    done: int
    failed: int
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """How many have ended, well or not."""
        return self.done + self.failed

    def __str__(self) -> str:
        left = "…" if self.seconds_left is None else f"{self.seconds_left:.0f} s"
        return (
            f"queued {self.queued}  running {self.running}  collecting {self.collecting}  "
            f"done {self.done}  failed {self.failed}  left {left}"
        )


def judge_standing(
    total: int, exports: Mapping[str, Mapping[str, Any]], holders: Set[str], *, limit: int
) -> Standing:
    """Count the exports by status; those without a record yet count as queued.

    Of those whose status is RUNNING, `holders` hold a slot; the job of the others has ended, and
    their files are collected. The time left is the work left, at the mean of the job times seen,
    shared by `limit` slots; a running job counts as half done.
    """
    counts = Counter(str(export["status"]) for export in exports.values())
    ended = sum(counts[status] for status in FINAL)
    queued = total - ended - counts["RUNNING"]
    running = sum(each["status"] == "RUNNING" for name, each in exports.items() if name in holders)
    seconds = [float(e["job_seconds"]) for e in exports.values() if e.get("job_seconds")]
    work = queued + running / 2
    return Standing(
        queued=queued,
        running=running,
        collecting=counts["RUNNING"] - running,
        done=counts["COMPLETED"],
        failed=ended - counts["COMPLETED"],
        seconds_left=fmean(seconds) * work / limit if seconds else None,
    )


class ProgressDisplay:
    """Shows a Standing as it changes; a context manager."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._printed_at = 0.0
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=total)

    def show(self, standing: Standing) -> None:
        """Show it; without a terminal, only when the last line is some seconds old."""
        if self._bar is not None:
            self._bar.update(self._task, completed=standing.ended, description=str(standing))
        elif time.monotonic() - self._printed_at >= _PLAIN_EVERY_SECONDS:
            self._printed_at = time.monotonic()
            print(standing, flush=True)

    def __enter__(self) -> "ProgressDisplay":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
