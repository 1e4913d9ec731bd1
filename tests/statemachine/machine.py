"""The state machine on the embedded account, with scripted functions for its steps."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.account import EmbeddedAws

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = ROOT / "statemachine" / "snapshot_export.asl.json"
FUNCTION = Path(__file__).with_name("scripted_function.py")
STEPS = ("Start", "Describe", "Collect")
ROLE = "arn:aws:iam::000000000000:role/any"
END_SECONDS = 20.0
IDS = {"Attempt": 2, "Admission": 5}

Turn = dict[str, Any]


def phase(name: str, wait: int = 0, **more: object) -> Turn:
    """Answer with this phase."""
    return {"Answer": {"ExportId": "e", "Attempt": 2, "Phase": name, "WaitSeconds": wait, **more}}


def error(name: str) -> Turn:
    """Raise an exception of this name, with a customer's value in its message."""
    return {"Raise": name}


@dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution that ended: how, and what it left behind."""

    export_id: str
    target: str | None
    status: str
    error: str | None
    cause: str | None
    events: Sequence[Mapping[str, Any]]
    calls: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def ids(self) -> dict[str, Any]:
        """What the execution was started with."""
        return _input(self.export_id, self.target)

    @property
    def states(self) -> list[str]:
        """Names of the states entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.events
            if event["type"].endswith("StateEntered")
        ]

    @property
    def documents(self) -> list[Any]:
        """Everything that states were given or gave on."""
        return [
            json.loads(details[key])
            for event in self.events
            for name, key in (
                ("stateEnteredEventDetails", "input"),
                ("stateExitedEventDetails", "output"),
            )
            if (details := event.get(name))
        ]

    @property
    def waits(self) -> list[float]:
        """Seconds that each wait took on the clock."""
        entered = self._times("WaitStateEntered")
        exited = self._times("WaitStateExited")
        return [(end - begin).total_seconds() for begin, end in zip(entered, exited, strict=True)]

    def _times(self, kind: str) -> list[datetime]:
        return [event["timestamp"] for event in self.events if event["type"] == kind]


class Machine:
    """Deploys the definition once and runs it with a script for each execution."""

    def __init__(self, account: EmbeddedAws, scripts: Path) -> None:
        self._scripts = scripts
        self._numbers = itertools.count(1)
        self._states = account.client("stepfunctions")
        definition = DEFINITION.read_text(encoding="utf-8")
        for step in STEPS:
            arn = _create_function(account.client("lambda"), step, scripts)
            definition = definition.replace(f"${{{step}FunctionArn}}", arn)
        self._arn = self._states.create_state_machine(
            name="SnapshotExport-Export", definition=definition, roleArn=ROLE
        )["stateMachineArn"]

    def run(
        self,
        *,
        start: Sequence[Turn] = (phase("RUNNING"),),
        describe: Sequence[Turn] = (phase("ENDED"),),
        collect: Sequence[Turn] = (phase("DONE"),),
        target: str | None = None,
    ) -> Execution:
        """Run one execution to its end; each step takes its turns and repeats the last."""
        export_id = f"export-{next(self._numbers)}"
        folder = self._scripts / export_id
        folder.mkdir()
        script = {"Start": [*start], "Describe": [*describe], "Collect": [*collect]}
        (folder / "script.json").write_text(json.dumps(script))
        arn = self._states.start_execution(
            stateMachineArn=self._arn,
            name=f"{export_id}-5",
            input=json.dumps(_input(export_id, target)),
        )["executionArn"]
        ended = self._wait_for_end(arn)
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return Execution(
            export_id=export_id,
            target=target,
            status=ended["status"],
            error=ended.get("error"),
            cause=ended.get("cause"),
            events=[event for page in pages for event in page["events"]],
            calls={
                step: [
                    json.loads(p.read_text(encoding="utf-8"))
                    for p in sorted(folder.glob(f"{step}-*.json"))
                ]
                for step in STEPS
            },
        )

    def _wait_for_end(self, arn: str) -> Any:
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            execution = self._states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.02)
        raise AssertionError(f"{arn} still runs after {END_SECONDS} s")


def _input(export_id: str, target: str | None) -> dict[str, Any]:
    """As adapters/executions.py has it: the default target is not named."""
    return {"ExportId": export_id, **IDS} | ({"Target": target} if target else {})


def _create_function(client: Any, step: str, scripts: Path) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("scripted_function.py", FUNCTION.read_text(encoding="utf-8"))
    function = client.create_function(
        FunctionName=step,
        Runtime="python3.13",
        Role=ROLE,
        Handler="scripted_function.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=60,
        Environment={"Variables": {"STEP": step, "SCRIPTS": str(scripts)}},
    )
    return str(function["FunctionArn"])
