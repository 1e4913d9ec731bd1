"""Least privilege: what each role may do, exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.parameters import DeploymentParameters, Settings
from tests.infra.template_reader import StackTemplate

FUNCTIONS = ("Intake", "Start", "Describe", "Collect", "Reconcile")

MACHINE = "arn:<Partition>:states:<Region>:<AccountId>:stateMachine:SnapshotExport-Export"
EXECUTIONS = "arn:<Partition>:states:<Region>:<AccountId>:execution:SnapshotExport-Export:*"
EVENT_BUS = "arn:<Partition>:events:<Region>:<AccountId>:event-bus/default"
DASHBOARDS = "arn:<Partition>:quicksight:<Region>:<AccountId>:dashboard/*"
JOBS = f"{DASHBOARDS}/snapshot-job/*"

RECORDS = {
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}
START = "quicksight:StartDashboardSnapshotJob"
DESCRIBE = "quicksight:DescribeDashboardSnapshotJob"
RESULT = "quicksight:DescribeDashboardSnapshotJobResult"

OF_EVERY_FUNCTION = {
    "*": TRACES,
    "<StorageTable>": RECORDS,
    MACHINE: {"states:StartExecution"},
}
OF_ONE_FUNCTION: dict[str, dict[str, set[str]]] = {
    "Intake": {
        "<IntakeQueue>": CONSUME,
        "<IntakeRejectedQueue>": {"sqs:SendMessage"},
    },
    "Start": {
        DASHBOARDS: {START, DESCRIBE},
        JOBS: {START, DESCRIBE},
        EVENT_BUS: {"events:PutEvents"},
    },
    "Describe": {
        DASHBOARDS: {DESCRIBE},
        JOBS: {DESCRIBE},
        EVENT_BUS: {"events:PutEvents"},
    },
    "Collect": {
        DASHBOARDS: {RESULT},
        JOBS: {RESULT},
        EVENT_BUS: {"events:PutEvents"},
        "<StorageExportBucket>/*": {"s3:GetObject"},
        "<StorageExportBucket>/exports/*": {"s3:PutObject"},
    },
    "Reconcile": {
        DASHBOARDS: {DESCRIBE},
        JOBS: {DESCRIBE},
        EVENT_BUS: {"events:PutEvents"},
        MACHINE: {"states:StartExecution", "states:ListExecutions"},
        EXECUTIONS: {"states:DescribeExecution"},
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_its_step_needs_and_nothing_else(
    template: StackTemplate, function: str
) -> None:
    own_logs = {f"<{function}FunctionLogs>": LOGS}
    expected = OF_EVERY_FUNCTION | own_logs | OF_ONE_FUNCTION[function]

    assert template.grants(f"{function}FunctionRole") == expected


def test_the_state_machine_may_invoke_its_three_functions_and_write_logs_and_traces(
    template: StackTemplate,
) -> None:
    granted = template.grants("WorkflowRole")

    on_anything = granted.pop("*")
    assert granted == {
        f"<{name}Function>": {"lambda:InvokeFunction"} for name in ("Start", "Describe", "Collect")
    }
    assert {action.split(":")[0] for action in on_anything} == {"logs", "xray"}


def test_every_role_serves_one_service_and_has_no_managed_policy(template: StackTemplate) -> None:
    roles = template.of_type("AWS::IAM::Role")

    assert set(roles) == {f"{name}FunctionRole" for name in FUNCTIONS} | {"WorkflowRole"}
    for name, role in roles.items():
        assert "ManagedPolicyArns" not in role, name
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "states" if name == "WorkflowRole" else "lambda"
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_every_function_has_a_role_of_its_own(template: StackTemplate) -> None:
    for name in FUNCTIONS:
        properties = template.properties(f"{name}Function")
        assert template.render(properties["Role"]) == f"<{name}FunctionRole>"


def test_no_role_has_an_action_with_a_wildcard(template: StackTemplate) -> None:
    for role in template.of_type("AWS::IAM::Role"):
        for actions in template.grants(role).values():
            assert not [action for action in actions if "*" in action], role


def test_the_collect_function_may_read_files_in_the_allowed_buckets(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    deployment = DeploymentParameters(allowed_buckets=("reports-of-ada", "reports-of-bob"))
    template = synthesize(Settings(deployment=deployment))

    granted = template.grants("CollectFunctionRole")

    for bucket in deployment.allowed_buckets:
        assert granted[f"arn:<Partition>:s3:::{bucket}/*"] == {"s3:GetObject"}
        for function in set(FUNCTIONS) - {"Collect"}:
            assert f"arn:<Partition>:s3:::{bucket}/*" not in template.grants(
                f"{function}FunctionRole"
            )


def test_quicksight_in_another_account_and_region_is_what_functions_and_bucket_trust(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    deployment = DeploymentParameters(
        quicksight_account_id="111122223333", quicksight_region="eu-west-1"
    )
    template = synthesize(Settings(deployment=deployment))

    dashboards = "arn:<Partition>:quicksight:eu-west-1:111122223333:dashboard/*"
    assert template.grants("StartFunctionRole")[dashboards] == {START, DESCRIBE}
    statements = template.properties("StorageExportBucketPolicy")["PolicyDocument"]["Statement"]
    accounts = [
        statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        for statement in statements
        if statement["Effect"] == "Allow"
    ]
    assert accounts == ["111122223333", "111122223333"]
    assert template.output("QuickSightAccountId") == "111122223333"
    assert template.output("QuickSightRegion") == "eu-west-1"
