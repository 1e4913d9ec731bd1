"""A sound account passes; what is broken in one is found, and only that, and told how to fix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, UnauthorizedSSOTokenError

from local.quicksight.catalogue import DataSet
from snapshots.connection import open_account
from snapshots.doctor.quicksight import judge_plan
from tests.contract.doctor.conftest import Examine, Examined
from tests.contract.doctor.patient import (
    ACCOUNT,
    BUCKET,
    OWN_BUCKET,
    QUICKSIGHT,
    STACK,
    Patient,
    Refusal,
    statements_of,
)
from tests.unit.snapshots.stub import StubApi

CLI = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
ALL = ("--dashboard", "sales-overview", "--bucket", OWN_BUCKET)
OWN = f"bucket {OWN_BUCKET}"
Break = Callable[[Patient], object]


def test_a_sound_account_passes_every_check(examine: Examine) -> None:
    done = examine(*ALL)
    wrong = {name: each for name, each in done.checks.items() if each["State"] != "ok"}
    assert (wrong, done.code, done.err) == ({}, 0, "")
    assert [*done.checks] == [
        "tools", "profile and region", "credentials", "clock", "CDK bootstrap", "stack", "version",
        "functions", "QuickSight's region", "edition", "dashboard sales-overview",
        "dashboard sales-overview: tag rules", "dashboard sales-overview: definition",
        "snapshot operations", "pricing plan", "your right to start jobs",
        "the functions' rights", "export bucket", "export bucket: policy", "export bucket: key",
        "export bucket: hints", OWN, f"{OWN}: policy", f"{OWN}: key", f"{OWN}: hints",
        f"{OWN}: allowed",
        f"{OWN}: use of its key", "limit of snapshot jobs", "Lambda concurrency", "schedules",
        "notifications",
    ]  # fmt: skip


def test_it_reads_only_and_with_documented_rights(examine: Examine, patient: Patient) -> None:
    patient.called.clear()
    examine(*ALL)
    called = {
        each.replace("GetBucketEncryption", "GetEncryptionConfiguration").replace(
            "GetBucketNotificationConfiguration", "GetBucketNotification"
        )
        for each in patient.called
    }
    assert {each for each in called if not re.search(":(Get|Describe|List)", each)} == {
        "iam:SimulatePrincipalPolicy"
    }
    section = CLI.partition("\n## snapshots doctor")[2]
    assert [each for each in sorted(called) if f"`{each}`" not in section] == []
    assert patient.server.emulator.ledger()["jobs"] == []


def assert_only(done: Examined, state: str, check: str, fix: str) -> None:
    """Just this check is in this state; the rest is ok, or could not be made because of it."""
    assert done.named(state) == {check}, done.out
    assert fix in done.checks[check]["Fix"], done.checks[check]
    others = {name: each for name, each in done.checks.items() if name != check}
    for name, each in others.items():
        silent = name == "clock" and check == "credentials"
        blocked = each["State"] == "not checked" and ("needs “" in each["Seen"] or silent)
        assert each["State"] == "ok" or blocked, (name, each)


def assert_found(
    examine: Examine, patient: Patient, case: tuple[Break, str, str], state: str, *, code: int
) -> None:
    """Break something: just its check is in this state, with this exit code."""
    break_it, check, fix = case
    break_it(patient)
    done = examine(*ALL)
    assert done.code == code
    assert_only(done, state, check, fix)


def refuse(call: str, code: str, message: str = "") -> Break:
    return lambda patient: patient.script.update({call: Refusal(code, message)})


def raise_error(call: str, error: Exception) -> Break:
    def fail(_members: Any) -> None:
        raise error

    return lambda patient: patient.script.update({call: fail})


def lack(**settings: Any) -> Break:
    return lambda patient: patient.emulate(**settings)


def be(status: str) -> Break:
    return lambda patient: setattr(patient, "status", status)


def answer(call: str, **members: Any) -> Break:
    return lambda patient: patient.script.update({call: members})


def concurrency(free: int) -> Break:
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": free}
    return answer("lambda:GetAccountSettings", AccountLimit=limit)


def have_targets(patient: Patient) -> None:
    """Of 100 at once the default target's 12 would do, with those of the others they do not."""
    concurrency(100)(patient)
    targets = {name: {"snapshot_job_limit": 41} for name in ("ireland", "partner")}
    patient.variables.update(TARGETS=json.dumps(targets))


def move_bucket(patient: Patient) -> None:
    patient.outputs["ExportBucketName"] = "elsewhere"
    patient.client("s3").create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )


def grant_to_another_account(patient: Patient) -> None:
    text = json.dumps(statements_of(BUCKET, "snapshots/")).replace(ACCOUNT, "111122223333")
    patient.put_bucket_policy(BUCKET, *json.loads(text))


def silence_bucket(patient: Patient) -> None:
    patient.script["s3:GetBucketNotificationConfiguration"] = {}


def deny_writing(patient: Patient) -> None:
    deny = {
        "Sid": "OursOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{OWN_BUCKET}/*",
        "Condition": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    }
    patient.put_bucket_policy(OWN_BUCKET, *statements_of(OWN_BUCKET, ""), deny)


def close_key(patient: Patient) -> None:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    patient.put_key_policy(
        {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    )


def give_key_of_its_own(patient: Patient) -> None:
    """Only the own bucket is encrypted with another key, which is then disabled."""
    kms = patient.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
    patient.client("s3").put_bucket_encryption(
        Bucket=OWN_BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )


def encrypt_stack_bucket_with_s3(patient: Patient) -> None:
    patient.client("s3").delete_bucket_encryption(Bucket=BUCKET)


def break_function(patient: Patient) -> None:
    whole: Any = patient.script["lambda:GetFunctionConfiguration"]
    patient.script["lambda:GetFunctionConfiguration"] = lambda members: {
        **whole(members),
        "LastUpdateStatus": "Failed",
        "LastUpdateStatusReason": "the role cannot be assumed",
    }


def forget_function(patient: Patient) -> None:
    listed: Any = patient.script["cloudformation:ListStackResources"]
    listed["StackResourceSummaries"].pop(0)


FAILURES: dict[str, tuple[Break, str, str]] = {
    "expired credentials": (
        refuse("sts:GetCallerIdentity", "ExpiredToken"), "credentials", "aws sso login"
    ),
    "wrong keys": (
        refuse("sts:GetCallerIdentity", "InvalidClientTokenId"), "credentials", "aws configure"
    ),
    "SSO session over": (
        raise_error("sts:GetCallerIdentity", UnauthorizedSSOTokenError()),
        "credentials", "aws sso login",
    ),
    "no network": (
        raise_error("sts:GetCallerIdentity", EndpointConnectionError(endpoint_url="https://sts")),
        "credentials", "HTTPS_PROXY",
    ),
    "not bootstrapped": (
        lambda patient: patient.client("ssm").delete_parameter(
            Name="/cdk-bootstrap/hnb659fds/version"
        ),
        "CDK bootstrap", f"npx cdk bootstrap aws://{ACCOUNT}/us-east-1",
    ),
    "bootstrapped long ago": (
        lambda patient: patient.client("ssm").put_parameter(
            Name="/cdk-bootstrap/hnb659fds/version", Value="5", Overwrite=True
        ),
        "CDK bootstrap", "npx cdk bootstrap",
    ),
    "first deployment failed": (
        be("ROLLBACK_COMPLETE"), "stack", f"delete-stack --stack-name {STACK}"
    ),
    "deployment stuck": (be("UPDATE_ROLLBACK_FAILED"), "stack", "npx cdk deploy"),
    "function broken": (break_function, "functions", "npx cdk deploy"),
    "function gone": (forget_function, "functions", "npx cdk deploy"),
    "QuickSight is not there": (
        lambda patient: patient.outputs.update(QuickSightRegion="eu-north-9"),
        "QuickSight's region", "quicksightRegion",
    ),
    "Standard Edition": (lack(edition="STANDARD"), "edition", "upgrade to Enterprise"),
    "never signed up": (lack(subscription="NONE"), "edition", "sign up"),
    "unsubscribed": (lack(subscription="UNSUBSCRIBED"), "edition", "sign up"),
    "dashboard not published": (
        lack(unpublished=frozenset({"sales-overview"})), "dashboard sales-overview", "publish it"
    ),
    "data set deleted": (
        lambda patient: patient.server.emulator.delete_data_set("sales"),
        "dashboard sales-overview: tag rules", "publish it again",
    ),
    "acceptance lost a right": (
        lambda patient: patient.denied.add((f"{STACK}-api", "DescribeDashboardDefinition")),
        "the functions' rights", "npx cdk deploy",
    ),
    "the guard lost a right": (
        lambda patient: patient.denied.add((f"{STACK}-start", "DescribeDataSet")),
        "the functions' rights", "npx cdk deploy",
    ),
    "hand-over lost a right": (
        lambda patient: patient.denied.add((f"{STACK}-describe", "StartDashboardSnapshotJob")),
        "the functions' rights", "npx cdk deploy",
    ),
    "functions lost a right": (
        lambda patient: patient.denied.add((f"{STACK}-start", "StartDashboardSnapshotJob")),
        "the functions' rights", "service control policy",
    ),
    "bucket gone": (
        lambda patient: patient.outputs.update(ExportBucketName="gone"), "export bucket", "s3 mb"
    ),
    "bucket elsewhere": (move_bucket, "export bucket", "take a bucket in us-east-1"),
    "bucket without policy": (
        lambda patient: patient.client("s3").delete_bucket_policy(Bucket=BUCKET),
        "export bucket: policy", '"Action": "s3:PutObject"',
    ),
    "bucket open to another account": (
        grant_to_another_account, "export bucket: policy", f'"aws:SourceAccount": "{ACCOUNT}"'
    ),
    "bucket denies": (deny_writing, f"{OWN}: policy", "Security & permissions"),
    "key disabled": (give_key_of_its_own, f"{OWN}: key", "aws kms enable-key"),
    "bucket not allowed": (
        lambda patient: patient.variables.update(ALLOWED_BUCKETS="another"),
        f"{OWN}: allowed", "allowedBuckets",
    ),
    "fewer slots than believed": (
        lambda patient: patient.quota("Concurrent snapshot jobs", 6),
        "limit of snapshot jobs", "snapshotJobLimit in cdk.json to 6",
    ),
    "a new account's concurrency": (
        concurrency(10), "Lambda concurrency", "--quota-code L-B99A9384"
    ),
    "many slots of many targets": (have_targets, "Lambda concurrency", "--quota-code L-B99A9384"),
    "key of an allowed bucket not named": (
        lambda patient: patient.denied.add((f"{STACK}-collect", "Decrypt")),
        f"{OWN}: use of its key", "bucketKeys",
    ),
    "schedules' group gone": (
        lambda patient: patient.client("scheduler").delete_schedule_group(Name=STACK),
        "schedules", "npx cdk deploy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILURES)
def test_what_is_broken_is_found_and_only_that(
    examine: Examine, patient: Patient, what: str
) -> None:
    assert_found(examine, patient, FAILURES[what], "failed", code=1)


WARNINGS: dict[str, tuple[Break, str, str]] = {
    "bucket sends no events": (
        silence_bucket, "export bucket: hints", "EventBridgeConfiguration"
    ),
    "last deployment failed": (be("UPDATE_ROLLBACK_COMPLETE"), "stack", "npx cdk deploy"),
    "deployment under way": (be("UPDATE_IN_PROGRESS"), "stack", "run this again"),
    "older than its version": (
        lambda patient: patient.outputs.pop("Version"), "version", "npx cdk deploy"
    ),
    "another version": (
        lambda patient: patient.outputs.update(Version="0.0.9"), "version", "npx cdk deploy"
    ),
    "users at home elsewhere": (
        lack(home_region="eu-west-1"), "QuickSight's region", "identityRegion to eu-west-1"
    ),
    "caller may not ask for jobs": (
        lack(denied=frozenset({"DescribeDashboardSnapshotJob"})),
        "snapshot operations", "give yourself quicksight:DescribeDashboardSnapshotJob",
    ),
    "data set open to everyone": (
        lambda patient: patient.server.emulator.put_data_set(DataSet("sales", "Sales")),
        "dashboard sales-overview: tag rules", "Row-level security",
    ),
    "little concurrency": (concurrency(30), "Lambda concurrency", "L-B99A9384"),
    "nobody subscribed": (
        answer("sns:ListSubscriptionsByTopic", Subscriptions=[]), "notifications", "notifyEmails"
    ),
    "mail not confirmed": (
        answer(
            "sns:ListSubscriptionsByTopic",
            Subscriptions=[{"SubscriptionArn": "PendingConfirmation", "Endpoint": "a@b.org"}],
        ),
        "notifications", "Subscription Confirmation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WARNINGS)
def test_what_is_worth_knowing_is_a_warning_and_no_failure(
    examine: Examine, patient: Patient, what: str
) -> None:
    assert_found(examine, patient, WARNINGS[what], "warning", code=0)


DENIED = {
    "ssm:GetParameter": ["CDK bootstrap"],
    "sns:ListSubscriptionsByTopic": ["notifications"],
    "scheduler:GetScheduleGroup": ["schedules"],
    "service-quotas:ListServiceQuotas": ["limit of snapshot jobs"],
    "lambda:GetAccountSettings": ["Lambda concurrency"],
    "iam:SimulatePrincipalPolicy": [
        "your right to start jobs",
        "the functions' rights",
        f"{OWN}: use of its key",
    ],
    "s3:GetBucketPolicy": ["export bucket: policy", f"{OWN}: policy"],
    "s3:GetBucketNotificationConfiguration": ["export bucket: hints", f"{OWN}: hints"],
    "s3:GetBucketEncryption": ["export bucket: key", f"{OWN}: key", f"{OWN}: use of its key"],
    "kms:GetKeyPolicy": ["export bucket: key", f"{OWN}: key"],
    "quicksight:DescribeAccountSubscription": ["edition"],
    "quicksight:DescribeDashboard": [
        "dashboard sales-overview",
        "dashboard sales-overview: tag rules",
    ],
    "quicksight:DescribeDashboardDefinition": ["dashboard sales-overview: definition"],
    "quicksight:DescribeDataSet": ["dashboard sales-overview: tag rules"],
}


@pytest.mark.parametrize("call", DENIED)
def test_what_the_caller_may_not_read_is_not_checked_and_no_failure(
    examine: Examine, patient: Patient, call: str
) -> None:
    patient.script[call] = Refusal("AccessDeniedException", "no", 403)
    done = examine(*ALL)
    assert done.code == 0
    assert done.named("not checked") == set(DENIED[call])
    right = call.replace("service-quotas", "servicequotas").replace(
        "GetBucketEncryption", "GetEncryptionConfiguration"
    )
    right = right.replace("GetBucketNotificationConfiguration", "GetBucketNotification")
    for name in DENIED[call]:
        assert f"give yourself {right} " in done.checks[name]["Fix"]


def test_a_key_that_lets_quicksight_not_in_closes_both_buckets(
    examine: Examine, patient: Patient
) -> None:
    close_key(patient)
    done = examine(*ALL)
    assert done.named("failed") == {"export bucket: key", f"{OWN}: key"}
    fix = done.checks["export bucket: key"]["Fix"]
    assert json.loads(fix.partition(": ")[2])[0] == {
        "Effect": "Allow",
        "Principal": QUICKSIGHT,
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_a_bucket_without_kms_needs_no_key(examine: Examine, patient: Patient) -> None:
    encrypt_stack_bucket_with_s3(patient)
    assert "needs no key" in examine(*ALL).checks["export bucket: key"]["Seen"]


def test_a_bucket_may_be_open_under_a_prefix_only(examine: Examine, patient: Patient) -> None:
    patient.put_bucket_policy(OWN_BUCKET, *statements_of(OWN_BUCKET, "daily/"))
    assert examine("--bucket", f"{OWN_BUCKET}/daily").named("failed") == set()
    assert examine("--bucket", OWN_BUCKET).named("failed") == {f"{OWN}: policy"}


def test_an_unknown_dashboard_is_told_with_those_that_exist(examine: Examine) -> None:
    done = examine("--dashboard", "sales", "--dashboard", "order-details")
    assert_only(done, "failed", "dashboard sales", "sales-overview (Sales overview)")


def test_without_a_dashboard_some_are_named(examine: Examine) -> None:
    assert "12: sales-overview (" in examine().checks["dashboards"]["Seen"]


def test_the_pricing_plan_is_proved_by_exports_alone(examine: Examine, api: StubApi) -> None:
    export = api.exports["first"]
    words = "only with an active Capacity Pricing plan (likely: one of two)"
    export |= {"Status": "FAILED", "Error": {"Code": "UnsupportedPricingPlan", "Message": words}}
    done = examine(*ALL)
    assert_only(done, "failed", "pricing plan", "subscribe to Pixel-Perfect Reports")
    found = done.checks["pricing plan"]
    assert words in found["Seen"] and "add capacity pricing" in found["Fix"]
    export["Error"] = {"Code": "ACCESS_DENIED", "Message": "no"}
    found = examine(*ALL).checks["pricing plan"]
    assert found["State"] == "not checked" and "costs one paid unit" in found["Fix"]


@pytest.mark.parametrize(("refused_at", "state"), [("06", "ok"), ("08", "failed")])
def test_the_newest_export_decides_about_the_pricing_plan(refused_at: str, state: str) -> None:
    done = [{"ExportId": "pdf", "FinishedAt": "2026-11-23T07:00:00Z"}]
    error = {"Code": "UnsupportedPricingPlan", "Message": "no"}
    refused = {"ExportId": "csv", "FinishedAt": f"2026-11-23T{refused_at}:00:00Z", "Error": error}
    assert judge_plan(done, [refused]).state.value == state


def test_before_the_deployment_the_rest_is_checked(
    examine: Examine, patient: Patient, tmp_path: Path
) -> None:
    patient.script["cloudformation:DescribeStacks"] = Refusal("ValidationError", "does not exist")
    parameters = {"allowedBuckets": [OWN_BUCKET], "snapshotJobLimit": 20}
    parameters["targets"] = {"ireland": {"snapshotJobLimit": 5}, "partner": {}}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": {"deployment": parameters}}))
    patient.quota("Concurrent snapshot jobs", 20)
    patient.denied.add(("moto", "StartDashboardSnapshotJob"))
    done = examine(*ALL)
    assert done.code == 0 and done.named("failed") == set()
    assert done.checks["stack"]["Fix"] == "npx cdk deploy"
    assert done.named("warning") == {"your right to start jobs"}
    waiting = done.named("not checked") - {"stack"}
    assert waiting == {
        "export bucket: hints",
        "version", "functions", "pricing plan", "the functions' rights", "export bucket",
        "export bucket: policy", "export bucket: key", f"{OWN}: use of its key", "schedules",
        "notifications",
    }  # fmt: skip
    assert all("needs “" in done.checks[name]["Seen"] for name in waiting)
    assert "37 snapshot jobs need 46" in done.checks["Lambda concurrency"]["Seen"]
    patient.emulate(denied=frozenset({"DescribeDashboardSnapshotJob"}))
    refused = examine(*ALL)
    assert refused.code == 1 and refused.named("failed") == {"snapshot operations"}


def test_a_role_that_was_assumed_is_judged_by_its_own_arn(
    examine: Examine, patient: Patient
) -> None:
    patient.client("iam").create_role(
        RoleName="Deployer", Path="/team/", AssumeRolePolicyDocument="{}"
    )
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/ada"
    patient.script["sts:GetCallerIdentity"] = {"Account": ACCOUNT, "Arn": arn}
    asked: list[str] = []
    simulate: Any = patient.script["iam:SimulatePrincipalPolicy"]

    def remember(members: Any) -> Any:
        asked.append(members["body"]["PolicySourceArn"])
        return simulate(members)

    patient.script["iam:SimulatePrincipalPolicy"] = remember
    assert examine().code == 0
    assert asked[0] == f"arn:aws:iam::{ACCOUNT}:role/team/Deployer"


def test_no_quota_listed_is_not_checked(examine: Examine, patient: Patient) -> None:
    scripts: list[Any] = [Refusal("NoSuchResourceException"), {"Quotas": []}]
    for script in scripts:
        patient.script["service-quotas:ListServiceQuotas"] = script
        found = examine().checks["limit of snapshot jobs"]
        assert found["State"] == "not checked" and "snapshotJobLimit 12" in found["Seen"]


@pytest.mark.parametrize(("minutes", "state", "code"), [(-7, "failed", 1), (2, "warning", 0)])
def test_a_clock_that_is_off_is_told(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, minutes: int, state: str, code: int
) -> None:
    off = timedelta(minutes=minutes)
    now = property(lambda _self: datetime.now(UTC) + off)
    monkeypatch.setattr("snapshots.invocation.Invocation.now", now)
    done = examine(*ALL)
    assert done.code == code
    assert_only(done, state, "clock", "timedatectl")


def test_a_signature_refused_for_the_clock_is_not_blamed_on_the_keys(
    examine: Examine, patient: Patient
) -> None:
    date = {"date": "Mon, 05 Jan 2026 08:00:00 GMT"}
    told = "Signature expired"
    patient.script["sts:GetCallerIdentity"] = Refusal("SignatureDoesNotMatch", told, 403, date)
    done = examine()
    assert done.named("failed") == {"credentials", "clock"}
    assert "timedatectl" in done.checks["credentials"]["Fix"]


def test_without_credentials_nothing_else_is_asked(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshots.invocation.open_account", open_account)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    done = examine(*ALL)
    assert done.named("failed") == {"credentials"} and done.code == 1
    assert done.named("ok") == {"tools", "profile and region"}
    assert "Unable to locate credentials" in done.checks["credentials"]["Seen"]


@pytest.mark.parametrize(
    ("options", "fix"), [((), "--region"), (("--profile", "nobody"), "list-profiles")]
)
def test_without_a_region_or_profile_it_says_how_to_choose_one(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], fix: str
) -> None:
    monkeypatch.setattr("snapshots.invocation.open_account", open_account)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    done = examine(*options)
    assert done.code == 1
    assert_only(done, "failed", "profile and region", fix)


def test_a_boto3_without_the_operations_is_told(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshots.doctor.machine._OPERATIONS", {"StartWhatIsToCome"})
    assert_only(examine(*ALL), "failed", "tools", "make install")


def test_people_read_a_line_a_check_and_how_to_mend_it(examine: Examine, patient: Patient) -> None:
    patient.emulate(edition="STANDARD")
    told = examine("--dashboard", "[red]", as_json=False)
    assert told.code == 1
    lines = told.out.splitlines()
    at = lines.index("failed      edition: Standard Edition, which has no snapshots")
    assert lines[at + 1].startswith("            fix: QuickSight console")
    assert "not checked dashboard [red]: needs “edition”, which failed" in lines
    assert lines[-1] == "19 ok, 1 failed, 5 not checked"
