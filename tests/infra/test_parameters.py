"""Deployment parameters: what is refused and how, and how the command line overrides cdk.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.bundling import PROFILES
from infra.parameters import DeploymentParameters, ParameterError, Settings, read_settings
from local.deployment import QUIET_JSII

ROOT = Path(__file__).resolve().parents[2]
CDK_JSON = ROOT / "cdk.json"
KEY_RULE = "must be CREATE, NONE or the ARN of a KMS key (arn:...:key/...)"
SECRETS_RULE = (
    "must be null or what names of secrets begin with: at most 64 letters, digits and /_+=.@-, the "
    "last of them /"
)
LEVEL_RULE = "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
LOG_RULE = (
    "must be one of CloudWatch's 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, "
    "1096, 1827, 3653"
)

ROLE = "arn:aws:iam::111122223333:role/recipients"
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
_SCOPES_RULE = (
    "must be an object of read, submit, steer, each another name of at most 64 characters "
    "without spaces"
)


def read(context: Mapping[str, Any]) -> Settings:
    return read_settings(context.get, cdk_json=CDK_JSON)


def problems_of(context: Mapping[str, Any]) -> list[str]:
    with pytest.raises(ParameterError) as caught:
        read(context)
    return caught.value.problems


def run_app(context: Mapping[str, Any], output: Path) -> subprocess.CompletedProcess[str]:
    """Run app.py as the CDK CLI does: context and output directory come in the environment."""
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(output),
        **QUIET_JSII,
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_cdk_json_holds_every_parameter_with_its_default() -> None:
    in_file = json.loads(CDK_JSON.read_text())["context"]["deployment"]

    assert len(in_file) == len(DeploymentParameters.model_fields)
    assert read({}).deployment == DeploymentParameters()


def test_a_json_string_overrides_single_parameters_and_leaves_the_rest_of_cdk_json(
    tmp_path: Path,
) -> None:
    cdk_json = tmp_path / "cdk.json"
    cdk_json.write_text('{"context": {"deployment": {"retentionDays": 90, "callsPerSecond": 5}}}')

    settings = read_settings(
        {"deployment": '{"snapshotJobLimit": 3, "callsPerSecond": 0.5}'}.get, cdk_json=cdk_json
    )

    assert settings.deployment == DeploymentParameters(
        retention_days=90, snapshot_job_limit=3, calls_per_second=0.5
    )


def test_every_parameter_can_be_set() -> None:
    chosen = {
        "snapshotJobLimit": 100,
        "reservedSlots": 4,
        "quicksightAccountId": "111122223333",
        "quicksightRegion": "us-gov-west-1",
        "identityRegion": "us-gov-east-1",
        "allowedBuckets": ["reports-of-ada"],
        "bucketKeys": [KEY],
        "retentionDays": 365,
        "callsPerSecond": 10,
        "expectedJobSeconds": 1.5,
        "sheetsPerJob": 5,
        "notifyEmails": ["ada@example.org"],
        "apiAuthorization": "JWT",
        "jwtIssuer": "https://login.example.org/pool_1",
        "jwtAudience": ["snapshots"],
        "jwtScopes": {"read": "r", "submit": "w", "steer": "https://x.example.org/steer"},
        "encryptionKey": "NONE",
        "deletionProtection": False,
        "logRetentionDays": 365,
        "logLevel": "DEBUG",
        "docsUrl": "https://git.example.org/exports/docs",
        "alarmFailedExports": 1,
        "alarmFailedShare": 1,
        "athenaRole": ROLE,
        "athenaWorkGroups": ["recipients"],
        "passwordSecrets": "exports/passwords/",
    }

    assert read({"deployment": chosen}).deployment == DeploymentParameters(
        snapshot_job_limit=100,
        reserved_slots=4,
        quicksight_account_id="111122223333",
        quicksight_region="us-gov-west-1",
        identity_region="us-gov-east-1",
        allowed_buckets=("reports-of-ada",),
        bucket_keys=(KEY,),
        retention_days=365,
        calls_per_second=10,
        expected_job_seconds=1.5,
        sheets_per_job=5,
        notify_emails=("ada@example.org",),
        api_authorization="JWT",
        jwt_issuer="https://login.example.org/pool_1",
        jwt_audience=("snapshots",),
        jwt_scopes={"read": "r", "submit": "w", "steer": "https://x.example.org/steer"},
        encryption_key="NONE",
        deletion_protection=False,
        log_retention_days=365,
        log_level="DEBUG",
        docs_url="https://git.example.org/exports/docs",
        alarm_failed_exports=1,
        alarm_failed_share=1,
        athena_role=ROLE,
        athena_work_groups=("recipients",),
        password_secrets="exports/passwords/",
    )


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("apiAuthorization", "NONE", "must be IAM or JWT"),
        ("passwordSecrets", "prod", SECRETS_RULE),
        ("passwordSecrets", "*/", SECRETS_RULE),
        ("passwordSecrets", "x" * 64 + "/", SECRETS_RULE),
        ("encryptionKey", None, KEY_RULE),
        ("encryptionKey", "alias/mine", KEY_RULE),
        ("encryptionKey", "arn:aws:kms:us-east-1:111122223333:alias/mine", KEY_RULE),
        ("deletionProtection", "true", "must be true or false"),
        ("deletionProtection", 1, "must be true or false"),
        ("logRetentionDays", 31, LOG_RULE),
        ("logRetentionDays", True, LOG_RULE),
        ("logLevel", "debug", LEVEL_RULE),
        ("docsUrl", "docs", "must be null or the https address of a folder"),
        ("docsUrl", "https://x.org/a b", "must be null or the https address of a folder"),
        ("apiAuthorization", None, "must be IAM or JWT"),
        ("jwtIssuer", "http://login.example.org", "must be null or the https address of an issuer"),
        ("jwtAudience", "snapshots", "must be a list of at most 50 different audiences"),
        ("jwtScopes", None, _SCOPES_RULE),
        ("jwtScopes", {}, _SCOPES_RULE),
        ("jwtScopes", {"read": "r", "submit": "w"}, _SCOPES_RULE),
        ("jwtScopes", {"read": "r", "submit": "w", "steer": ""}, _SCOPES_RULE),
        ("jwtScopes", {"read": "r", "submit": "w", "steer": "a b"}, _SCOPES_RULE),
        ("jwtScopes", {"read": "r", "submit": "w", "steer": "x" * 65}, _SCOPES_RULE),
        ("jwtScopes", {"read": "r", "submit": "w", "steer": "r"}, _SCOPES_RULE),
        ("jwtAudience", [" "], "must be a list of at most 50 different audiences"),
        ("jwtAudience", ["a", "a"], "must be a list of at most 50 different audiences"),
        ("snapshotJobLimit", 0, "must be an integer from 1 to 1000"),
        ("snapshotJobLimit", 1001, "must be an integer from 1 to 1000"),
        ("snapshotJobLimit", 12.5, "must be an integer from 1 to 1000"),
        ("snapshotJobLimit", "12", "must be an integer from 1 to 1000"),
        ("snapshotJobLimit", True, "must be an integer from 1 to 1000"),
        ("snapshotJobLimit", None, "must be an integer from 1 to 1000"),
        ("reservedSlots", -1, "must be an integer from 0 to 999"),
        ("reservedSlots", None, "must be an integer from 0 to 999"),
        ("reservedSlots", 12, "must be less than snapshotJobLimit, 12"),
        ("notifyEmails", ["ada"], "must be a list of at most 20 different e-mail addresses"),
        ("notifyEmails", "a@b.org", "must be a list of at most 20 different e-mail addresses"),
        (
            "notifyEmails",
            ["a@b.org"] * 2,
            "must be a list of at most 20 different e-mail addresses",
        ),
        ("quicksightAccountId", 111122223333, "must be null or a string of 12 digits"),
        ("quicksightAccountId", "1111", "must be null or a string of 12 digits"),
        ("quicksightAccountId", "", "must be null or a string of 12 digits"),
        ("quicksightRegion", "Ireland", "must be null or the name of a region, such as us-east-1"),
        (
            "quicksightRegion",
            "us-east-1b",
            "must be null or the name of a region, such as us-east-1",
        ),
        ("allowedBuckets", "one", "must be a list of at most 40 different S3 bucket names"),
        ("allowedBuckets", ["A_b"], "must be a list of at most 40 different S3 bucket names"),
        ("allowedBuckets", ["x" * 64], "must be a list of at most 40 different S3 bucket names"),
        (
            "allowedBuckets",
            ["one", "one"],
            "must be a list of at most 40 different S3 bucket names",
        ),
        (
            "allowedBuckets",
            [f"bucket-{n}" for n in range(41)],
            "must be a list of at most 40 different S3 bucket names",
        ),
        ("allowedBuckets", [3], "must be a list of at most 40 different S3 bucket names"),
        *(
            (
                "bucketKeys",
                value,
                "must be a list of at most 20 different ARNs of KMS keys (arn:...:key/...)",
            )
            for value in ("one", ["alias/ours"], [KEY, KEY], [3])
        ),
        ("retentionDays", 0, "must be an integer from 1 to 3650"),
        ("retentionDays", 3651, "must be an integer from 1 to 3650"),
        ("callsPerSecond", 0, "must be a number above 0 and at most 10"),
        ("callsPerSecond", 10.5, "must be a number above 0 and at most 10"),
        ("callsPerSecond", False, "must be a number above 0 and at most 10"),
        ("alarmFailedExports", 0, "must be an integer from 1 to 100000"),
        ("alarmFailedShare", 0, "must be a number above 0 and at most 1"),
        ("alarmFailedShare", 1.5, "must be a number above 0 and at most 1"),
        ("sheetsPerJob", 6, "must be an integer from 1 to 5"),
        ("expectedJobSeconds", -1, "must be a number above 0 and at most 3600"),
        ("expectedJobSeconds", 3601, "must be a number above 0 and at most 3600"),
        ("expectedJobSeconds", "40", "must be a number above 0 and at most 3600"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_with_parameter_rule_and_value(
    name: str, value: Any, rule: str
) -> None:
    assert problems_of({"deployment": {name: value}}) == [
        f"deployment.{name} {rule}, got {json.dumps(value)}"
    ]


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    (problem,) = problems_of({"deployment": {"snapshotLimit": 3}})

    assert problem == (
        "deployment.snapshotLimit is not a parameter; known are snapshotJobLimit, "
        "reservedSlots, quicksightAccountId, quicksightRegion, identityRegion, allowedBuckets, "
        "bucketKeys, "
        "retentionDays, callsPerSecond, expectedJobSeconds, sheetsPerJob, notifyEmails, "
        "apiAuthorization, jwtIssuer, jwtAudience, jwtScopes, encryptionKey, deletionProtection, "
        "unreadableRowLevelSecurity, "
        "logRetentionDays, logLevel, docsUrl, alarmFailedExports, alarmFailedShare, "
        "athenaRole, athenaWorkGroups, passwordSecrets, email, targets, got 3"
    )


def test_an_issuer_and_audiences_go_with_jwt_and_jwt_with_both() -> None:
    issuer = {"jwtIssuer": "https://login.example.org"}
    needs = ["deployment.apiAuthorization JWT needs jwtIssuer and jwtAudience"]

    assert problems_of({"deployment": {"apiAuthorization": "JWT"}}) == needs
    assert problems_of({"deployment": {"apiAuthorization": "JWT", **issuer}}) == needs
    scopes = {"jwtScopes": {"read": "r", "submit": "w", "steer": "s"}}
    for given in (issuer, {"jwtAudience": ["a"]}, scopes):
        assert problems_of({"deployment": given}) == [
            'deployment.jwtIssuer, jwtAudience and jwtScopes need apiAuthorization JWT, got "IAM"'
        ]


def test_a_role_and_work_groups_of_athena_need_each_other() -> None:
    needs = ["deployment.athenaRole and athenaWorkGroups need each other"]

    assert problems_of({"deployment": {"athenaRole": ROLE}}) == needs
    assert problems_of({"deployment": {"athenaWorkGroups": ["recipients"]}}) == needs


@pytest.mark.parametrize("value", ["{snapshotJobLimit: 3}", "[]", "3", ["x"], True])
def test_a_deployment_that_is_no_json_object_is_refused(value: Any) -> None:
    assert problems_of({"deployment": value}) == [
        f"deployment must be a JSON object, got {json.dumps(value)}"
    ]


def test_bundling_is_for_lambda_unless_the_host_is_asked_for() -> None:
    assert read({}).bundling == PROFILES["lambda"]
    assert read({"bundling": "host"}).bundling == PROFILES["host"]
    assert problems_of({"bundling": "docker"}) == [
        'bundling must be one of lambda, host, got "docker"'
    ]


def test_the_function_environment_is_a_map_of_strings() -> None:
    assert read({"function-environment": '{"A_B": "c"}'}).function_environment == {"A_B": "c"}
    assert problems_of({"function-environment": '{"A_B": 3, "A-B": "c"}'}) == [
        "function-environment.A_B must be a variable's name (a letter, then letters, digits or _) "
        "with a string, got 3",
        "function-environment.A-B must be a variable's name (a letter, then letters, digits or _) "
        'with a string, got "c"',
    ]
    assert problems_of({"function-environment": "A=b"}) == [
        'function-environment must be a JSON object, got "A=b"'
    ]


def test_the_app_lists_all_problems_without_a_traceback_and_exits_with_1(tmp_path: Path) -> None:
    done = run_app(
        {"deployment": '{"snapshotJobLimit": 0, "color": "red"}', "bundling": "docker"}, tmp_path
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "deployment.snapshotJobLimit must be an integer from 1 to 1000, got 0" in done.stderr
    assert "deployment.color is not a parameter" in done.stderr
    assert 'bundling must be one of lambda, host, got "docker"' in done.stderr
    assert not list(tmp_path.glob("*.template.json"))


@pytest.mark.nightly
def test_the_app_synthesizes_with_an_override_and_the_rest_from_cdk_json(tmp_path: Path) -> None:
    done = run_app(
        {
            "aws:cdk:bundling-stacks": [],
            "deployment": '{"snapshotJobLimit": 3}',
            "bundling": "host",
        },
        tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    template = json.loads((tmp_path / "SnapshotExport.template.json").read_text())
    limits = {
        resource["Properties"]["Environment"]["Variables"]["SNAPSHOT_JOB_LIMIT"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    assert limits == {"3"}
