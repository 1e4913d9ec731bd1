"""Data at rest: one key for all that holds requests, files or messages, and who may use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from infra.encryption import NONE
from infra.parameters import DeploymentParameters, Settings
from infra.stack import SnapshotExportStack
from infra.target_parameters import TargetParameters
from tests.infra.template_reader import StackTemplate

Synthesize = Callable[[Settings], StackTemplate]

KEY = "<EncryptionKey>"
OWN_ARN = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
USE = {"kms:Decrypt", "kms:GenerateDataKey"}
OF_THE_TABLE = USE | {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
ACTIONS = {"dynamodb": OF_THE_TABLE, "s3": USE, "sqs": USE}
SERVICES = {
    "IntakeFunctionRole": {"dynamodb", "s3", "sqs"},
    "StartFunctionRole": {"dynamodb", "sqs"},
    "DescribeFunctionRole": {"dynamodb"},
    "HintFunctionRole": {"dynamodb"},
    "CollectFunctionRole": {"dynamodb", "s3", "sqs"},
    "BurstFunctionRole": {"dynamodb", "s3", "sqs"},
    "ApiFunctionRole": {"dynamodb", "s3", "sqs"},
    "ReconcileFunctionRole": {"dynamodb", "sqs"},
    "WarnOfDeadlinesFunctionRole": {"dynamodb"},
    "MoveStartsFunctionRole": {"dynamodb", "sqs"},
    "SchedulesRole": {"sqs"},
    "WorkflowRole": set(),
    "SnapshotUserRole": set(),
}


def test_the_keys_of_other_buckets_are_used_by_who_reads_there_through_s3_in_their_region(
    synthesize: Synthesize,
) -> None:
    target = TargetParameters(region="eu-central-1", bucket="reports-abroad")
    abroad = OWN_ARN.replace("eu-west-1", "eu-central-1")

    def uses(**more: Any) -> dict[str, set[tuple[str, str, str]]]:
        keys = (OWN_ARN, abroad)
        chosen = DeploymentParameters(bucket_keys=keys, encryption_key=NONE, **more)
        template = synthesize(Settings(deployment=chosen))
        return {
            role: {
                (action, template.render(each["Resource"]), service)
                for each in template.statements(role)
                if str(each["Resource"]).startswith("arn:aws:kms")
                for action in (
                    [*each["Action"]] if isinstance(each["Action"], list) else [each["Action"]]
                )
                for service in [
                    template.render(each["Condition"]["StringEquals"]["kms:ViaService"])
                ]
            }
            for role in SERVICES
        }

    places = [(OWN_ARN, "s3.eu-west-1.<URLSuffix>"), (abroad, "s3.eu-central-1.<URLSuffix>")]
    reading = {("kms:Decrypt", *place) for place in places}
    readers = ("IntakeFunctionRole", "CollectFunctionRole", "BurstFunctionRole", "ApiFunctionRole")
    expected = {role: reading if role in readers else set() for role in SERVICES}
    assert uses() == expected
    writing = reading | {("kms:GenerateDataKey", *place) for place in places}
    assert uses(targets={"abroad": target}) == expected | {"CollectFunctionRole": writing}


def keys_of_data(template: StackTemplate) -> dict[str, str | None]:
    """The key of every table, bucket, queue and topic, None for one without."""
    found: dict[str, Any] = {}
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        found[name] = table.get("SSESpecification", {}).get("KMSMasterKeyId")
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        found[name] = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for name, resource in template.of_type(kind).items():
            found[name] = resource.get("KmsMasterKeyId")
    return {name: template.render(key) if key else None for name, key in found.items()}


def test_everything_that_holds_data_is_encrypted_with_the_stacks_own_key(
    template: StackTemplate,
) -> None:
    keys = keys_of_data(template)

    assert {"StorageTable", "StorageExportBucket", "IntakeQueue", "NotificationsTopic"} < set(keys)
    assert set(keys.values()) == {KEY}
    (rule,) = template.properties("StorageExportBucket")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["BucketKeyEnabled"] is True, "or each object costs a call to KMS"


def test_the_key_rotates_and_outlives_the_stack_as_the_data_does(template: StackTemplate) -> None:
    assert template.properties("EncryptionKey")["EnableKeyRotation"] is True
    assert template.resource("EncryptionKey")["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_keys_policy_names_the_account_and_the_services_that_write_by_themselves(
    template: StackTemplate,
) -> None:
    account, *services = template.properties("EncryptionKey")["KeyPolicy"]["Statement"]

    assert template.render(account["Principal"]["AWS"]) == "arn:<Partition>:iam::<AccountId>:root"
    named = {each["Principal"]["Service"]: each for each in services}
    assert set(named) == {
        f"{name}.amazonaws.com" for name in ("quicksight", "events", "cloudwatch")
    }
    for statement in named.values():
        assert {action.rstrip("*") for action in statement["Action"]} == USE
    condition = named["quicksight.amazonaws.com"]["Condition"]["StringEquals"]
    assert template.render(condition["aws:SourceAccount"]) == "<AccountId>"


def test_with_an_address_to_tell_sns_may_use_the_key_for_what_it_could_not_deliver(
    synthesize: Synthesize,
) -> None:
    template = synthesize(
        Settings(deployment=DeploymentParameters(notify_emails=("ada@example.org",)))
    )

    _, *services = template.properties("EncryptionKey")["KeyPolicy"]["Statement"]
    (sns,) = (each for each in services if "sns.amazonaws.com" in each["Principal"]["Service"])
    assert set(sns["Action"]) == USE


def test_a_role_uses_the_key_through_the_services_it_calls_and_no_other_way(
    template: StackTemplate,
) -> None:
    assert set(template.of_type("AWS::IAM::Role")) == set(SERVICES)
    for role, services in SERVICES.items():
        assert template.key_grants(role) == {
            f"{service}.<Region>.<URLSuffix>": (KEY, ACTIONS[service]) for service in services
        }, role


def test_a_key_that_exists_is_used_instead_and_its_policy_left_to_its_owner(
    synthesize: Synthesize,
) -> None:
    template = synthesize(Settings(deployment=DeploymentParameters(encryption_key=OWN_ARN)))

    assert template.of_type("AWS::KMS::Key") == {}
    assert set(keys_of_data(template).values()) == {OWN_ARN}
    granted = template.key_grants("IntakeFunctionRole")
    assert {key for key, _ in granted.values()} == {OWN_ARN}


def test_without_a_key_aws_encrypts_with_its_own(synthesize: Synthesize) -> None:
    template = synthesize(Settings(deployment=DeploymentParameters(encryption_key=NONE)))

    assert set(keys_of_data(template).values()) == {None}
    assert "kms:" not in json.dumps(template.body)
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name


@pytest.mark.parametrize("is_on", [True, False])
def test_deletion_protection_is_a_choice(is_on: bool) -> None:
    deployment = DeploymentParameters(deletion_protection=is_on)
    app = cdk.App(context={"aws:cdk:bundling-stacks": []})
    stack = SnapshotExportStack(app, "SnapshotExport", settings=Settings(deployment=deployment))

    assert stack.termination_protection is is_on


def test_logs_are_kept_as_long_as_the_deployment_says(synthesize: Synthesize) -> None:
    template = synthesize(Settings(deployment=DeploymentParameters(log_retention_days=400)))

    groups = template.of_type("AWS::Logs::LogGroup")
    assert {"ApiAccessLogs", "WorkflowLogs", "StartFunctionLogs"} < set(groups)
    assert {group["RetentionInDays"] for group in groups.values()} == {400}
