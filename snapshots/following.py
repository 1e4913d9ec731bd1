"""Following exports and bursts to their ends, with a progress bar on standard error."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from snapshots.api import THREADS, Api
from snapshots.errors import CliError, ExitCode
from snapshots.times import show_time

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "REJECTED"})
_OPEN = frozenset({"QUEUED", "EXPANDING", "RUNNING"})
_READS_A_ROUND = 48
_FIRST_PAUSE = 1.0
_LATER_PAUSE = 5.0
Show = Callable[[int, str, str], None]


class TimeIsUpError(CliError):
    """Not all ended within --timeout; what was accepted goes on."""

    def __init__(self, waiting: int) -> None:
        message = f"time is up: {waiting} not ended; they go on, see: snapshots watch"
        super().__init__(message, ExitCode.TIME_IS_UP)


def has_ended(found: Mapping[str, Any]) -> bool:
    """Whether nothing more happens to an export or a burst.

    A status that this command line does not know is an end: better an early end than none.
    """
    return found["Status"] not in _OPEN


def follow_exports(
    api: Api,
    export_ids: Sequence[str],
    *,
    console: Console,
    timeout: float | None,
    on_end: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """The exports by id when all have ended. Reads at most 48 of them a round, in turn.

    `on_end` is called once for each, soon after its end, by several threads at once.
    """

    def read(export_id: str) -> dict[str, Any]:
        export = api.get("exports", export_id)
        if has_ended(export):
            on_end(export)
        return export

    found: dict[str, dict[str, Any]] = {}
    waiting = deque(dict.fromkeys(export_ids))
    total = len(waiting)
    with _progress(console, total) as show, ThreadPoolExecutor(THREADS) as pool:
        for _ in _rounds(timeout, lambda: len(waiting)):
            batch = [waiting.popleft() for _ in range(min(len(waiting), _READS_A_ROUND))]
            for export in pool.map(read, batch):
                found[export["ExportId"]] = export
                if not has_ended(export):
                    waiting.append(export["ExportId"])
            standing = describe_standing(found.values(), total)
            show(total - len(waiting), standing, expect_end(found.values()))
            if not waiting:
                return found
    return found


def follow_burst(
    api: Api, burst_id: str, *, console: Console, timeout: float | None
) -> dict[str, Any]:
    """The burst when it has ended."""
    with _progress(console, None) as show:
        for _ in _rounds(timeout, lambda: 1):
            burst = api.get("bursts", burst_id)
            counts = burst["Counts"]
            ended = sum(counts.get(each, 0) for each in ("Completed", "Failed", "Cancelled"))
            show(ended, describe_counts(burst), "")
            if has_ended(burst):
                return burst
    return {}


def describe_standing(exports: Iterable[Mapping[str, Any]], total: int) -> str:
    """How many of `total` hold a slot, have their files collected, wait and ended badly."""
    exports = list(exports)
    statuses = Counter(export["Status"] for export in exports)
    collecting = sum(bool(export.get("Collecting")) for export in exports)
    ended = sum(count for status, count in statuses.items() if status not in _OPEN)
    bad, running = ended - statuses["COMPLETED"], statuses["RUNNING"]
    held = f"{running - collecting} running" + (f", {collecting} collecting" if collecting else "")
    return f"{held}, {total - running - ended} waiting, {bad} failed"


def expect_end(exports: Iterable[Mapping[str, Any]]) -> str:
    """When the API expects the last to end: `, done about 13:45:12`, or "" if it does not tell."""
    ends = [e["ExpectedEnd"] for e in exports if not has_ended(e) and e.get("ExpectedEnd")]
    return f", done about {show_time(max(ends), now=datetime.now(UTC))}" if ends else ""


def describe_counts(burst: Mapping[str, Any]) -> str:
    """The counts of a burst in words."""
    counts = burst["Counts"]
    named = ("Completed", "Failed", "Cancelled", "Refused")
    ends = ", ".join(f"{counts.get(name, 0)} {name.lower()}" for name in named)
    status = burst["Status"].lower().replace("_", " ")
    return f"{status}: {ends} of {counts.get('Total') or 'some'}"


def _rounds(timeout: float | None, count_waiting: Callable[[], int]) -> Iterator[None]:
    """One turn a second in the first minute, then one in five. Raises TimeIsUpError."""
    began = time.monotonic()
    while True:
        yield
        elapsed = time.monotonic() - began
        if timeout is not None and elapsed >= timeout:
            raise TimeIsUpError(count_waiting())
        pause = _FIRST_PAUSE if elapsed < 60 else _LATER_PAUSE
        time.sleep(pause if timeout is None else min(pause, timeout - elapsed))


@contextmanager
def _progress(console: Console, total: int | None) -> Iterator[Show]:
    """A bar on a terminal; elsewhere a line whenever the standing has changed."""
    if not console.is_terminal:
        yield _tell_changes(console, total)
        return
    columns = (
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, text, end: progress.update(task, completed=done, description=text + end)


def _tell_changes(console: Console, total: int | None) -> Show:
    last = ""

    def tell(done: int, text: str, _end: str) -> None:
        nonlocal last
        line = f"{done}/{total} ended: {text}" if total is not None else f"{done} ended: {text}"
        if line != last:
            console.print(line, soft_wrap=True)
        last = line

    return tell
