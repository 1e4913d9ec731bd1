"""Least privilege: what each role may do, exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.parameters import DeploymentParameters, Settings
from tests.infra.template_reader import StackTemplate

FUNCTIONS = (
    "Intake",
    "Start",
    "Describe",
    "Hint",
    "Collect",
    "Burst",
    "Api",
    "Reconcile",
    "WarnOfDeadlines",
    "MoveStarts",
)

OTHER_ROLES = {"WorkflowRole": "states", "SchedulesRole": "scheduler"}

MACHINE = "arn:<Partition>:states:<Region>:<AccountId>:stateMachine:SnapshotExport-Export"
EXECUTIONS = "arn:<Partition>:states:<Region>:<AccountId>:execution:SnapshotExport-Export:*"
SCHEDULES = "arn:<Partition>:scheduler:<Region>:<AccountId>:schedule/SnapshotExport/*"
EVENT_BUS = "arn:<Partition>:events:<Region>:<AccountId>:event-bus/default"
DATA_SETS = "arn:<Partition>:quicksight:<Region>:<AccountId>:dataset/*"
DASHBOARDS = "arn:<Partition>:quicksight:<Region>:<AccountId>:dashboard/*"

RECORDS = {
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
START = "quicksight:StartDashboardSnapshotJob"
DESCRIBE = "quicksight:DescribeDashboardSnapshotJob"
RESULT = "quicksight:DescribeDashboardSnapshotJobResult"
DASHBOARD = "quicksight:DescribeDashboard"
DEFINITION = "quicksight:DescribeDashboardDefinition"
READ_DATA_SETS = {DATA_SETS: {"quicksight:DescribeDataSet"}}
READ_DASHBOARDS = {DASHBOARDS: {DASHBOARD, DEFINITION}, **READ_DATA_SETS}

OF_EVERY_FUNCTION = {
    "*": TRACES,
    "<StorageTable>": RECORDS,
    MACHINE: {"states:StartExecution"},
}
ASK_FOR_BURST_WORK = {"<BurstsQueue>": {"sqs:SendMessage"}}
MANIFESTS = {
    "<StorageExportBucket>/bursts/*": {"s3:GetObject", "s3:PutObject"},
    "<StorageExportBucket>/manifests/*": {"s3:GetObject"},
}
ACT_FOR_USERS = {
    "arn:<Partition>:quicksight:<Region>:<AccountId>:user/*": {"quicksight:GetIdentityContext"},
    "<SnapshotUserRole>": {"sts:AssumeRole", "sts:SetContext"},
}
OF_ONE_FUNCTION: dict[str, dict[str, set[str]]] = {
    "Intake": {
        "<IntakeQueue>": CONSUME,
        "<IntakeRejectedQueue>": {"sqs:SendMessage"},
        **ASK_FOR_BURST_WORK,
        **MANIFESTS,
        **READ_DASHBOARDS,
    },
    "Burst": {
        EVENT_BUS: {"events:PutEvents"},
        "<BurstsQueue>": CONSUME | {"sqs:SendMessage"},
        "<StorageTable>": RECORDS | {"dynamodb:BatchGetItem"},
        **MANIFESTS,
        **READ_DASHBOARDS,
        "<StorageExportBucket>/exports/*": {"s3:GetObject"},
    },
    "Start": {
        **ACT_FOR_USERS,
        **ASK_FOR_BURST_WORK,
        **READ_DATA_SETS,
        DASHBOARDS: {START, DESCRIBE, DASHBOARD},
        EVENT_BUS: {"events:PutEvents"},
    },
    "Describe": {
        **ACT_FOR_USERS,
        **READ_DATA_SETS,
        DASHBOARDS: {START, DESCRIBE, DASHBOARD},
    },
    "Hint": {
        **ACT_FOR_USERS,
        **READ_DATA_SETS,
        DASHBOARDS: {START, DESCRIBE, RESULT, DASHBOARD},
        "<StorageExportBucket>": {"s3:ListBucket"},
        "<CollectFunction>": {"lambda:InvokeFunction"},
    },
    "Collect": {
        **ACT_FOR_USERS,
        **ASK_FOR_BURST_WORK,
        DASHBOARDS: {RESULT},
        EVENT_BUS: {"events:PutEvents"},
        "<StorageExportBucket>": {"s3:ListBucket"},
        "<StorageExportBucket>/exports/*": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
        "<StorageExportBucket>/snapshots/*": {"s3:GetObject", "s3:DeleteObject"},
    },
    "Api": {
        **ASK_FOR_BURST_WORK,
        **MANIFESTS,
        **READ_DASHBOARDS,
        "*": TRACES | {"scheduler:ListSchedules"},
        "<StorageTable>": RECORDS | {"dynamodb:BatchGetItem"},
        "<StorageTable>/index/by-burst": {"dynamodb:Query"},
        "<StorageTable>/index/by-recipient": {"dynamodb:Query"},
        "<StorageTable>/index/by-status": {"dynamodb:Query"},
        "<StorageExportBucket>/exports/*": {"s3:GetObject"},
        "<SchedulesRole>": {"iam:PassRole"},
        SCHEDULES: {
            "scheduler:CreateSchedule",
            "scheduler:DeleteSchedule",
            "scheduler:GetSchedule",
            "scheduler:UpdateSchedule",
        },
    },
    "Reconcile": {
        **ASK_FOR_BURST_WORK,
        DASHBOARDS: {DESCRIBE},
        DATA_SETS: {"quicksight:DescribeDataSet", "quicksight:ListIngestions"},
        EVENT_BUS: {"events:PutEvents"},
        MACHINE: {"states:StartExecution", "states:ListExecutions"},
        EXECUTIONS: {"states:DescribeExecution"},
    },
    "WarnOfDeadlines": {
        "<StorageTable>": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        EVENT_BUS: {"events:PutEvents"},
    },
    "MoveStarts": {
        DASHBOARDS: {DASHBOARD, DEFINITION},
        EVENT_BUS: {"events:PutEvents"},
        "*": {"scheduler:ListSchedules"},
        "<StorageTable>": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "<IntakeQueue>": {"sqs:GetQueueUrl", "sqs:SendMessage"},
        "<SchedulesRole>": {"iam:PassRole"},
        SCHEDULES: {"scheduler:GetSchedule", "scheduler:UpdateSchedule"},
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_its_step_needs_and_nothing_else(
    template: StackTemplate, function: str
) -> None:
    own_logs = {f"<{function}FunctionLogs>": LOGS}
    expected = OF_EVERY_FUNCTION | own_logs | OF_ONE_FUNCTION[function]
    if function in ("WarnOfDeadlines", "MoveStarts"):
        del expected[MACHINE]
    if function in ("Reconcile", "WarnOfDeadlines"):
        del expected["*"]

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

    assert roles.pop("SnapshotUserRole")
    assert set(roles) == {f"{name}FunctionRole" for name in FUNCTIONS} | set(OTHER_ROLES)
    for name, role in roles.items():
        assert "ManagedPolicyArns" not in role, name
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = OTHER_ROLES.get(name, "lambda")
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_only_the_steps_functions_act_for_users_and_only_with_snapshot_jobs(
    template: StackTemplate,
) -> None:
    (trust,) = template.properties("SnapshotUserRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == ["sts:AssumeRole", "sts:SetContext"]
    assert {template.render(arn) for arn in trust["Principal"]["AWS"]} == {
        f"<{name}FunctionRole>" for name in ("Start", "Describe", "Hint", "Collect")
    }
    assert template.grants("SnapshotUserRole") == {
        DASHBOARDS: {START, DESCRIBE, RESULT},
    }


def test_every_function_has_a_role_of_its_own(template: StackTemplate) -> None:
    for name in FUNCTIONS:
        properties = template.properties(f"{name}Function")
        assert template.render(properties["Role"]) == f"<{name}FunctionRole>"


def test_no_role_has_an_action_with_a_wildcard(template: StackTemplate) -> None:
    for role in template.of_type("AWS::IAM::Role"):
        for actions in template.grants(role).values():
            assert not [action for action in actions if "*" in action], role


def test_functions_that_read_files_may_do_so_in_the_allowed_buckets(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    deployment = DeploymentParameters(allowed_buckets=("reports-of-ada", "reports-of-bob"))
    template = synthesize(Settings(deployment=deployment))

    readers = {"Collect", "Intake", "Burst", "Api"}

    for bucket in deployment.allowed_buckets:
        for function in FUNCTIONS:
            granted = template.grants(f"{function}FunctionRole")
            expected = {"s3:GetObject"} if function in readers else set()
            assert granted.get(f"arn:<Partition>:s3:::{bucket}/*", set()) == expected


def test_quicksight_in_another_account_and_region_is_what_functions_and_bucket_trust(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    deployment = DeploymentParameters(
        quicksight_account_id="111122223333", quicksight_region="eu-west-1"
    )
    template = synthesize(Settings(deployment=deployment))

    dashboards = "arn:<Partition>:quicksight:eu-west-1:111122223333:dashboard/*"
    assert template.grants("StartFunctionRole")[dashboards] == {START, DESCRIBE, DASHBOARD}
    assert template.grants("IntakeFunctionRole")[dashboards.replace("dashboard/", "dataset/")]
    statements = template.properties("StorageExportBucketPolicy")["PolicyDocument"]["Statement"]
    accounts = [
        statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        for statement in statements
        if statement["Effect"] == "Allow"
    ]
    assert accounts == ["111122223333", "111122223333"]
    assert template.output("QuickSightAccountId") == "111122223333"
    assert template.output("QuickSightRegion") == "eu-west-1"


def test_only_the_burst_function_may_assume_the_role_of_queries(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    role = "arn:aws:iam::111122223333:role/recipients"
    deployment = DeploymentParameters(athena_role=role, athena_work_groups=("recipients",))
    template = synthesize(Settings(deployment=deployment))

    granted = {name: template.grants(f"{name}FunctionRole").get(role) for name in FUNCTIONS}
    assert granted.pop("Burst") == {"sts:AssumeRole"}
    assert set(granted.values()) == {None}
    for name in FUNCTIONS:
        variables = template.properties(f"{name}Function")["Environment"]["Variables"]
        assert variables["ATHENA_WORK_GROUPS"] == "recipients"
        assert ("ATHENA_ROLE_ARN" in variables) is (name == "Burst")


def test_passwords_are_read_by_the_collect_function_only_and_under_their_prefix_only(
    whole: StackTemplate, template: StackTemplate
) -> None:
    secrets = "arn:<Partition>:secretsmanager:<Region>:<AccountId>:secret:snapshot-passwords/*"

    granted = {name: whole.grants(f"{name}FunctionRole").get(secrets) for name in FUNCTIONS}
    assert granted.pop("Collect") == {"secretsmanager:GetSecretValue"}
    assert set(granted.values()) == {None}
    off = [template.grants(f"{name}FunctionRole") for name in FUNCTIONS]
    assert "secretsmanager" not in str(off)
