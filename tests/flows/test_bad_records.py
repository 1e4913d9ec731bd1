"""One bad record stops nobody: each kind, corrupted in each way that DynamoDB allows."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from snapshot_export.domain.drift import Drift
from snapshot_export.domain.export import Status
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.periodic.reconcile import reconcile
from tests.flows.test_slots import set_gate
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message, visuals_group
from tests.support.world import Driver, World

ABSURD: list[dict[str, Any] | None] = [
    None,
    {"NULL": True},
    {"S": ""},
    {"S": "no such thing"},
    {"N": "-1"},
    {"N": "1E+125"},
    {"BOOL": True},
    {"B": b"\x00"},
    {"SS": ["a"]},
    {"NS": ["1"]},
    {"L": [{"N": "1.5"}]},
    {"M": {"S": {"S": "x"}}},
]
HOUR = 3600.0
CSV = visuals_group("CSV", "lines")


@pytest.fixture(autouse=True)
def failed_executions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that cannot be done ends its execution, as the state machine does after retries."""
    real = Driver._run_step

    def run_step(driver: Driver, step: Any) -> None:
        try:
            real(driver, step)
        except SnapshotExportError:
            driver._end(step.execution_arn, "FAILED")

    monkeypatch.setattr(Driver, "_run_step", run_step)
    # A lease that cannot be read is one that the witness cannot count.
    monkeypatch.setattr(World, "check_invariants", lambda _world: None)


def raw_items(world: World) -> list[dict[str, Any]]:
    client = world.session.client("dynamodb")
    items: list[dict[str, Any]] = client.scan(TableName=world.settings.table_name)["Items"]
    return items


def put_raw(world: World, item: dict[str, Any]) -> None:
    world.session.client("dynamodb").put_item(TableName=world.settings.table_name, Item=item)


def is_kind(item: dict[str, Any], kind: str) -> bool:
    pk, sk = str(item["pk"]["S"]), str(item["sk"]["S"])
    kinds: dict[str, bool] = {
        "gate": sk == "GATE",
        "pacer": sk == "PACER",
        "attempt": sk == "ATTEMPT#bad",
        "entry": pk.startswith("BACKLOG#") and sk.endswith("#bad"),
        "retry": pk.startswith("RETRY#") and sk.endswith("#bad"),
        "export": pk == "EXPORT#bad",
        "burst": pk == "BURST#bad" and sk == "BURST",
        "durations": pk.startswith("DURATIONS#"),
        "throughput": pk.startswith("THROUGHPUT#"),
    }
    return kinds[kind]


def corrupt(world: World, kind: str, name: str, value: dict[str, Any] | None) -> None:
    (item,) = [item for item in raw_items(world) if is_kind(item, kind)][:1]
    changed = {key: each for key, each in item.items() if key != name}
    put_raw(world, changed | ({name: value} if value else {}))


def prepare(world: World, kind: str) -> None:
    """The record is there, and another export is not done."""
    set_gate(world, "limit", 2)
    if kind in ("durations", "throughput"):
        world.send(message("before", groups=[CSV]))
        world.driver.run()
    if kind == "burst":
        world.send({"Burst": burst("bad", [recipient(1), recipient(2)])})
        world.work_on_bursts()
        return
    if kind == "entry":
        set_gate(world, "limit", 0)
    if kind == "retry":
        world.switch("fail_job", SnapshotJobId="bad", ErrorType="INTERNAL_FAILURE")
    world.send(message("bad", groups=[CSV]))
    if kind == "retry":
        for _ in range(120):
            if world.export("bad").attempt == 2:
                break
            world.driver.run(until=world.clock.now() + 1)
        assert world.export("bad").status is Status.QUEUED
    if kind in ("attempt", "pacer"):
        world.driver.run(until=world.clock.now() + 3)


NAMES = {
    "gate": ("running", "limit", "paused_until", "version"),
    "pacer": ("next_at",),
    "attempt": ("attempt", "admission", "holds_slot", "started_at", "snapshot_job_id", "version"),
    "entry": ("export_id", "attempt", "digest", "rank", "registered", "version"),
    "retry": ("export_id", "attempt", "due_at"),
    "export": ("attempt", "snapshot", "admission", "part", "version"),
    "burst": ("completed", "accepted", "digest", "touched_at"),
    "durations": ("jobs", "log_mean"),
    "throughput": ("completed",),
}
CASES = [
    (kind, name, number)
    for kind, names in NAMES.items()
    for name in names
    for number in range(len(ABSURD))
    if zlib.crc32(f"{kind}.{name}.{number}".encode()) % 10 == 0
]
"""A tenth of all, the same in each run."""
ONE_OF_EACH_KIND = {kind: (kind, name, number) for kind, name, number in CASES}.values()


def case_of(kind: str, name: str, number: int) -> Any:
    """The test's parameters; nightly unless it is the one of its kind."""
    value = ABSURD[number]
    return pytest.param(
        *(kind, name, value),
        id=f"{kind}.{name}={next(iter(value or {'gone': 0}))}-{number}",
        marks=() if (kind, name, number) in ONE_OF_EACH_KIND else pytest.mark.nightly,
    )


@pytest.mark.parametrize(("kind", "name", "value"), [case_of(*each) for each in CASES])
def test_the_other_exports_end(
    world: World, kind: str, name: str, value: dict[str, Any] | None
) -> None:
    prepare(world, kind)
    corrupt(world, kind, name, value)
    if kind == "entry":
        set_gate(world, "limit", 2)
    for number in range(2):
        world.send(message(f"other-{number}", groups=[CSV]))
    world.driver.run(until=world.clock.now() + 600.0)
    ends = [world.export(f"other-{number}").status for number in range(2)]
    assert ends == [Status.COMPLETED] * 2
    if kind == "burst":
        ends = [world.export(f"bad-{line}").status for line in (1, 2)]
        assert ends == [Status.COMPLETED] * 2
        return
    answer = call_api(world.services, "DELETE", "/exports/bad")
    assert answer.status in (200, 409), answer.body
    gate, attempts = world.services.store.in_flight()
    assert gate.running == sum(attempt.holds_slot for attempt in attempts)
    if kind in ("entry", "retry", "gate", "pacer"):
        assert world.export("bad").status in (Status.COMPLETED, Status.CANCELLED)


def test_an_entry_whose_export_cannot_be_read_is_set_aside_and_put_back(world: World) -> None:
    set_gate(world, "limit", 0)
    world.send(message("bad", groups=[CSV]))
    (good,) = [item for item in raw_items(world) if is_kind(item, "export")]
    corrupt(world, "export", "attempt", {"S": "x"})
    corrupt(world, "entry", "attempt", {"S": "x"})
    set_gate(world, "limit", 2)
    world.send(message("other", groups=[CSV]))
    world.driver.run()
    assert world.export("other").status is Status.COMPLETED
    found = {each.kind: each.amount for each in reconcile(world.services).findings}
    assert found == {Drift.RECORDS_UNREADABLE: 1}
    answer = call_api(world.services, "DELETE", "/exports/bad")
    assert (answer.status, answer.body["Code"]) == (409, "RECORD_UNREADABLE")
    put_raw(world, good)
    world.clock.sleep(HOUR)
    reconcile(world.services)
    world.driver.run()
    assert world.export("bad").status is Status.COMPLETED
    assert reconcile(world.services).findings == ()


def test_an_entry_that_admissions_keep_failing_on_is_set_aside(world: World) -> None:
    """A lease lies where its own should: nothing of it is wrong by itself."""
    set_gate(world, "limit", 0)
    world.send(message("bad", groups=[CSV]))
    key = world.keys.attempt("bad")
    put_raw(world, {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "holds_slot": {"BOOL": False}})
    set_gate(world, "limit", 2)
    world.send(message("other", groups=[CSV]))
    world.driver.run()
    assert world.export("other").status is Status.COMPLETED
    assert world.services.repairs.count_aside() == 1
    assert cancel(world.services, "bad") is Status.CANCELLED
    world.clock.sleep(HOUR)
    reconcile(world.services)
    assert world.services.repairs.count_aside() == 0


def test_an_admission_that_dynamodb_refuses_as_a_whole_is_tried_with_fewer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does past 4 MB, without saying of which write."""
    client: Any = world.services.store._table._client
    real, sizes = client.transact_write_items, []

    def transact_write_items(**request: Any) -> Any:
        sizes.append(len(request["TransactItems"]))
        if sizes[-1] > 10:
            answer = {"Error": {"Code": "ValidationException", "Message": "over 4 MB"}}
            raise ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]
        return real(**request)

    set_gate(world, "limit", 0)
    for number in range(12):
        world.send(message(f"large-{number:02d}", groups=[CSV]))
    set_gate(world, "limit", 12)
    monkeypatch.setattr(client, "transact_write_items", transact_write_items)
    reconcile(world.services)
    assert world.services.store.gate().running == 12
    assert max(sizes) == 37, "all at once at first"
