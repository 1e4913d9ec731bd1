"""`snapshots redrive`: messages that were not taken go back to their queue, after a fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import click

from snapshots.api import THREADS
from snapshots.connection import telling_of_aws
from snapshots.errors import CliError, ExitCode, describe_problem
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.queues import DEAD_LETTER, ROUTES, KeptMessage, KeptQueue


@dataclass
class Plan:
    """What was found in one queue, and what became of it."""

    queue: KeptQueue
    found: list[KeptMessage] = field(default_factory=list)
    chosen: list[KeptMessage] = field(default_factory=list)
    moved: list[KeptMessage] = field(default_factory=list)


@click.command(
    epilog=examples(
        "redrive",
        "redrive --queue rejected --field BucketName",
        "redrive --queue rejected --field BucketName --yes",
    ),
)
@click.option("--dry-run", is_flag=True, help="Only show what would be moved; this is the default.")
@click.option("--yes", is_flag=True, help="Move the messages.")
@click.option(
    "--queue",
    metavar="QUEUE",
    type=click.Choice([*ROUTES]),
    help=f"Only this queue, of {', '.join(ROUTES)}; all unless given.",
)
@click.option("--reason", "reasons", metavar="CODE", multiple=True, help="Only with this code.")
@click.option(
    "--field", "fields", metavar="NAME", multiple=True, help="Only refused for this field."
)
@click.option("--message-id", "ids", metavar="ID", multiple=True, help="Only this message.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=10_000,
    show_default=True,
    help="Read at most so many messages of each queue.",
)
@command_options
def redrive(
    invocation: Invocation,
    dry_run: bool,
    yes: bool,
    queue: str | None,
    reasons: Sequence[str],
    fields: Sequence[str],
    ids: Sequence[str],
    limit: int,
) -> int:
    """Move dead letters and rejected messages back to their queue, after a fix.

    Shows what it would do unless --yes is given. Filters of one kind are alternatives, of several
    kinds must all hold.
    """

    def read(plan: Plan) -> None:
        for message in plan.queue.receive(limit):
            plan.found.append(message)
            if _matches(message, reasons, fields, ids):
                plan.chosen.append(message)

    plans = _plans(invocation, queue)
    try:
        with telling_of_aws(), ThreadPoolExecutor(len(plans)) as pool:
            for _ in pool.map(read, plans):
                pass
        if yes and not dry_run:
            for plan in plans:
                _move(plan)
    finally:
        for plan in plans:
            gone = {message.receipt for message in plan.moved}
            with telling_of_aws():
                plan.queue.give_back(m for m in plan.found if m.receipt not in gone)
    moves = yes and not dry_run
    if invocation.as_json:
        invocation.print_json({"DryRun": not moves, "Queues": [_as_json(plan) for plan in plans]})
    else:
        _show(invocation, plans, moves=moves)
    return ExitCode.OK


def _plans(invocation: Invocation, only: str | None) -> list[Plan]:
    """A plan for each queue that the stack has. Raises CliError without one."""
    outputs = invocation.outputs
    client = invocation.account.client("sqs")
    plans = [
        Plan(KeptQueue(client, name, outputs[source], outputs[target]))
        for name, (source, target) in ROUTES.items()
        if only in (None, name) and source in outputs and target in outputs
    ]
    if not plans:
        missing = ", ".join(ROUTES[only or DEAD_LETTER])
        text = f"the stack has not the outputs {missing}: deploy its present version"
        raise CliError(text, ExitCode.NOT_FOUND)
    return plans


def _matches(
    message: KeptMessage, reasons: Sequence[str], fields: Sequence[str], ids: Sequence[str]
) -> bool:
    named = {str(problem.get("Field")) for problem in message.problems}
    return (
        (not reasons or message.code in reasons)
        and (not fields or not named.isdisjoint(fields))
        and (not ids or message.message_id in ids)
    )


def _move(plan: Plan) -> None:
    def move(message: KeptMessage) -> None:
        if not plan.queue.is_late():
            plan.queue.move(message)
            plan.moved.append(message)

    with telling_of_aws(), ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(move, plan.chosen):
            pass


def _show(invocation: Invocation, plans: Sequence[Plan], *, moves: bool) -> None:
    out = invocation.out
    for plan in plans:
        verb = f"{len(plan.moved)} moved" if moves else f"{len(plan.chosen)} would be moved"
        out.print(f"[bold]{plan.queue.name}[/bold]: {len(plan.found)} found, {verb}")
        for (code, what), count in Counter(map(_reason_of, plan.chosen)).most_common(20):
            out.print(f"{count:>6} {code}: {what}", markup=False, soft_wrap=True)
    if not moves and any(plan.chosen for plan in plans):
        invocation.err.print("nothing was moved; to move them, add --yes")


def _reason_of(message: KeptMessage) -> tuple[str, str]:
    problems = "; ".join(describe_problem(problem) for problem in message.problems)
    return message.code, problems or "not taken after several deliveries"


def _as_json(plan: Plan) -> dict[str, Any]:
    moved = {message.receipt for message in plan.moved}
    return {
        "Queue": plan.queue.name,
        "Found": len(plan.found),
        "Chosen": len(plan.chosen),
        "Moved": len(moved),
        "Messages": [
            {
                "MessageId": message.message_id,
                "ExportId": message.claimed_id,
                "Code": message.code,
                "Problems": list(message.problems),
                "Moved": message.receipt in moved,
            }
            for message in plan.chosen
        ],
    }
