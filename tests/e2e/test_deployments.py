"""Deployments that fail: by the real `cdk deploy`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor.mends import delete_stack
from local.account.environment import ACCOUNT
from local.cloud import LocalCloud
from local.deployment import STACK, DeploymentError
from local.quicksight import OtherPlace
from local.quicksight_process import QuickSightSettings
from local.testing import TEST_QUICKSIGHT, expected_of
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
