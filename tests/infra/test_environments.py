"""Environments and regions of one account: what has a name of its own, and what fits any place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from infra.parameters import DEFAULT_STACK, ParameterError, Settings, read_settings
from infra.stack import SnapshotExportStack
from tests.infra.template_reader import StackTemplate

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "aws": ("us-east-1", "il-central-1", "ap-southeast-5"),
    "aws-us-gov": ("us-gov-west-1",),
    "aws-cn": ("cn-north-1",),
}
_NAMES = frozenset(
    {
        "AlarmName", "AliasName", "BucketName", "DashboardName", "FunctionName", "GroupName",
        "LogGroupName", "ManagedPolicyName", "Name", "QueueName", "RoleName", "RuleName",
        "StateMachineName", "TableName", "TopicName",
    }
)  # fmt: skip


def read(environment: Any, environments: Any, tmp_path: Path, **deployment: Any) -> Settings:
    cdk_json = tmp_path / "cdk.json"
    base = {"retentionDays": 90, "snapshotJobLimit": 20}
    context = {"deployment": base, "environments": environments}
    cdk_json.write_text(json.dumps({"context": context}), encoding="utf-8")
    given = {"environment": environment, "deployment": json.dumps(deployment) or None}
    return read_settings(given.get, cdk_json=cdk_json)


def synthesize(settings: Settings, region: str, account: str = "111122223333") -> dict[str, Any]:
    app = cdk.App(context={"aws:cdk:bundling-stacks": []})
    env = cdk.Environment(account=account, region=region)
    stack = SnapshotExportStack(app, DEFAULT_STACK, settings=settings, env=env)
    return dict(Template.from_stack(stack).to_json())


def names_in(template: dict[str, Any]) -> set[tuple[str, str]]:
    """Every name that the template gives itself, by the type of its resource."""
    reader = StackTemplate(template)
    found = set()
    for resource in template["Resources"].values():
        for member, value in resource.get("Properties", {}).items():
            name = reader.render(value) if member in _NAMES else ""
            if name and not re.fullmatch(r"<\w+>", name):
                found.add((resource["Type"], name))
    return found


def test_an_environment_has_its_stack_name_and_overrides_what_all_share(tmp_path: Path) -> None:
    sections = {"staging": {"stackName": "Staging", "deployment": {"snapshotJobLimit": 3}}}

    settings = read("staging", sections, tmp_path)
    assert settings.stack_name == "Staging"
    assert settings.deployment.snapshot_job_limit == 3
    assert settings.deployment.retention_days == 90
    assert (
        read("staging", sections, tmp_path, snapshotJobLimit=5).deployment.snapshot_job_limit == 5
    )

    without = read(None, sections, tmp_path)
    assert without.stack_name == DEFAULT_STACK
    assert without.deployment.snapshot_job_limit == 20


@pytest.mark.parametrize(
    ("environment", "sections", "problem"),
    [
        ("prod", {}, "environment must be one of cdk.json's environments (none), got \"prod\""),
        ("prod", {"dev": {"stackName": "Dev"}},
         "environment must be one of cdk.json's environments (dev), got \"prod\""),
        ("dev", {"dev": {"stackName": "1st"}}, "environments.dev.stackName must be 1 to 64"),
        ("dev", {"dev": {}}, "environments.dev.stackName must be 1 to 64"),
        ("dev", {"dev": {"stackName": "D" * 65}}, "environments.dev.stackName must be 1 to 64"),
        ("dev", {"dev": {"stackName": "SnapshotExport"}},
         "environments.dev.stackName must not be that of the deployment without an environment"),
        ("dev", {"dev": {"stackName": "A"}, "test": {"stackName": "A"}},
         "environments.test.stackName must not be that of environments.dev"),
        ("dev", {"dev": {"stackName": "A", "limit": 3}},
         "environments.dev must be an object of stackName and deployment"),
        ("dev", {"dev": {"stackName": "A", "deployment": {"snapshotJobLimit": 0}}},
         "deployment.snapshotJobLimit must be an integer from 1 to 1000, got 0"),
    ],
)  # fmt: skip
def test_an_environment_that_cannot_be_used_is_refused(
    environment: str, sections: Any, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError) as caught:
        read(environment, sections, tmp_path)
    assert any(each.startswith(problem) for each in caught.value.problems), caught.value.problems


def test_two_environments_have_no_name_in_common() -> None:
    one = names_in(synthesize(Settings(), "eu-central-1"))
    other = names_in(synthesize(Settings(stack_name="Staging"), "eu-central-1"))
    assert one
    assert one & other == set()


def test_two_regions_have_no_global_name_in_common() -> None:
    """Dashboards and roles have one name for all regions of an account; all else is regional."""
    one = names_in(synthesize(Settings(), "eu-central-1"))
    other = names_in(synthesize(Settings(), "eu-west-1"))
    common = {kind for kind, _ in one & other}
    assert not common & {"AWS::CloudWatch::Dashboard", "AWS::IAM::Role", "AWS::S3::Bucket"}


@pytest.mark.parametrize(
    ("partition", "region"), [(name, region) for name in PLACES for region in PLACES[name]]
)
def test_no_partition_is_written_out(partition: str, region: str) -> None:
    text = json.dumps(synthesize(Settings(), region))
    wrong = {f"arn:{name}:" for name in PLACES if name != partition}
    assert [each for each in wrong if each in text] == []
    if partition != "aws":
        assert "amazonaws.com/" not in text.replace("amazonaws.com.cn/", "")


def test_the_source_names_no_partition() -> None:
    """Patterns that take every partition, and the ARNs of the embedded account, are not meant."""
    files = [*ROOT.glob("infra/*.py"), *ROOT.glob("lambdas/snapshot_export/**/*.py")]
    files += [*ROOT.glob("statemachine/*.json"), ROOT / "app.py", ROOT / "cdk.json"]
    assert len(files) > 100
    assert [file.name for file in files if "arn:aws:" in file.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("logical_id", ["StorageTable", "StorageExportBucket", "EncryptionKey"])
def test_what_lasts_outlives_the_stack_and_no_failed_creation(
    template: StackTemplate, logical_id: str
) -> None:
    """DynamoDB's own protection would make the removal fail."""
    resource = template.resource(logical_id)
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert "DeletionProtectionEnabled" not in resource["Properties"]
