"""Row-level-security tags and parameter values stay in the stores that carry requests.

Every way of an export, with marked values in all that may be secret; then everything that the
functions wrote, sent, started, named and answered is searched for them, and for digests of what
holds them. The same over the deployed stack:
tests/e2e/test_leaks.py. That the search can fail: tests/unit/test_leak_search.py.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from snapshot_export.adapters.measuring import measure, metrics
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.handlers import burst as burst_function
from snapshot_export.handlers import intake, move_starts, reconcile, warn_of_deadlines
from snapshot_export.handlers import step as step_functions
from snapshot_export.handlers.collect import handler as collect
from snapshot_export.handlers.describe import handler as describe
from snapshot_export.handlers.start import handler as start
from tests.flows.test_log_lines import Context
from tests.flows.test_metrics import in_a_while, sqs_event
from tests.support.api import call_api
from tests.support.bursts import csv_manifest
from tests.support.leaks import (
    STRING,
    TEXT,
    digests_in,
    digests_of,
    find_digests,
    find_leaks,
    tags,
)
from tests.support.marked import (
    REASON,
    manifest,
    marked,
    marked_template,
    of_user,
    recipients,
    refusable,
)
from tests.support.messages import message
from tests.support.output import captured
from tests.support.world import PASSWORD_SECRETS, World

Handler = Callable[[Any, Any], Any]


class Watched:
    """A world whose functions are called as Lambda calls them, with all that leaves them kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sources: dict[str, list[str]] = defaultdict(list)
        self.bodies: list[str] = []
        self.answers: list[str] = []

    def call(self, handler: Handler, event: Any) -> Any:
        """One invocation; its exception is what an execution's history would hold."""
        try:
            return handler(event, Context("request"))
        except SnapshotExportError as error:
            self.sources["exceptions"].append(f"{type(error).__name__}: {error}")
            return {}

    def send(self, *bodies: str) -> None:
        """Deliver messages to the intake function."""
        self.bodies += bodies
        event = sqs_event(*[{} for _ in bodies])
        for record, body in zip(event["Records"], bodies, strict=True):
            record["body"] = body
        self.sources["answers"].append(json.dumps(self.call(intake.handler, event)))

    def ask(self, method: str, path: str, body: Any = None) -> None:
        """Call the API; a refusal's answer must not repeat what it refuses."""
        if body is not None:
            self.bodies.append(body if isinstance(body, str) else json.dumps(body))
        answer = call_api(self.world.services, method, path, body)
        self.answers.append(json.dumps(answer.body))
        if answer.status >= 400:
            self.sources["refusals of the API"].append(json.dumps(answer.body))

    def run(self) -> None:
        """Work on bursts and executions until nothing moves."""
        world = self.world
        for _ in range(4):
            while world.burst_queue.sent:
                burst_id, work = world.burst_queue.sent.pop(0)
                self.call(
                    burst_function.handler, sqs_event({"BurstId": burst_id, "Work": work.value})
                )
            while world.executions.started:
                arn, ids = world.executions.started.pop(0)
                self._execute(arn, ids)
            world.clock.sleep(60)
            self.call(reconcile.handler, {"detail-type": "Scheduled Event"})
            self.call(warn_of_deadlines.handler, {})

    def names(self) -> list[str]:
        """Ids of snapshot jobs and keys of objects, as CloudTrail and inventories show them."""
        jobs = [str(job["SnapshotJobId"]) for job in self.world.ledger()["jobs"]]
        listed = self.world.session.client("s3").list_objects_v2(
            Bucket=self.world.settings.export_bucket
        )
        return jobs + [each["Key"] for each in listed.get("Contents", [])]

    def digests(self) -> set[str]:
        """Of everything that was sent, and those that the table keeps."""
        table = self.world.session.client("dynamodb")
        items = table.scan(TableName=self.world.settings.table_name)["Items"]
        return digests_in(items).union(*map(digests_of, self.bodies))

    def _execute(self, arn: str, ids: dict[str, Any]) -> None:
        """An execution of the state machine, its input and each answer kept."""
        history, step = self.sources["executions"], start
        history += [arn, json.dumps(ids)]
        for _ in range(40):
            answer = self.call(step, ids)
            history.append(json.dumps(answer))
            following = {"NOT_STARTED": start, "RUNNING": describe, "WAITING": describe}
            following |= {"ENDED": collect}
            if answer.get("Phase") not in following:
                return
            step = following[answer["Phase"]]
            self.world.clock.sleep(answer["WaitSeconds"] or 1)


@pytest.fixture
def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    found = Watched(world)
    world.measure = measure
    for module in (
        intake,
        reconcile,
        move_starts,
        warn_of_deadlines,
        burst_function,
        step_functions,
    ):
        monkeypatch.setattr(module, "services_from_env", lambda: world.services)
    client: Any = world.services.events._client
    real = client.put_events

    def put_events(Entries: list[dict[str, Any]]) -> Any:
        found.sources["events"] += [json.dumps(entry) for entry in Entries]
        return real(Entries=Entries)

    monkeypatch.setattr(client, "put_events", put_events)
    with captured("DEBUG") as text:
        yield found
        metrics.flush_metrics()
    found.sources["log and metrics"] += text.getvalue().splitlines()
    while rejected := world.rejected():
        found.sources["reasons of refusals"] += [json.dumps(each["Reason"]) for each in rejected]
    assert len(found.sources["log and metrics"]) > 1
    found.sources["names"] += found.names()
    assert find_leaks(found.sources) == []
    shown = found.sources | {"answers of the API": found.answers}
    assert find_digests(found.digests(), shown) == []


def test_exports_that_work(watched: Watched) -> None:
    late = in_a_while(watched.world, 1)
    watched.send(json.dumps(marked("fine", Deadline=late)), json.dumps(marked("fine")))
    watched.ask("POST", "/exports", marked("called"))
    watched.ask("POST", "/exports", marked("called", Priority=2))
    watched.run()
    statuses = [watched.world.export(each).status for each in ("fine", "called")]
    assert statuses == ["COMPLETED"] * 2
    assert {"executions", "events", "refusals of the API"} <= set(watched.sources)


def test_a_password_is_in_its_secret_only(watched: Watched) -> None:
    world, table = watched.world, watched.world.settings.table_name
    secrets = world.session.client("secretsmanager")
    for name, text in (("good", STRING), ("bad", json.dumps({"other": STRING}))):
        secrets.create_secret(Name=f"{PASSWORD_SECRETS}{name}", SecretString=text)
        protect = {"PasswordSecret": f"{PASSWORD_SECRETS}{name}"}
        watched.send(json.dumps(message(name, Protect=protect)))
    watched.run()
    assert (world.export("good").status, world.export("bad").status) == ("COMPLETED", "FAILED")
    items = world.session.client("dynamodb").scan(TableName=table)["Items"]
    assert find_leaks({"table": [json.dumps(items)]}) == []
    for name in ("good", "bad"):
        watched.ask("GET", f"/exports/{name}")
        watched.sources["shown"].append(watched.answers[-1])


def test_a_burst_and_its_refused_recipients(watched: Watched) -> None:
    world = watched.world
    body = {"BurstId": "inline", "Template": marked_template(), "Recipients": recipients()}
    watched.send(json.dumps({"Burst": body}))
    for name, has_header in (("listed", True), ("headless", False)):
        source = csv_manifest(world, manifest(header=has_header), f"{name}.csv")
        burst = {"BurstId": name, "Template": marked_template(), "Manifest": source}
        watched.ask("POST", "/bursts", burst)
    watched.run()
    ended = {each: world.services.bursts.find(each) for each in ("inline", "listed", "headless")}
    counts = {each: (b.completed, b.refused) for each, b in ended.items() if b}
    assert counts == {"inline": (2, 5), "listed": (1, 3), "headless": (0, 0)}
    shown = [call_api(world.services, "GET", f"/bursts/{each}").body for each in ended]
    watched.sources["refusals of bursts"] += [json.dumps(each) for each in shown]


def test_a_schedule_with_marked_values(watched: Watched) -> None:
    schedule = {"ScheduleExpression": "rate(1 hour)", "Export": marked(None)}
    watched.ask("PUT", "/schedules/hourly", schedule)
    watched.ask("PUT", "/schedules/wrong", schedule | {"ScheduleExpression": STRING})
    watched.ask("PUT", "/schedules/wrong", schedule | {"Export": marked(None, Colour=TEXT)})
    occurrence = {"Schedule": "hourly", "Occurrence": "2026-11-23T06:00:00Z", "Timezone": "UTC"}
    watched.send(json.dumps(occurrence | {"Export": marked(None)}))
    watched.call(move_starts.handler, {})
    watched.run()
    assert watched.world.export("hourly-20261123T060000Z").status == "COMPLETED"


def test_what_quicksight_says_about_a_request_may_repeat_it(watched: Watched) -> None:
    world = watched.world
    world.switch("fail_job", SnapshotJobId="job", ErrorMessage=REASON, times=9)
    world.switch("fail_file", SnapshotJobId="file", ErrorMessage=REASON, times=9)
    for export_id, operation, exception in (
        ("refused", "StartDashboardSnapshotJob", "InvalidParameterValueException"),
        ("busy", "StartDashboardSnapshotJob", "InternalFailureException"),
        ("polled", "DescribeDashboardSnapshotJob", "InternalFailureException"),
        ("result", "DescribeDashboardSnapshotJobResult", "AccessDeniedException"),
    ):
        world.switch(
            "raise_exception",
            SnapshotJobId=export_id,
            Operation=operation,
            Exception=exception,
            Message=REASON,
        )
    ids = ("job", "file", "refused", "busy", "polled", "result")
    for export_id in ids:
        watched.send(json.dumps(marked(export_id)))
    watched.send(json.dumps(of_user("unknown-user")))
    watched.run()
    statuses = {each: world.export(each).status.value for each in (*ids, "unknown-user")}
    failed = {"job", "file", "refused", "result", "unknown-user"}
    assert {each for each, status in statuses.items() if status == "FAILED"} == failed
    error = world.export("refused").error
    assert error and REASON in error.message, "the record keeps what QuickSight said"


def test_what_is_refused_beside_marked_values(watched: Watched) -> None:
    for body in refusable():
        watched.send(body)
        watched.ask("POST", "/exports", body)
        watched.ask("POST", "/bursts", body)
    assert len(watched.sources["refusals of the API"]) == 2 * len(refusable())


def test_the_same_id_with_other_values(watched: Watched) -> None:
    watched.send(json.dumps(marked("twice")))
    body = marked("twice")
    body["UserConfiguration"]["AnonymousUsers"][0]["RowLevelPermissionTags"] = [
        *tags(),
        {"Key": "region", "Value": STRING},
    ]
    watched.send(json.dumps(body))
    watched.ask("POST", "/exports", body)
    (refusal,) = watched.sources["refusals of the API"]
    assert "ID_CONFLICT" in refusal


def test_what_is_cancelled(watched: Watched) -> None:
    world = watched.world
    world.services.store.change_gate({"limit": 1})
    watched.send(json.dumps(marked("runs")), json.dumps(marked("waits")))
    body = {"BurstId": "stopped", "Template": marked_template(), "Recipients": recipients()}
    watched.send(json.dumps({"Burst": body}))
    for export_id in ("runs", "waits"):
        watched.ask("DELETE", f"/exports/{export_id}")
    cancel_burst(world.services, "stopped")
    watched.run()
    assert {world.export(each).status.value for each in ("runs", "waits")} == {"CANCELLED"}


def test_what_nobody_foresaw(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exceptions whose text and traceback hold values, in each function."""
    world = watched.world

    def fail(*_values: Any, **_more: Any) -> Any:
        raise RuntimeError(REASON)

    watched.send(json.dumps(marked("met")))
    for service, method in (("store", "export"), ("quicksight", "start"), ("files", "collect")):
        with monkeypatch.context() as broken:
            broken.setattr(type(getattr(world.services, service)), method, fail)
            watched.run()
            watched.ask("GET", "/exports/met")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.store), "accept", fail)
        watched.send(json.dumps(marked("not-taken")))
        watched.ask("POST", "/exports", marked("not-taken"))
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.bursts), "find", fail)
        watched.call(burst_function.handler, sqs_event({"BurstId": "b", "Work": "EXPAND"}))
    assert any("RuntimeError at" in each for each in watched.sources["exceptions"])
