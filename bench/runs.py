"""Runs the rows: ours cold and then learned, the others beside them, each on its QuickSight."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3

from bench.alternatives import SLOTS
from bench.alternatives.retry_loop import run_retry_loop
from bench.alternatives.semaphore import deploy_semaphore, run_semaphore
from bench.alternatives.waves import run_waves
from bench.arena import OURS, SEMAPHORE, Arena
from bench.prices import count_usage
from bench.requests import as_start, make_requests
from bench.rows import COLD, LEARNED, LOST, RETRIES, WAVES, Outcome
from bench.rows import SEMAPHORE as SEMAPHORE_ROW
from local.account.environment import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from local.deployed import Deployed
from local.run.warm import OF_NO_OBJECT

_LOOK_SECONDS = 2.0
_QUIET_SECONDS = 4.0
"""Between two bursts: what follows the last file (a burst's count, an event) is done by then."""

_OURS = (COLD, LEARNED, LOST)
_KINDS = {
    **dict.fromkeys(_OURS, OURS),
    WAVES: "waves",
    RETRIES: "retries",
    SEMAPHORE_ROW: SEMAPHORE,
}


class StuckError(RuntimeError):
    """A row did not end in time; what it left is in the folder of the run."""


@dataclass(frozen=True)
class Plan:
    """What to run. `patience` is how long a row may take, in seconds."""

    names: tuple[str, ...]
    exports: int
    patience: float


def kinds_of(names: Sequence[str]) -> tuple[str, ...]:
    """The QuickSights that rows need."""
    return tuple(dict.fromkeys(_KINDS[name] for name in names))


def run_rows(arena: Arena, plan: Plan) -> list[Outcome]:
    """Run all rows of a plan at once, ours one after the other; in the order of the plan."""
    others = [name for name in plan.names if name not in _OURS]
    deployed = arena.deploy() if OURS in kinds_of(plan.names) else None
    if deployed:
        _warm(deployed)
    with ThreadPoolExecutor(len(others) + 1) as pool:
        running = [pool.submit(_run_alternative, arena, plan, name) for name in others]
        ours = pool.submit(_run_ours, arena, plan, deployed) if deployed else None
        found = [*(ours.result() if ours else []), *(each.result() for each in running)]
    return sorted(found, key=lambda outcome: plan.names.index(outcome.name))


def _warm(deployed: Deployed) -> None:
    """Start the workers of the functions that work for each export, with no export to work on."""
    client = deployed.client("lambda")
    names = [each["FunctionName"] for each in client.list_functions()["Functions"]]
    nothing = {"ExportId": "warm", "Attempt": 0, "Admission": 0}
    payloads: dict[str, dict[str, Any]] = {
        "Start": nothing,
        "Describe": nothing,
        "Collect": nothing,
        "Hint": OF_NO_OBJECT,
        "Intake": {"Records": []},
    }
    for step, payload in payloads.items():
        (name,) = (name for name in names if f"-{step}Function" in name)
        many = 2 if step == "Intake" else SLOTS
        with ThreadPoolExecutor(many) as pool:
            invoked = pool.map(
                lambda text, function=name: client.invoke(FunctionName=function, Payload=text),
                [json.dumps(payload)] * many,
            )
            if any("FunctionError" in answer for answer in invoked):
                raise RuntimeError(f"{name} does not answer where there is nothing to do")


def _run_ours(arena: Arena, plan: Plan, deployed: Deployed) -> list[Outcome]:
    outcomes = []
    for name in [name for name in plan.names if name in _OURS]:
        if name == LOST:
            _lose_hints(deployed)
        outcomes.append(_run_burst(arena, plan, deployed, name))
    return outcomes


def _lose_hints(deployed: Deployed) -> None:
    """No object's event reaches the hint function from now on; the gate learns it by waiting."""
    events = deployed.client("events")
    rules = events.list_rules()["Rules"]
    (rule,) = (each for each in rules if "FileCame" in each["Name"])
    events.disable_rule(Name=rule["Name"])


def _run_burst(arena: Arena, plan: Plan, deployed: Deployed, name: str) -> Outcome:
    """Send single messages, one for each export, and wait for the last file."""
    run = name.rpartition(" ")[2]
    ids = [f"{run}-{number:04}" for number in range(1, plan.exports + 1)]
    bodies = make_requests(plan.exports)
    queue, sender = deployed.outputs["IntakeQueueUrl"], deployed.client("sqs")
    sent_at = time.time()
    for export_id, body in zip(ids, bodies, strict=True):
        text = json.dumps(body | {"ExportId": export_id})
        sender.send_message(QueueUrl=queue, MessageBody=text)
    _wait_for_executions(deployed, run, plan, sent_at)
    time.sleep(_QUIET_SECONDS)
    until = time.time()
    ledger = _keep_ledger(arena, deployed, name)
    records = deployed.exports(ids)
    ends = [record.get("finished_at") for record in records.values()]
    return Outcome(
        name=name,
        exports=plan.exports,
        completed=sum(record["status"] == "COMPLETED" for record in records.values()),
        ledger=ledger,
        prefix=f"{run}-",
        sent_at=sent_at,
        finished_at=max(float(end) for end in ends if end),
        counts=count_usage(
            arena.usage(), prefixes=_own_names(deployed), since=sent_at, until=until
        ),
        is_process=False,
    )


def _wait_for_executions(deployed: Deployed, run: str, plan: Plan, sent_at: float) -> None:
    """Wait until each export's execution has ended, without reading the table: that is billed."""
    states, machine = deployed.client("stepfunctions"), deployed.outputs["StateMachineArn"]
    while True:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        mine = [
            execution["status"]
            for page in pages
            for execution in page["executions"]
            if execution["name"].startswith(f"{run}-")
        ]
        if len(mine) >= plan.exports and "RUNNING" not in mine:
            return
        if time.time() - sent_at > plan.patience:
            ended = len(mine) - mine.count("RUNNING")
            raise StuckError(f"{run}: {ended} of {plan.exports} after {plan.patience:.0f} s")
        time.sleep(_LOOK_SECONDS)


def _own_names(deployed: Deployed) -> tuple[str, ...]:
    outputs = deployed.outputs
    return ("SnapshotExport", outputs["TableName"], outputs["ExportBucketName"], "snapshot-export")


def _run_alternative(arena: Arena, plan: Plan, name: str) -> Outcome:
    """One of the others, on a bucket of its own; `bench-<kind>` names all it has."""
    kind = _KINDS[name]
    own = f"bench-{kind}"
    deployed = arena.deployed(kind)
    arena.make_bucket(own)
    starts = [
        as_start(body, account=ACCOUNT, region=REGION, bucket=own, job_id=f"{kind}-{number:04}")
        for number, body in enumerate(make_requests(plan.exports), start=1)
    ]
    run = _prepare(deployed, name, own)
    sent_at = time.time()
    run(starts)
    until = time.time()
    ledger = _keep_ledger(arena, deployed, name)
    return Outcome(
        name=name,
        exports=plan.exports,
        completed=sum(job["status"] == "COMPLETED" for job in ledger["jobs"]),
        ledger=ledger,
        prefix=f"{kind}-",
        sent_at=sent_at,
        finished_at=None,
        counts=count_usage(arena.usage(), prefixes=(own,), since=sent_at, until=until),
        is_process=kind != SEMAPHORE,
    )


def _prepare(deployed: Deployed, name: str, own: str) -> Callable[[Sequence[dict[str, Any]]], None]:
    """What runs the starts of a row, made ready."""
    if name == SEMAPHORE_ROW:
        states = deployed.client("stepfunctions")
        machine = deploy_semaphore(own, deployed.client("dynamodb"), states, account=ACCOUNT)
        return lambda starts: run_semaphore(states, machine, starts)
    run = {WAVES: run_waves, RETRIES: run_retry_loop}[name]
    quicksight = _plain_client(deployed.quicksight_url)
    return lambda starts: run(quicksight, starts)


def _plain_client(url: str) -> Any:
    """boto3 as it comes, with its own retries, but for the address and credentials."""
    return boto3.Session().client(
        "quicksight",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def _keep_ledger(arena: Arena, deployed: Deployed, name: str) -> dict[str, Any]:
    ledger = deployed.ledger()
    file = arena.folder / f"ledger-{name.replace(', ', '-').replace(' ', '-')}.json"
    file.write_text(json.dumps(ledger))
    return ledger
