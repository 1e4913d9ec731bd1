"""Close polls within one invocation, and what finished jobs teach."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.domain.durations import learn
from snapshot_export.domain.export import Phase, Status
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.export.poll import LONGEST_PAUSE_SECONDS, POLL_SECONDS, poll
from snapshot_export.flows.export.start import start
from snapshot_export.flows.forecast.situation import read_situation
from tests.support.messages import message
from tests.support.world import World

DASHBOARD = "sales-overview"


def started(world: World, export_id: str) -> None:
    world.send(message(export_id))
    start(world.services, export_id, 1, 1)


def test_one_invocation_polls_until_the_job_ended(world: World) -> None:
    for seconds in (25.0, 25.0, 25.0):
        world.services.durations.learn(DASHBOARD, "PDF", seconds)
    world.switch("job_seconds", DashboardId=DASHBOARD, seconds=25.0)
    started(world, "close")
    world.clock.sleep(15)
    assert poll(world.services, "close", 1, 1)["Phase"] == Phase.ENDED
    (job,) = world.ledger()["jobs"]
    assert world.clock.now() - job["ended"] < 5


def test_a_far_end_is_left_to_the_state_machine_in_whole_seconds(world: World) -> None:
    for _ in range(3):
        world.services.durations.learn(DASHBOARD, "PDF", 300.0)
    started(world, "far")
    answer = poll(world.services, "far", 1, 1)
    assert answer["Phase"] == Phase.RUNNING
    assert isinstance(answer["WaitSeconds"], int)
    assert answer["WaitSeconds"] > LONGEST_PAUSE_SECONDS


def test_an_invocation_ends_in_time_however_long_the_job_takes(world: World) -> None:
    for _ in range(3):
        world.services.durations.learn(DASHBOARD, "PDF", 5.0)
    world.switch("job_seconds", DashboardId=DASHBOARD, seconds=3600.0)
    started(world, "long")
    began = world.clock.now()
    assert poll(world.services, "long", 1, 1)["Phase"] == Phase.RUNNING
    assert world.clock.now() - began < POLL_SECONDS + 5


def test_every_finished_job_is_learned_by_dashboard_and_formats(world: World) -> None:
    for number in range(3):
        world.send(message(f"learn-{number}"))
    world.driver.run()
    jobs = [job["seconds"] for job in world.ledger()["jobs"]]
    (known,) = world.services.durations.all().items()
    assert known[0] == (DASHBOARD, "PDF")
    assert known[1].jobs == 3
    assert min(jobs) * 0.9 < known[1].median < max(jobs) * 1.1


def test_a_failed_job_teaches_nothing(world: World) -> None:
    world.switch("fail_job", ErrorType="DATASET_DELETED")
    world.send(message("failed"))
    world.driver.run()
    assert world.export("failed").status is Status.FAILED
    assert world.services.durations.all() == {}


def test_an_export_ends_as_ever_when_nothing_can_be_learned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: object) -> None:
        raise TransientError("DynamoDB: down")

    monkeypatch.setattr(type(world.services.durations), "learn", down)
    world.send(message("unlearned"))
    world.driver.run()
    assert world.export("unlearned").status is Status.COMPLETED


def test_two_who_learn_at_once_both_count(world: World) -> None:
    durations = world.services.durations
    durations.learn(DASHBOARD, "CSV", 10.0)
    real = Table.update
    lost = iter([True])

    def another_was_first(table: Table, write: dict[str, object]) -> dict[str, object]:
        if next(lost, False):
            raise ConditionFailedError("condition", (0,))
        return real(table, write)

    with patch.object(Table, "update", another_was_first):
        durations.learn(DASHBOARD, "CSV", 10.0)
    assert durations.all()[DASHBOARD, "CSV"].jobs == 2
    assert learn(None, 10.0).jobs == 1


def test_single_exports_go_longest_expected_first(world: World) -> None:
    for _ in range(3):
        world.services.durations.learn("customer-statement", "PDF", 300.0)
        world.services.durations.learn(DASHBOARD, "PDF", 10.0)
    world.services.store.change_gate({"limit": 1})
    world.send(message("holds-the-slot"))
    world.send(message("short"))
    world.send(message("long") | {"DashboardId": "customer-statement"})
    waiting = read_situation(world.services).situation.waiting
    assert [job.export_id for job in waiting] == ["long", "short"]
    world.driver.run()
    assert world.export("long").leases[0].admitted_at < world.export("short").leases[0].admitted_at


def test_what_is_learned_while_exports_wait_changes_their_order(world: World) -> None:
    world.services.store.change_gate({"limit": 1})
    world.send(message("holds-the-slot"))
    world.send(message("short"))
    world.send(message("long") | {"DashboardId": "customer-statement"})
    for _ in range(3):
        world.services.durations.learn("customer-statement", "PDF", 300.0)
        world.services.durations.learn(DASHBOARD, "PDF", 10.0)
    world.clock.sleep(60)
    world.driver.run()
    started = [job["SnapshotJobId"].rsplit("-", 2)[0] for job in world.ledger()["jobs"]]
    assert started == ["holds-the-slot", "long", "short"]
