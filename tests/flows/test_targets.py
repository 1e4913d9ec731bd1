"""Several QuickSight accounts and regions in one deployment: each has its own slots and pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from local.quicksight import OtherPlace, QuickSightServer
from local.quicksight.sts import StsError
from snapshot_export.adapters.services import make_services
from snapshot_export.domain.export import Export, Status
from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic.every_target import for_every_target
from snapshot_export.flows.periodic.reconcile import reconcile, reconcile_all
from snapshot_export.flows.periodic.warn import warn_of_deadlines
from snapshot_export.metric import Metric
from snapshot_export.settings import TargetSettings
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient
from tests.support.messages import message, visuals_group
from tests.support.rows import customers_in
from tests.support.world import (
    ACCOUNT,
    EXTERNAL_ID,
    OTHER_ACCOUNT,
    OTHER_REGION,
    OTHER_ROLE,
    OTHER_USER_ROLE,
    REGION,
    START_TIME,
    Clock,
    World,
    make_bucket,
)

IRELAND = TargetSettings(
    quicksight_account_id=ACCOUNT,
    quicksight_region=OTHER_REGION,
    snapshot_job_limit=12,
    reserved_slots=0,
    calls_per_second=8,
    export_bucket="files-in-ireland",
)
"""Another region of the deployment's own account: called by the functions themselves."""
PARTNER = replace(
    IRELAND,
    quicksight_account_id=OTHER_ACCOUNT,
    role_arn=OTHER_ROLE,
    external_id=EXTERNAL_ID,
    snapshot_user_role_arn=OTHER_USER_ROLE,
)
"""Another account: called with its role."""
TARGETS = {"ireland": IRELAND, "partner": PARTNER}
ALL = ["default", *TARGETS]
PARTNERS_PLACE = (OTHER_ACCOUNT, OTHER_REGION)


@pytest.fixture
def world(aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer) -> World:
    make_bucket(aws, "files-in-ireland", OTHER_REGION)
    return World(aws, quicksight_server, shared_clock, TARGETS)


def send(world: World, target: str, count: int, **more: Any) -> list[str]:
    ids = [f"{target}-{number:02d}" for number in range(count)]
    for each in ids:
        world.send(message(each, Target=target, **more))
    return ids


def running(world: World, target: str) -> int:
    return world.services.for_target(target).store.gate().running


def ended(world: World, ids: list[str]) -> list[Export]:
    exports = [world.export(each) for each in ids]
    assert {export.status for export in exports} == {Status.COMPLETED}, exports
    return exports


def bucket_of(uri: str | None) -> str:
    return str(uri).removeprefix("s3://").split("/")[0]


def test_every_target_fills_its_own_slots_at_its_own_pace(world: World) -> None:
    ids = [f"{target}-{number:02d}" for number in range(14) for target in ALL]
    for each in ids:
        world.send(message(each, Target=each.split("-")[0]))
    assert [running(world, target) for target in ALL] == [12, 12, 12]
    world.driver.run()
    ended(world, ids)
    for target in ALL:
        summary = world.ledger(target)["summary"]
        assert (summary["jobs_started"], summary["peak_running"]) == (14, 12)
        assert summary["throttled"] == summary["limit_exceeded"] == 0
    first = [min(job["created"] for job in world.ledger(each)["jobs"]) for each in ALL]
    twelfth = [sorted(job["created"] for job in world.ledger(each)["jobs"])[11] for each in ALL]
    assert max(twelfth) - min(first) < 2.5, "36 starts at one pace of 8 a second take 4.5 s"


def test_files_lie_in_the_targets_bucket_and_the_record_names_the_target(world: World) -> None:
    ids = [send(world, target, 1)[0] for target in ALL]
    world.driver.run()
    own = world.settings.export_bucket
    buckets = [bucket_of(export.files[0].uri) for export in ended(world, ids)]
    assert buckets == [own, "files-in-ireland", "files-in-ireland"]
    for target, export_id in zip(ALL, ids, strict=True):
        shown = call_api(world.services, "GET", f"/exports/{export_id}").body
        assert shown["Target"] == world.export(export_id).target == target
        (file,) = shown["Files"]
        assert (OTHER_REGION in file["DownloadUrl"]) is (target != "default")


def test_a_full_target_delays_its_own_exports_only(world: World) -> None:
    world.quicksight.emulator.occupy(12, place=PARTNERS_PLACE)
    world.switch("job_seconds", seconds=30, times=100)
    waiting, others = send(world, "partner", 3), send(world, "default", 12)
    world.driver.run(until=world.clock.now() + 60)
    ended(world, others)
    assert world.ledger("default")["summary"]["limit_exceeded"] == 0
    assert world.ledger("partner")["summary"]["limit_exceeded"] > 0
    assert not world.ledger("partner")["jobs"]
    assert call_api(world.services, "GET", "/capacity?Target=partner").body["Ceiling"] is not None
    assert call_api(world.services, "GET", "/capacity").body["Ceiling"] is None
    world.quicksight.emulator.vacate(PARTNERS_PLACE)
    world.driver.run()
    ended(world, waiting)


def test_a_throttled_target_takes_no_turns_from_the_others(world: World) -> None:
    world.switch(
        "raise_exception", SnapshotJobId="ireland", times=8, Exception="ThrottlingException"
    )
    ids = send(world, "ireland", 2) + send(world, "default", 12)
    begun = world.clock.now()
    world.driver.run()
    ended(world, ids)
    assert world.ledger("ireland")["summary"]["throttled"] == 8
    starts = [job["created"] for job in world.ledger("default")["jobs"]]
    assert max(starts) - begun < 2.5


def test_an_execution_names_its_target_unless_it_is_the_default(world: World) -> None:
    send(world, "default", 1)
    send(world, "partner", 1)
    ids = [ids for _, ids in world.executions.started]
    assert [each.get("Target") for each in ids] == [None, "partner"]
    assert set(ids[1]) == {"ExportId", "Attempt", "Admission", "Target"}


def test_the_default_can_be_named_and_another_target_is_another_request(world: World) -> None:
    world.send(message("one"))
    assert world.send(message("one", Target="default")) is Status.QUEUED
    assert world.send(message("one", Target="ireland")) is Status.REJECTED
    (refused,) = world.rejected()
    assert "already names another request" in refused["Reason"]["Problems"][0]["Rule"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/exports", message("lost", Target="mars")),
        ("POST", "/bursts", burst("lost", [recipient(1)], Target="mars")),
        ("PUT", "/schedules/lost", {"ScheduleExpression": "rate(1 day)",
                                    "Export": message(None, Target="mars")}),
        ("POST", "/forecast", {"Target": "mars", "Exports": [{"DashboardId": "sales"}]}),
        ("GET", "/forecast?Target=mars", None),
        ("GET", "/capacity?Target=mars", None),
        ("GET", "/slots?Target=mars", None),
        ("PUT", "/capacity?Target=mars", {"Limit": 3}),
    ],
)  # fmt: skip
def test_an_unknown_target_is_refused_with_the_known_ones(
    world: World, method: str, path: str, body: Any
) -> None:
    answer = call_api(world.services, method, path, body)
    assert (answer.status, answer.body["Code"]) == (400, "INVALID_REQUEST")
    (problem,) = answer.body["Problems"]
    assert problem["Field"] == "Target"
    assert problem["Rule"] == "must be a target of this deployment: default, ireland, partner"


def test_a_message_for_an_unknown_target_is_kept_with_its_reason(world: World) -> None:
    assert world.send(message("lost", Target="mars")) is Status.REJECTED
    (refused,) = world.rejected()
    assert refused["Reason"]["Problems"][0]["Field"] == "Target"


def test_the_account_and_the_buckets_region_are_the_targets(world: World) -> None:
    body = message("asked", Target="partner", AwsAccountId=ACCOUNT)
    bucket = {"BucketName": "files-in-ireland", "BucketPrefix": "snapshots/mine"}
    place = {"BucketConfiguration": bucket | {"BucketRegion": "us-east-1"}}
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {"S3Destinations": [place]}
    answer = call_api(world.services, "POST", "/exports", body)
    rules = {each["Field"]: each["Rule"] for each in answer.body["Problems"]}
    assert rules == {
        "AwsAccountId": f"must be the target's, {OTHER_ACCOUNT}",
        "BucketRegion": f"must be the region of the call, {OTHER_REGION}",
    }
    bucket["BucketRegion"] = OTHER_REGION
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {
        "S3Destinations": [{"BucketConfiguration": bucket}]
    }
    world.send(body | {"AwsAccountId": OTHER_ACCOUNT})
    world.driver.run()
    ended(world, ["asked"])


@pytest.mark.nightly
def test_a_role_is_assumed_once_for_many_calls_and_again_before_its_end(world: World) -> None:
    assumed = []
    real = world.quicksight.emulator.assume_role

    def count(form: Any) -> Any:
        assumed.append(form["RoleArn"])
        return real(form)

    with patch.object(world.quicksight.emulator, "assume_role", count):
        ids = send(world, "partner", 3)
        world.driver.run()
        assert assumed == [OTHER_ROLE]
        world.switch("job_seconds", seconds=7200)
        ids += ["long"]
        world.send(message("long", Target="partner"))
        world.driver.run()
    ended(world, ids)
    assert 3 <= len(assumed) <= 5
    assert {call["outcome"] for call in world.ledger("partner")["calls"]} == {"OK"}


@pytest.mark.parametrize(("code", "status"), [("Throttling", 400), ("InternalFailure", 500)])
def test_an_sts_that_is_busy_delays_and_fails_nothing(world: World, code: str, status: int) -> None:
    real, asked = world.quicksight.emulator.assume_role, []

    def be_busy_at_first(form: Any) -> Any:
        asked.append(form["RoleArn"])
        if len(asked) < 3:
            raise StsError(code, "busy", status)
        return real(form)

    with patch.object(world.quicksight.emulator, "assume_role", be_busy_at_first):
        ids = send(world, "partner", 1)
        world.driver.run()
    (export,) = ended(world, ids)
    assert (export.attempt, len(world.ledger("partner")["jobs"])) == (1, 1)


def test_a_role_that_is_not_given_refuses_its_exports_with_the_reason_and_no_others(
    world: World,
) -> None:
    wrong = replace(PARTNER, external_id="guessed")
    settings = replace(world.settings, targets={"partner": wrong})
    made = make_services(settings, world.session, now=world.clock.now, sleep=world.clock.sleep)
    world.services = replace(made, executions=world.executions, burst_work=world.burst_queue)
    send(world, "partner", 1)
    others = send(world, "default", 1)
    world.driver.run()
    ended(world, others)
    refused = world.export("partner-00")
    assert refused.status is Status.REJECTED and refused.error is not None
    assert "DescribeDashboard was refused (AccessDenied)" in refused.error.message
    assert running(world, "partner") == 0
    assert world.ledger("partner")["calls"] == []


def test_registered_users_are_those_of_the_target(world: World) -> None:
    arn = f"arn:aws:quicksight:{OTHER_REGION}:{{}}:user/default/manager-2"
    for target, account in (("ireland", ACCOUNT), ("partner", OTHER_ACCOUNT)):
        body = message(
            f"user-{target}",
            groups=[visuals_group("CSV", "lines")],
            Target=target,
            RegisteredUser={"UserArn": arn.format(account)},
        )
        del body["UserConfiguration"]
        world.send(body)
    world.driver.run()
    for export in ended(world, ["user-ireland", "user-partner"]):
        (file,) = export.files
        key = str(file.uri).split("/", 3)[3]
        client = world.session.client("s3", region_name=OTHER_REGION)
        rows = client.get_object(Bucket="files-in-ireland", Key=key)["Body"].read()
        assert len(customers_in(rows, "CSV")) == 40


@pytest.mark.parametrize("target", ["ireland", "partner"])
@pytest.mark.parametrize("identity_region", [REGION, None])
def test_users_are_asked_for_where_they_are_for_use_where_the_dashboards_are(
    aws: boto3.Session,
    shared_clock: Clock,
    quicksight_server: QuickSightServer,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    identity_region: str | None,
) -> None:
    """GetIdentityContext's ContextRegion: the users of both accounts are in REGION."""
    partners_users = OtherPlace(
        account=OTHER_ACCOUNT, region=REGION, role_arn=OTHER_ROLE, external_id=EXTERNAL_ID
    )
    emulator = quicksight_server.emulator
    others = (*emulator.settings.others, partners_users)
    monkeypatch.setattr(
        emulator, "settings", replace(emulator.settings, home_region=REGION, others=others)
    )
    emulator.reset()
    make_bucket(aws, "files-in-ireland", OTHER_REGION)
    chosen = replace(TARGETS[target], identity_region=identity_region)
    world = World(aws, quicksight_server, shared_clock, {target: chosen})
    user = {"UserName": "manager-2"}
    body = message(
        "mine", groups=[visuals_group("CSV", "lines")], Target=target, RegisteredUser=user
    )
    del body["UserConfiguration"]
    world.send(body)
    world.driver.run()
    export = world.export("mine")
    if identity_region is None:
        assert export.status is Status.FAILED
        assert export.error is not None and export.error.code == "AccessDenied"
    else:
        assert export.status is Status.COMPLETED, export.error


def test_a_target_that_cannot_act_for_users_says_so(world: World) -> None:
    targets = {"partner": replace(PARTNER, snapshot_user_role_arn=None)}
    services = make_services(replace(world.settings, targets=targets), world.session)
    body = message("user", Target="partner", RegisteredUser={"UserName": "ada"})
    del body["UserConfiguration"]
    answer = call_api(services, "POST", "/exports", body)
    assert answer.status == 400
    (problem,) = answer.body["Problems"]
    assert problem["Field"] == "RegisteredUser" and "userRoleArn" in problem["Rule"]


def test_a_burst_is_its_targets_and_its_manifest_the_stacks(world: World) -> None:
    people = [recipient(number) for number in range(14)]
    world.send({"Burst": burst("all", people, Target="partner")})
    world.work_on_bursts()
    assert [running(world, target) for target in ALL] == [0, 0, 12]
    assert call_api(world.services, "GET", "/bursts/all").body["Target"] == "partner"
    assert call_api(world.services, "GET", "/bursts/all").body["ExpectedEnd"] is not None
    world.driver.run()
    manifest = manifest_of(world, "all")
    assert manifest["Counts"]["Completed"] == 14
    assert {bucket_of(file["S3Uri"]) for file in manifest["Files"]} == {"files-in-ireland"}
    assert world.ledger("default")["jobs"] == []


def test_a_burst_that_stands_still_on_a_target_is_resumed(world: World) -> None:
    world.send({"Burst": burst("lost", [recipient(1)], Target="partner")})
    world.burst_queue.sent.clear()
    world.driver.run()
    assert call_api(world.services, "GET", "/bursts/lost").body["Status"] == "COMPLETED"


def test_a_template_can_name_the_target_too_and_the_burst_goes_over_it(world: World) -> None:
    body = burst("all", [recipient(1)])
    body["Template"]["Target"] = "ireland"
    world.send({"Burst": body})
    world.send({"Burst": body | {"BurstId": "over", "Target": "partner"}})
    world.driver.run()
    assert [export.target for export in ended(world, ["all-1", "over-1"])] == ["ireland", "partner"]


def test_what_waits_on_a_target_is_cancelled_there(world: World) -> None:
    call_api(world.services, "PUT", "/capacity?Target=partner", {"Limit": 0})
    send(world, "partner", 2)
    answer = call_api(world.services, "DELETE", "/exports/partner-00")
    assert (answer.status, answer.body["Status"]) == (200, "CANCELLED")
    shown = call_api(world.services, "GET", "/exports/partner-01").body
    assert (shown["Status"], shown["Place"]) == ("QUEUED", 1)


def test_a_failure_that_can_pass_is_tried_again_on_the_same_target(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="partner", ErrorType="INTERNAL_FAILURE")
    ids = send(world, "partner", 1)
    world.driver.run()
    (export,) = ended(world, ids)
    assert export.attempt == 2
    assert len(world.ledger("partner")["jobs"]) == 2


def test_a_limit_a_reserve_and_a_pause_are_one_targets(world: World) -> None:
    changed = call_api(
        world.services, "PUT", "/capacity?Target=partner", {"Limit": 5, "ReservedSlots": 2}
    ).body
    assert (changed["Target"], changed["Limit"], changed["ReservedSlots"]) == ("partner", 5, 2)
    assert changed["Targets"] == ALL
    send(world, "partner", 6)
    send(world, "ireland", 6)
    assert [running(world, target) for target in ALL] == [0, 6, 3]
    assert call_api(world.services, "GET", "/capacity").body["Limit"] == 12


def test_a_forecast_is_one_targets(world: World) -> None:
    send(world, "partner", 20)
    shown = call_api(world.services, "GET", "/forecast?Target=partner").body
    assert (shown["Target"], shown["Running"], shown["Waiting"]) == ("partner", 12, 8)
    shown = call_api(world.services, "GET", "/forecast").body
    assert (shown["Running"], shown["Waiting"]) == (0, 0)
    plans = [
        call_api(
            world.services,
            "POST",
            "/forecast",
            {"Target": target, "Exports": [{"DashboardId": "sales-overview", "Count": 1}]},
        ).body
        for target in ("partner", "ireland")
    ]
    assert plans[0]["FinishP50"] > plans[1]["FinishP50"]


def test_job_times_are_learned_for_each_target(world: World) -> None:
    world.switch("job_seconds", SnapshotJobId="partner", seconds=5, times=9)
    send(world, "partner", 9)
    world.driver.run()
    partner = world.services.for_target("partner").durations.all()
    assert partner["sales-overview", "PDF"].mean < 10
    assert world.services.durations.all() == {}


def test_deadlines_on_every_target_are_told_of(world: World) -> None:
    soon = datetime.fromtimestamp(world.clock.now() + 1, UTC).isoformat()
    send(world, "partner", 1, Deadline=soon)
    passes = for_every_target(world.services, warn_of_deadlines)
    assert [(each.gauges.target, each.announced) for each in passes] == [
        ("default", 0),
        ("ireland", 0),
        ("partner", 1),
    ]
    assert world.export("partner-00").at_risk_at is not None


def test_the_reconciler_mends_every_target(world: World) -> None:
    ids = [each for target in ALL for each in send(world, target, 1)]
    world.driver.run(until=world.clock.now() + 3)
    for each in ids:
        world.driver.abort(each)
    world.clock.sleep(60)
    assert reconcile_all(world.services).executions_restarted == 3
    world.driver.run()
    ended(world, ids)


def test_a_target_that_cannot_be_mended_does_not_hold_up_the_others(world: World) -> None:
    send(world, "partner", 1)
    world.driver.run(until=world.clock.now() + 3)
    world.driver.abort("partner-00")
    world.clock.sleep(60)

    def stumble_on_the_default(services: Any) -> Any:
        if services.settings.target == "default":
            raise TransientError("DynamoDB: ThrottlingException")
        return reconcile(services)

    with pytest.raises(TransientError):
        for_every_target(world.services, stumble_on_the_default)
    world.driver.run()
    ended(world, ["partner-00"])


def test_slots_and_backlog_of_every_target_are_gauged(world: World) -> None:
    call_api(world.services, "PUT", "/capacity?Target=partner", {"Limit": 5, "ReservedSlots": 2})
    send(world, "partner", 4)
    gauges = {each.target: each.values for each in reconcile_all(world.services).gauges}
    assert list(gauges) == ALL
    assert gauges["partner"][Metric.SLOTS_IN_USE] == gauges["partner"][Metric.SLOTS_ALLOWED] == 3
    assert gauges["partner"][Metric.EXPORTS_WAITING] == 1
    assert gauges["default"][Metric.SLOTS_IN_USE] == 0


def test_drift_of_every_target_is_told(world: World) -> None:
    for target in ("ireland", "partner"):
        world.services.for_target(target).store.correct_counter(0, 2)
    found = reconcile_all(world.services).findings
    assert [(each.kind.value, each.amount, each.target) for each in found] == [
        ("GateDrift", 2, "ireland"),
        ("GateDrift", 2, "partner"),
    ]
    assert [running(world, target) for target in ALL] == [0, 0, 0]


def test_records_of_a_target_that_is_gone_can_still_be_looked_at(world: World) -> None:
    send(world, "partner", 1)
    world.driver.run()
    call_api(world.services, "PUT", "/capacity?Target=partner", {"Limit": 0})
    world.send(message("waits", Target="partner"))
    less = make_services(replace(world.settings, targets={}), world.session, now=world.clock.now)
    shown = call_api(less, "GET", "/exports/partner-00").body
    assert (shown["Status"], shown["Target"]) == ("COMPLETED", "partner")
    assert [file["DownloadUrl"] for file in shown["Files"]] == [None]
    assert call_api(less, "GET", "/exports/waits").body["Place"] is None
    answer = call_api(less, "DELETE", "/exports/waits")
    assert (answer.status, answer.body["Code"]) == (409, "UNKNOWN_TARGET")


def test_a_schedules_export_goes_to_its_target(world: World) -> None:
    body = {"ScheduleExpression": "rate(1 day)", "Export": message(None, Target="ireland")}
    assert call_api(world.services, "PUT", "/schedules/daily", body).status == 200
    sent = {
        "Schedule": "daily",
        "Occurrence": "2026-11-23T06:00:00Z",
        "Timezone": "UTC",
        "Export": body["Export"],
    }
    world.send(sent)
    world.driver.run()
    (export,) = ended(world, ["daily-20261123T060000Z"])
    assert export.target == "ireland"


def test_a_start_is_planned_behind_what_waits_on_its_own_target(world: World) -> None:
    """The same burst on a target with a long backlog, and on an idle one."""
    starts = {}
    send(world, "partner", 60)
    for target in ("partner", "ireland"):
        template = message(None)
        template.pop("UserConfiguration")
        body = {
            "ReadyBy": {"Time": "07:00", "EarliestMinutesBefore": 120, "LatestMinutesBefore": 1},
            "Burst": {"Target": target, "Template": template,
                      "Recipients": [recipient(number) for number in range(12)]},
        }  # fmt: skip
        world.clock.time = _at(world, "06:55")
        answer = call_api(world.services, "PUT", f"/schedules/{target}", body)
        assert answer.status == 200, answer.body
        starts[target] = answer.body["StartsAt"]
    assert starts["partner"] < starts["ireland"]


def _at(world: World, text: str) -> float:
    """The next such time of the day, in UTC."""
    hour, minute = map(int, text.split(":"))
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()
    return then if then >= world.clock.now() else then + 86_400


def test_what_was_accepted_before_there_were_targets_goes_on_as_the_default(world: World) -> None:
    world.send(message("old"))
    world.send({"Burst": burst("old-burst", [recipient(1)])})
    client, table = world.session.client("dynamodb"), world.settings.table_name
    for pk, sk in (("EXPORT#old", "EXPORT"), ("BURST#old-burst", "BURST")):
        found = client.update_item(
            TableName=table,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="REMOVE target",
            ReturnValues="ALL_OLD",
        )
        assert found["Attributes"]["target"] == {"S": "default"}
    world.driver.run()
    assert [export.target for export in ended(world, ["old", "old-burst-1"])] == ["default"] * 2
    shown = call_api(world.services, "GET", "/bursts/old-burst").body
    assert (shown["Status"], shown["Target"]) == ("COMPLETED", "default")


def test_exports_of_the_default_cost_no_call_more_where_there_are_other_targets(
    aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer
) -> None:
    def calls_of(targets: dict[str, TargetSettings]) -> Counter[str]:
        quicksight_server.emulator.reset()
        shared_clock.time = START_TIME
        world, found = World(aws, quicksight_server, shared_clock, targets), Counter[str]()
        client: Any = world.services.store._table._client
        client.meta.events.register("before-call", lambda model, **_: found.update([model.name]))
        with patch("random.random", lambda: 0.5):
            send(world, "default", 3)
            world.driver.run(until=shared_clock.now() + 300, reconcile_every=1000)
        ended(world, ["default-00", "default-01", "default-02"])
        return found

    assert calls_of(TARGETS) == calls_of({})
