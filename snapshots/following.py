"""Following exports and bursts to their ends, with a progress bar on standard error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.text import Text

from snapshots.api import THREADS
from snapshots.errors import CliError, ExitCode
from snapshots.invocation import Invocation
from snapshots.times import show_time

_READS_A_ROUND = 48
_FIRST_PAUSE = 1.0
_LATER_PAUSE = 5.0
Show = Callable[[int, int | None, str, str], None]
"""Called with how many have ended, of how many (None: not known yet), the standing, the end."""


class StillOpenError(CliError):
    """A command ends before what it submitted or waited for; `idents` go on."""

    def __init__(
        self, invocation: Invocation, reason: str, exit_code: ExitCode, idents: Sequence[str]
    ) -> None:
        is_one = len(idents) == 1
        message = f"{reason}: {len(idents)} not ended; {'it goes' if is_one else 'they go'} on"
        look = ("status", idents[0], "--wait") if is_one else ("watch",)
        hints = [
            f"to look:   {invocation.command_line(*look)}",
            f"to cancel: {invocation.command_line('cancel', *idents)}",
        ]
        super().__init__(message, exit_code, hints=hints if idents else ())


class _TimeIsUpError(Exception):
    """The rounds of --timeout are over."""


def has_ended(found: Mapping[str, Any]) -> bool:
    """Whether nothing more happens to an export or a burst.

    A status that this command line does not know is an end: better an early end than none.
    """
    return found["Status"] not in _open_statuses()


@cache
def _open_statuses() -> frozenset[str]:
    from snapshot_export.domain.burst import BurstStatus  # with pydantic, which is slow to import
    from snapshot_export.domain.export import Status

    return frozenset(each for each in (*Status, *BurstStatus) if not each.is_end)


def follow_exports(
    invocation: Invocation,
    export_ids: Sequence[str],
    *,
    timeout: float | None,
    on_end: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """The exports by id when all have ended. Raises StillOpenError at `timeout` and at Ctrl-C.

    `on_end` is called once for each, soon after its end, by several threads at once.
    """

    def read(export_id: str) -> dict[str, Any]:
        export = invocation.api.get("exports", export_id)
        if has_ended(export):
            on_end(export)
        return export

    found: dict[str, dict[str, Any]] = {}
    still_open = dict.fromkeys(export_ids)  # the one that was read longest ago comes first
    total = len(still_open)
    with (
        _naming_what_goes_on(invocation, still_open),
        _progress(invocation.err) as show,
        threads() as pool,
    ):
        for _ in _rounds(timeout):
            for export in pool.map(read, choose_to_read([*still_open], found)):
                export_id = export["ExportId"]
                found[export_id] = export
                del still_open[export_id]
                if not has_ended(export):
                    still_open[export_id] = None
            standing = describe_standing(found.values(), total)
            show(total - len(still_open), total, standing, expect_end(found.values()))
            if not still_open:
                break
    return found


def choose_to_read(
    still_open: Sequence[str], found: Mapping[str, Mapping[str, Any]]
) -> Sequence[str]:
    """Which exports are read in a round: those that run, the next, and those read longest ago.

    `still_open` begins with those read longest ago or not yet; `found` are the answers so far.
    """
    if len(still_open) <= _READS_A_ROUND:
        return still_open
    read = {each: found[each] for each in still_open if each in found}
    running = [each for each, export in read.items() if export["Status"] == "RUNNING"]
    ends = {each: end for each, export in read.items() if (end := export.get("ExpectedEnd"))}
    soonest = sorted(ends.keys() - {*running}, key=lambda each: ends[each])
    half = _READS_A_ROUND // 2
    chosen = [*running, *soonest[: max(half, len(running))], *still_open[:half]]
    return list(dict.fromkeys(chosen))


def follow_burst(invocation: Invocation, burst_id: str, *, timeout: float | None) -> dict[str, Any]:
    """The burst when it has ended, or is held: then somebody must decide.

    Raises StillOpenError at `timeout` and at Ctrl-C.
    """
    burst: dict[str, Any] = {}
    with _naming_what_goes_on(invocation, [burst_id]), _progress(invocation.err) as show:
        for _ in _rounds(timeout):
            burst = invocation.api.get("bursts", burst_id)
            show(*progress_of(burst), describe_counts(burst), expect_end([burst]))
            if has_ended(burst) or burst["Status"] == "HELD":
                break
    return burst


_BEFORE_THE_END_OF_THE_LIST = ("WAITING_FOR_DATA", "QUERYING", "HELD", "EXPANDING")


def progress_of(burst: Mapping[str, Any]) -> tuple[int, int | None]:
    """How many exports of a burst have ended, and of how many: None while recipients are read."""
    counts = burst["Counts"]
    ended = sum(counts.get(each, 0) for each in ("Completed", "Failed", "Cancelled"))
    return ended, None if burst["Status"] in _BEFORE_THE_END_OF_THE_LIST else counts["Accepted"]


def describe_standing(exports: Iterable[Mapping[str, Any]], total: int) -> str:
    """How many of `total` hold a slot, have their files collected, wait and ended badly."""
    exports = list(exports)
    statuses = Counter(export["Status"] for export in exports)
    collecting = sum(bool(export.get("Collecting")) for export in exports)
    ended = sum(has_ended(export) for export in exports)
    bad, running = ended - statuses["COMPLETED"], statuses["RUNNING"]
    held = f"{running - collecting} running" + (f", {collecting} collecting" if collecting else "")
    return f"{held}, {total - running - ended} waiting, {bad} failed"


def expect_end(found: Iterable[Mapping[str, Any]]) -> str:
    """When the API expects the last to end: `, done about 13:45:12`, or "" if it does not know."""
    ends = [end for each in found if not has_ended(each) and (end := each.get("ExpectedEnd"))]
    return f", done about {show_time(max(ends), now=datetime.now(UTC))}" if ends else ""


def describe_counts(burst: Mapping[str, Any]) -> str:
    """The counts of a burst in words."""
    counts = burst["Counts"]
    named = ("Completed", "Failed", "Cancelled", "Refused")
    ends = ", ".join(f"{counts.get(name, 0)} {name.lower()}" for name in named)
    status = burst["Status"].lower().replace("_", " ")
    return f"{status}: {ends} of {counts.get('Total') or 'some'}"


@contextmanager
def _naming_what_goes_on(invocation: Invocation, still_open: Iterable[str]) -> Iterator[None]:
    """Name what is `still_open` at that moment where the time is up or Ctrl-C was pressed."""
    try:
        yield
    except _TimeIsUpError:
        code = ExitCode.TIME_IS_UP
        raise StillOpenError(invocation, "time is up", code, [*still_open]) from None
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise StillOpenError(invocation, "interrupted", code, [*still_open]) from None


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; where the block ends with an exception, what waits is not begun."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _rounds(timeout: float | None) -> Iterator[None]:
    """One turn a second in the first minute, then one in five. Raises _TimeIsUpError."""
    began = time.monotonic()
    while True:
        yield
        elapsed = time.monotonic() - began
        if timeout is not None and elapsed >= timeout:
            raise _TimeIsUpError
        pause = _FIRST_PAUSE if elapsed < 60 else _LATER_PAUSE
        time.sleep(pause if timeout is None else min(pause, timeout - elapsed))


class _Bar(Progress):
    """A bar with its description below, where a narrow terminal wraps it and cuts nothing."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            yield Text(task.description)


@contextmanager
def _progress(console: Console) -> Iterator[Show]:
    """A bar on a terminal; elsewhere a line whenever the standing has changed."""
    if not console.is_terminal:
        yield _print_changes(console)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _Bar(*columns, console=console) as progress:
        task = progress.add_task("", total=None)

        def show(done: int, total: int | None, text: str, end: str) -> None:
            progress.update(task, total=total, completed=done, description=text + end)

        yield show


def _print_changes(console: Console) -> Show:
    last = ""

    def show(done: int, total: int | None, text: str, _end: str) -> None:
        nonlocal last
        line = f"{done}/{total} ended: {text}" if total is not None else f"{done} ended: {text}"
        if line != last:
            console.print(line, soft_wrap=True)
        last = line

    return show
