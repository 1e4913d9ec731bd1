"""cdk-nag over the whole stack: nothing is found but what its acknowledgment gives a reason for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.email_parameters import EmailParameters
from infra.nag_exceptions import acknowledge_wildcards
from infra.parameters import DeploymentParameters, Settings
from infra.stack import SnapshotExportStack
from infra.target_parameters import TargetParameters

DEPLOYMENT = DeploymentParameters(
    allowed_buckets=("reports-of-ada",),
    notify_emails=("ada@example.org",),
    targets={
        "ireland": TargetParameters(region="eu-west-1", bucket="files-in-ireland"),
        "partner": TargetParameters(role_arn="arn:aws:iam::111122223333:role/snapshots"),
    },
    email=EmailParameters(
        sender="reports@example.com",
        configuration_set="mails",
        allowed_domains=("example.com",),
    ),
)


def findings_of(app: cdk.App, folder: Path) -> set[tuple[str, str]]:
    """Construct path and rule of each finding, after a synthesis that they may have stopped."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        assert str(error).startswith("ValidationFailed")
    report: dict[str, Any] = json.loads((folder / "validation-report.json").read_text())
    return {
        (construct["constructPath"], violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }


def test_what_is_not_acknowledged_is_found_and_nothing_else(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), context={"aws:cdk:bundling-stacks": []})
    stack = SnapshotExportStack(app, "SnapshotExport", settings=Settings(deployment=DEPLOYMENT))
    sqs.Queue(stack, "Open")
    describe = stack.node.find_child("DescribeFunction")
    assert isinstance(describe, lambda_.Function)
    describe.add_to_role_policy(
        iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::somebody-elses/*"])
    )

    assert findings_of(app, tmp_path) == {
        ("SnapshotExport/Open/Resource", "AwsSolutions-SQS3"),
        ("SnapshotExport/Open/Resource", "AwsSolutions-SQS4"),
        ("SnapshotExport/Open/Resource", "Serverless-SQSRedrivePolicy"),
        (
            "SnapshotExport/DescribeFunctionRole/DefaultPolicy/Resource",
            "AwsSolutions-IAM5[Resource::arn:aws:s3:::somebody-elses/*]",
        ),
    }


def test_a_wildcard_needs_a_reason() -> None:
    stack = cdk.Stack(cdk.App(), "Some")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    acknowledge_wildcards(role, "", "arn:aws:s3:::bucket/one-object")
    with pytest.raises(ValueError, match="a wildcard without a reason"):
        acknowledge_wildcards(role, "", "arn:aws:s3:::bucket/*")
