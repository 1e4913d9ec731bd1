"""`snapshots watch`: the slots, the backlog and the expected end, live."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import click
from rich.live import Live

from snapshots.api import PAGE, Api
from snapshots.commands.waiting import judge_burst
from snapshots.errors import ExitCode
from snapshots.following import progress_of
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options, target_option
from snapshots.live_status import Standing, as_json, as_text, draw
from snapshots.pace import Pace, seconds_left
from snapshots.times import parse_time


@click.command(
    epilog=examples(
        "watch",
        "watch --burst november",
        "watch --once --json",
    ),
)
@click.option("--burst", "burst_id", metavar="ID", help="This burst too, and end with it.")
@click.option("--once", is_flag=True, help="Show one reading and end.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.5),
    default=2.0,
    show_default=True,
    help="Time between readings.",
)
@target_option
@command_options
def watch(
    invocation: Invocation,
    burst_id: str | None,
    once: bool,
    interval: float,
    target: str | None,
) -> int:
    """Watch the slots, the backlog and the expected end; Ctrl-C ends it.

    Without a terminal it prints a line for each reading, with --json a JSON document a line.
    """
    watcher = Watcher(invocation, burst_id, target)
    if invocation.as_json or once or not invocation.out.is_terminal:
        while True:
            standing = watcher.read()
            if invocation.as_json:
                click.echo(json.dumps(as_json(standing)))
            elif invocation.out.is_terminal:
                invocation.out.print(draw(standing))
            else:
                click.echo(as_text(standing))
            if once or standing.is_over:
                return _judge(standing)
            time.sleep(interval)
    standing = watcher.read()
    with Live(draw(standing), console=invocation.out, auto_refresh=False) as live:
        try:
            while not standing.is_over:
                time.sleep(interval)
                standing = watcher.read()
                live.update(draw(standing), refresh=True)
        except KeyboardInterrupt:
            return ExitCode.OK
    return _judge(standing)


def _judge(standing: Standing) -> ExitCode:
    return judge_burst(standing.burst) if standing.burst else ExitCode.OK


class Watcher:
    """Reads the stack again and again, and remembers how fast exports ended."""

    def __init__(self, invocation: Invocation, burst_id: str | None, target: str | None) -> None:
        self._invocation = invocation
        self._burst_id = burst_id
        self._target = target
        self._pace = Pace()

    def read(self) -> Standing:
        """One reading: the burst, the capacity of its target, failures of the last hour, the
        forecast."""
        api, now = self._invocation.api, self._invocation.now
        burst = api.get("bursts", self._burst_id) if self._burst_id else None
        of_target = {"Target": self._target or (burst or {}).get("Target")}
        capacity = api.get("capacity", query=of_target)
        if burst:
            ended, _ = progress_of(burst)
            open_count = max(0, burst["Counts"]["Accepted"] - ended)
        else:
            ended, open_count = (
                capacity["CompletedLastHour"], capacity["Running"] + capacity["Waiting"]
            )  # fmt: skip
        self._pace.read(time.monotonic(), ended)
        pace = self._pace.per_second()
        if not pace and not burst:
            pace = capacity["CompletedLastHour"] / 3600 or None
        known = _seconds_left(api, burst, of_target, now)
        return Standing(
            at=now,
            title=f"{self._invocation.stack_name} {self._invocation.account.region}".strip(),
            capacity=capacity,
            failed=_count_failed(api, now),
            pace=pace,
            seconds_left=seconds_left(open_count, pace) if known is None else known,
            burst=burst,
        )


def _count_failed(api: Api, now: datetime) -> str:
    """Failures among what was accepted in the last hour; one page is enough to be alarmed."""
    since = parse_time("1h", now=now, direction=-1)
    page = api.get("exports", query={"Status": "FAILED", "From": since, "Limit": PAGE})
    return f"{len(page['Exports'])}{'+' if page.get('NextToken') else ''}"


def _seconds_left(
    api: Api, burst: dict[str, Any] | None, of_target: dict[str, Any], now: datetime
) -> float | None:
    """Seconds until the burst, or all that runs and waits, is expected to be done."""
    found = burst or api.get("forecast", query=of_target)
    end = found.get("ExpectedEnd") if burst else found["FinishP50"]
    left = (datetime.fromisoformat(end) - now) / timedelta(seconds=1) if end else 0.0
    return left if left > 0 else None
