"""Deployments that fail, and several stacks in one account: by the real `cdk deploy`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.account.environment import ACCOUNT
from local.cloud import LocalCloud
from local.deployed import Deployed
from local.deployment import STACK, DeploymentError
from local.quicksight import OtherPlace
from local.quicksight_process import QuickSightSettings
from local.testing import TEST_QUICKSIGHT, expected_of
from snapshots.doctor.fixes import delete_stack
from tests.support.messages import message
from tests.support.versions import copy_project, replace_in

pytestmark = pytest.mark.nightly
OTHER_REGION = "eu-south-1"
REFUSED = """
    from aws_cdk import aws_scheduler

    stack = app.node.find_child(DEFAULT_STACK)
    others = stack.node.children
    refused = aws_scheduler.CfnSchedule(
        stack,
        "Refused",
        flexible_time_window={"mode": "OFF"},
        schedule_expression="cron(0 6 * * * *)",
        target={"arn": "arn:aws:sqs:::none", "roleArn": "arn:aws:iam::000000000000:role/none"},
    )
    refused.node.add_dependency(*others)
    app.synth()
"""
"""A schedule that the Scheduler refuses, after everything else has been made."""


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """An account of its own, whose QuickSight is used in two regions."""
    others = (OtherPlace(account=ACCOUNT, region=OTHER_REGION),)
    settings = {**vars(TEST_QUICKSIGHT), "others": others}
    with LocalCloud(tmp_path / "cloud", quicksight=QuickSightSettings(**settings)) as running:
        yield running


def status_of(cloud: LocalCloud) -> str:
    described = cloud.aws.client("cloudformation").describe_stacks(StackName=STACK)
    return str(described["Stacks"][0]["StackStatus"])


def left_over(cloud: LocalCloud) -> dict[str, list[str]]:
    """What costs money and is not of `cdk bootstrap`: keys, tables, buckets."""
    kms = cloud.aws.client("kms")
    keys = [
        kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]
    ]
    buckets = [each["Name"] for each in cloud.aws.client("s3").list_buckets()["Buckets"]]
    return {
        "keys": [each["KeyId"] for each in keys if each["KeyState"] == "Enabled"],
        "tables": cloud.aws.client("dynamodb").list_tables()["TableNames"],
        "buckets": [each for each in buckets if not each.startswith("cdk-")],
    }


def remove_as_the_doctor_says(cloud: LocalCloud) -> None:
    """Each `aws cloudformation` command of the advice, in its order."""
    client = cloud.aws.client("cloudformation")
    commands = re.findall(
        r"aws cloudformation ([a-z-]+)(.*?) (?:&&|--stack-name)", delete_stack(STACK)
    )
    names = [name for name, _ in commands if name != "describe-stack-events"]
    assert names == ["update-termination-protection", "delete-stack", "wait"]
    client.update_termination_protection(StackName=STACK, EnableTerminationProtection=False)
    client.delete_stack(StackName=STACK)
    client.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def test_a_first_deployment_that_fails_twice_leaves_nothing_and_then_succeeds(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    failing = copy_project(tmp_path / "failing")
    replace_in(failing / "app.py", "    app.synth()\n", REFUSED)
    parameters = expected_of(TEST_QUICKSIGHT)
    for _ in range(2):
        with pytest.raises(DeploymentError, match="Refused"):
            cloud.deploy(parameters, project=failing)
        assert status_of(cloud) == "ROLLBACK_COMPLETE"
        assert left_over(cloud) == {"keys": [], "tables": [], "buckets": []}
        with pytest.raises(DeploymentError):  # over the stack, which is protected
            cloud.deploy(parameters)
        assert status_of(cloud) == "ROLLBACK_COMPLETE"
        remove_as_the_doctor_says(cloud)
    stack = cloud.deploy(parameters)
    stack.send(message("after-all"))
    assert stack.wait_for_export("after-all")["status"] == "COMPLETED"


def test_an_unprotected_stack_is_deployed_over_rollback_complete(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    failing = copy_project(tmp_path / "failing")
    replace_in(failing / "app.py", "    app.synth()\n", REFUSED)
    parameters = expected_of(TEST_QUICKSIGHT) | {"deletionProtection": False}
    with pytest.raises(DeploymentError):
        cloud.deploy(parameters, project=failing)
    assert status_of(cloud) == "ROLLBACK_COMPLETE"
    cloud.deploy(parameters)
    assert status_of(cloud) == "CREATE_COMPLETE"
    with pytest.raises(DeploymentError):  # an update that fails leaves what was there
        cloud.deploy(parameters, project=failing)
    assert status_of(cloud) == "UPDATE_ROLLBACK_COMPLETE"


OF_ITS_API = {"AWS::ApiGatewayV2::Stage", "AWS::CDK::Metadata"}
"""Whose names are no names of the account's."""
GLOBAL = {"AWS::S3::Bucket", "AWS::CloudWatch::Dashboard"}
"""Whose names are the same thing in every region."""


def physical_names(stack: Deployed, name: str) -> dict[str, str]:
    """The type of everything that the stack has made, by its name."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    return {
        each["PhysicalResourceId"]: each["ResourceType"]
        for page in pages.paginate(StackName=name)
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] not in OF_ITS_API
    }


def test_environments_and_regions_side_by_side_have_no_name_in_common(cloud: LocalCloud) -> None:
    parameters: dict[str, Any] = {"expectedJobSeconds": 2, "callsPerSecond": 3}
    halves = parameters | {"snapshotJobLimit": 6}
    stacks = {
        "production": cloud.deploy(halves),
        "staging": cloud.deploy(halves, environment="staging"),
        "abroad": cloud.deploy(parameters, region=OTHER_REGION),
    }
    production = physical_names(stacks["production"], STACK)
    staging = physical_names(stacks["staging"], "SnapshotExportStaging")
    abroad = physical_names(stacks["abroad"], STACK)
    assert len(production) > 50
    assert production.keys() & staging.keys() == set()
    everywhere = {name for name in production.keys() & abroad.keys() if production[name] in GLOBAL}
    assert everywhere == set()
    assert {*production.values()} & {*abroad.values()} >= GLOBAL
    for name, stack in stacks.items():
        stack.send(*[message(f"{name}-{number}") for number in range(8)])
    for name, stack in stacks.items():
        for number in range(8):
            export = stack.wait_for_export(f"{name}-{number}", 120)
            assert export["status"] == "COMPLETED", export
            assert export["files"][0]["uri"].startswith(
                f"s3://{stack.outputs['ExportBucketName']}/"
            )
        others = [other for other in stacks if other != name]
        assert stack.exports([f"{other}-0" for other in others]) == {}
