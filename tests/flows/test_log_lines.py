"""Each line that a function writes is JSON, and is found by the ids of what it is about.

What Lambda itself writes beside them is shown on the deployed stack (tests/e2e/test_leaks.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from snapshot_export.adapters.measuring import measure
from snapshot_export.domain.burst import Work
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.export.poll import POLL_SECONDS
from snapshot_export.handlers import burst as burst_function
from snapshot_export.handlers import (
    collect,
    describe,
    intake,
    move_starts,
    reconcile,
    start,
    step,
    warn_of_deadlines,
)
from snapshot_export.handlers.api import app, exchange
from tests.flows.test_metrics import in_a_while, sqs_event
from tests.flows.test_slots import set_gate
from tests.support.api import event_of
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.output import captured
from tests.support.world import World

Line = dict[str, Any]
MODULES: tuple[ModuleType, ...] = (
    burst_function,
    intake,
    move_starts,
    warn_of_deadlines,
    reconcile,
    step,
    exchange,
)


@dataclass
class Context:
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


class Functions:
    """Calls handlers as Lambda does, and keeps what each call wrote."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Line]]] = []

    def call(self, handler: Callable[[Any, Any], Any], event: Any) -> Any:
        request_id = f"request-{len(self.calls)}"
        answer = None
        with captured("DEBUG") as text, suppress(SnapshotExportError):
            answer = handler(event, Context(request_id))
        self.calls.append((request_id, lines_of(text.getvalue())))
        return answer

    def last(self) -> list[Line]:
        """The log lines of the last call."""
        return [line for line in self.calls[-1][1] if "_aws" not in line]


def lines_of(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def functions(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    world.measure = measure
    for module in MODULES:
        monkeypatch.setattr(module, "services_from_env", lambda: world.services)
    found = Functions()
    yield found
    assert found.calls
    for request_id, lines in found.calls:
        for line in lines:
            assert line["service"] == "SnapshotExport", line
            if "_aws" not in line:
                assert line["function_request_id"] == request_id, line
                assert line["reason"] and line["level"] and line["timestamp"], line


def steps(functions: Functions, world: World, export_id: str, attempt: int = 1) -> list[Line]:
    """Drive one admission through the functions of the state machine; all lines they wrote."""
    ids = {"ExportId": export_id, "Attempt": attempt, "Admission": attempt}
    written: list[Line] = []
    functions.call(start.handler, ids)
    written += functions.last()
    for _ in range(20):
        answer = functions.call(describe.handler, ids)
        written += functions.last()
        if answer["Phase"] == "ENDED":
            break
        world.clock.sleep(POLL_SECONDS)
    functions.call(collect.handler, ids)
    return written + functions.last()


def test_the_lines_of_a_step_carry_the_export_and_its_attempt(
    world: World, functions: Functions
) -> None:
    functions.call(intake.handler, sqs_event(message("one", Deadline=in_a_while(world, 3))))
    accepted = {line["message"]: line for line in functions.last()}
    assert accepted["accepted"]["export_id"] == "one"
    assert accepted["accepted"]["message_id"] == "message-0"
    assert accepted["admitted"]["export_ids"] == ["one"]
    assert "message_id" not in accepted["admitted"], "it is of the whole batch"
    functions.call(warn_of_deadlines.handler, {})
    (risk, _) = functions.last()
    assert (risk["message"], risk["export_id"]) == ("deadline at risk", "one")
    written = steps(functions, world, "one")
    assert {"snapshot job runs", "slot released", "finished"} <= {
        line["message"] for line in written
    }
    for line in written:
        assert (line["export_id"], line["attempt"]) == ("one", 1), line


def test_a_start_that_fails_at_the_hand_over_is_told_with_its_own_export(
    world: World, functions: Functions
) -> None:
    set_gate(world, "limit", 1)
    for export_id in ("one", "two", "three"):
        functions.call(intake.handler, sqs_event(message(export_id)))
    functions.call(start.handler, {"ExportId": "one", "Attempt": 1, "Admission": 1})
    set_gate(world, "limit", 2)
    world.switch("lose_response", Operation="StartDashboardSnapshotJob")
    written = {line["message"]: line for line in steps(functions, world, "one")}
    first, _second = written["admitted"]["export_ids"]
    assert written["not started here"]["export_id"] == first


def test_a_failing_job_is_told_with_its_code(world: World, functions: Functions) -> None:
    world.switch("fail_job", ErrorType="DASHBOARD_ACCESS_DENIED")
    functions.call(intake.handler, sqs_event(message("denied")))
    written = {line["message"]: line for line in steps(functions, world, "denied")}
    for name in ("snapshot job failed", "finished"):
        assert written[name]["error_code"] == "DASHBOARD_ACCESS_DENIED"
        assert written[name]["export_id"] == "denied"


def test_the_lines_about_a_burst_carry_it(world: World, functions: Functions) -> None:
    sent = {"Burst": burst("many", [recipient(1), {"Colour": "red"}])}
    functions.call(intake.handler, sqs_event(sent))
    accepted = [line for line in functions.last() if line["message"] == "burst accepted"]
    assert [line["burst_id"] for line in accepted] == ["many"]
    for work in Work:
        body = {"BurstId": "many", "Work": work.value}
        functions.call(burst_function.handler, sqs_event(body))
        for line in functions.last():
            assert line["burst_id"] == "many", line


def test_what_is_refused_is_told_with_the_message_and_the_claimed_export(
    functions: Functions,
) -> None:
    functions.call(intake.handler, sqs_event(message("wrong", Colour="red"), {"A": 1}))
    first, second, *_ = functions.last()
    assert (first["message_id"], first["export_id"]) == ("message-0", "wrong")
    assert (second["message_id"], second["export_id"]) == ("message-1", "message-1")


def test_a_call_of_the_api_is_found_by_its_id_and_by_what_it_asked_for(
    functions: Functions,
) -> None:
    functions.call(app.handler, event_of("GET", "/exports/nobody"))
    (line,) = functions.last()
    assert (line["message"], line["export_id"]) == ("refused", "nobody")
    assert line["api_request_id"] == "request-1"
    functions.call(app.handler, event_of("GET", "/nowhere"))
    (line,) = functions.last()
    assert "export_id" not in line, "the call before named it"


def test_what_nobody_foresaw_is_a_line_with_its_place(
    world: World, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_export_id: str) -> None:
        raise RuntimeError("a text that may hold anything")

    monkeypatch.setattr(world.services.store, "attempt", fail)
    functions.call(start.handler, {"ExportId": "one", "Attempt": 1, "Admission": 1})
    (line,) = functions.last()
    assert line["message"] == "unexpected exception" and line["export_id"] == "one"
    assert line["reason"].startswith("RuntimeError at ") and "anything" not in line["reason"]


def test_the_clocks_functions_write_json_too(functions: Functions) -> None:
    functions.call(reconcile.handler, {"detail-type": "Scheduled Event"})
    functions.call(move_starts.handler, {})
    assert [line["message"] for line in functions.last()] == ["starts looked at"]
