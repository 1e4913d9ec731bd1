"""Every metric there is gets written, with its dimensions, by what really happens."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from snapshot_export.adapters.measuring import TARGET, measure, metrics
from snapshot_export.domain.drift import Drift, Finding
from snapshot_export.domain.schedule import check_schedule
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.periodic.gauges import read_gauges
from snapshot_export.handlers import intake, move_starts, reconcile, warn_of_deadlines
from snapshot_export.metric import Metric
from tests.support.athena import athena, rows
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.schedules import set_changed
from tests.support.world import WORK_GROUP, World

Written = dict[str, tuple[list[float], dict[str, str]]]


def written(text: str) -> Written:
    """Values and dimensions by name, from lines in the embedded metric format."""
    found: Written = {}
    for line in text.splitlines():
        embedded = json.loads(line) if line.startswith("{") else {}
        for told in embedded.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert told["Namespace"] == "SnapshotExport"
            (names,) = told["Dimensions"]
            dimensions = {name: embedded[name] for name in names}
            for metric in told["Metrics"]:
                values, before = found.get(metric["Name"], ([], dimensions))
                assert before == dimensions, metric["Name"]
                found[metric["Name"]] = (values + embedded[metric["Name"]], dimensions)
    return found


def in_a_while(world: World, seconds: float) -> str:
    return datetime.fromtimestamp(world.clock.now() + seconds, UTC).isoformat()


def sqs_event(*bodies: dict[str, Any]) -> dict[str, Any]:
    records = [
        {
            "messageId": f"message-{number}",
            "body": json.dumps(body),
            "attributes": {"SentTimestamp": "1800000000000"},
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_every_metric_is_written_with_its_dimensions(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.measure = measure
    for module in (intake, reconcile, move_starts, warn_of_deadlines):
        monkeypatch.setattr(module, "services_from_env", lambda: world.services)
    for name in ("ThrottlingException", "LimitExceededException"):
        world.switch("raise_exception", Operation="StartDashboardSnapshotJob", Exception=name)
    late, stopped = in_a_while(world, 5), "stopped"
    intake.handler(sqs_event(message("late", Deadline=late), {"DashboardId": "x"}), None)
    warn_of_deadlines.handler({}, None)
    world.send(message(stopped))
    world.services.store.change_gate({"limit": 0})
    world.send(message("waits"))
    reconcile.handler({}, None)
    cancel(world.services, "waits")
    world.services.store.change_gate({"limit": None})
    world.switch("fail_job", SnapshotJobId="broken", ErrorType="DASHBOARD_ACCESS_DENIED")
    world.send(message("broken"))
    world.send({"Burst": burst("people", [recipient(1), {"Colour": "red"}])})
    admit(world.services)
    world.driver.run()
    with monkeypatch.context() as broken:
        broken.setattr(
            world.services.store, "accept", lambda _export: (_ for _ in ()).throw(RuntimeError())
        )
        intake.handler(sqs_event(message("put-off")), None)
    world.send(message("unreadable", dashboard="no-such-dashboard"))
    reconcile.handler({}, None)
    with monkeypatch.context() as patched:
        repaired = [each for each in Metric if each.name.startswith("MENDED_")]
        found_some = SimpleNamespace(
            counts=lambda: {each.name.removeprefix("MENDED_").lower(): 1 for each in repaired},
            findings=[Finding(kind, 1, "found") for kind in Drift],
            gauges=[],
        )
        patched.setattr(reconcile, "reconcile_all", lambda _services: found_some)
        reconcile.handler({}, None)
    ready = check_schedule(
        {"ReadyBy": {"Time": "07:00"}, "Export": message(None)}, world.services.targets, "daily"
    )
    gone = replace(ready, request=ready.request | {"Target": "gone"})
    world.services.schedules.put(gone, datetime.fromtimestamp(world.clock.now(), UTC))
    set_changed(world, "daily")
    move_starts.handler({}, None)
    world.clock.sleep(86_400)
    move_starts.handler({}, None)
    with athena() as queries:
        query = {"QueryString": "SELECT 1", "Database": "crm", "WorkGroup": WORK_GROUP}
        queries.result = rows(1)
        world.send({"Burst": burst("held", Manifest={"Athena": query, "ExpectedCount": 100})})
        world.driver.run()
        queries.state = "FAILED"
        world.send({"Burst": burst("unasked", Manifest={"Athena": query})})
        world.driver.run()
    metrics.flush_metrics()

    found = written(capsys.readouterr().out)

    metrics_of_exports = [each for each in Metric if not each.name.startswith("MAILS_")]
    assert set(found) == {metric.label for metric in metrics_of_exports}
    for metric in metrics_of_exports:
        expected = {"service": "SnapshotExport"}
        if metric.is_of_target:
            expected |= {TARGET: DEFAULT_TARGET}
        assert found[metric.label][1] == expected, metric
    sums = {metric: sum(found[metric.label][0]) for metric in metrics_of_exports}
    assert sums[Metric.EXPORTS_ACCEPTED] == 5
    assert sums[Metric.EXPORTS_COMPLETED] == 3
    assert sums[Metric.EXPORTS_FAILED] == sums[Metric.JOBS_FAILED] == 1
    assert sums[Metric.EXPORTS_CANCELLED] == 1
    assert sums[Metric.REQUESTS_HELD] == sums[Metric.QUERIES_FAILED] == 1
    assert sums[Metric.DEADLINES_MISSED] == 1
    assert (sums[Metric.MESSAGES_REJECTED], sums[Metric.MESSAGES_NOT_TAKEN]) == (2, 1)
    assert sums[Metric.RECIPIENTS_REFUSED] == sums[Metric.OCCURRENCES_MISSED] == 1
    assert sums[Metric.STARTS_NOT_MOVED] in (1, 2), "looked at only where the moment is near"
    assert sums[Metric.QUICKSIGHT_THROTTLED] == sums[Metric.QUICKSIGHT_LIMIT_EXCEEDED] == 1
    assert sums[Metric.DEADLINE_MARGIN_SECONDS] < 0 and sums[Metric.DEADLINES_AT_RISK] == 1
    assert len(found["JobSeconds"][0]) == 4 and min(found["JobSeconds"][0]) > 0


def test_gauges_show_who_waits_and_for_how_long(world: World) -> None:

    world.services.store.change_gate({"limit": 1})
    for name in ("first", "second", "third"):
        world.send(message(name))
        world.clock.sleep(10)
    gauges = read_gauges(world.services)
    assert gauges.target == DEFAULT_TARGET
    assert gauges.values == {
        Metric.SLOTS_IN_USE: 1,
        Metric.SLOTS_ALLOWED: 1,
        Metric.SLOT_LIMIT: 1,
        Metric.EXPORTS_WAITING: 2,
        Metric.HEAD_WAIT_SECONDS: pytest.approx(20, abs=0.01),
    }
    world.services.store.change_gate({"paused_until": world.clock.now() + 60})
    assert read_gauges(world.services).values[Metric.SLOTS_ALLOWED] == 0


def test_the_head_of_a_burst_waits_since_its_burst_was_accepted(world: World) -> None:

    world.services.store.change_gate({"limit": 0})
    world.send({"Burst": burst("people", [recipient(1)])})
    world.clock.sleep(30)
    world.work_on_bursts()
    waited = read_gauges(world.services).values[Metric.HEAD_WAIT_SECONDS]
    assert waited == pytest.approx(30, abs=1)  # the guard's reading takes its turn


def test_a_slots_time_is_its_jobs_and_what_lies_around_it(world: World) -> None:
    started = world.clock.now()
    world.send(message("one"))
    world.driver.run()
    export = world.export("one")
    (job,), (idle,), (delay,) = (
        world.measured[metric]
        for metric in (Metric.JOB_SECONDS, Metric.HAND_OFF_SECONDS, Metric.POLL_DELAY_SECONDS)
    )
    assert export.job_seconds is not None and abs(job - export.job_seconds) < 1
    assert 0 <= delay <= idle
    assert job + idle <= (export.finished_at or 0) - started
