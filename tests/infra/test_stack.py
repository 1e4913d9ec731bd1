"""What the template promises: storage, intake, functions, workflow, reconciler, outputs."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ministack.services.eventbridge import _matches_pattern

from infra.bundling import PROFILES
from infra.parameters import DeploymentParameters, Settings
from infra.reconciler import FAILED_FOR_GOOD
from infra.workflow import read_definition
from snapshot_export.flows.export.collect import TRANSFER_SECONDS
from snapshot_export.settings import Settings as FunctionSettings
from tests.infra.template_reader import StackTemplate

BY_CLOCK = ("reconcile", "warn_of_deadlines", "move_starts")
FUNCTIONS = ("intake", "start", "describe", "hint", "collect", "burst", "api", *BY_CLOCK)
ROOT = Path(__file__).parents[2]
MACHINE = "arn:<Partition>:states:<Region>:<AccountId>:stateMachine:SnapshotExport-Export"

Synthesize = Callable[[Settings], StackTemplate]


def name_of(function: str) -> str:
    """Its logical id, of its handler's name."""
    return f"{function.title().replace('_', '')}Function"


def environment_of(template: StackTemplate, function: str) -> dict[str, str]:
    variables = template.properties(name_of(function))["Environment"]["Variables"]
    return {name: template.render(value) for name, value in variables.items()}


def without_code(template: StackTemplate) -> str:
    body = json.loads(json.dumps(template.body))
    for resource in body["Resources"].values():
        resource.get("Properties", {}).pop("Code", None)
    return json.dumps(body, sort_keys=True)


def test_the_table_forgets_by_ttl_and_can_be_restored_and_outlives_the_stack(
    template: StackTemplate,
) -> None:
    table = template.properties("StorageTable")

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {
        "pk": "HASH",
        "sk": "RANGE",
    }
    assert template.resource("StorageTable")["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_bucket_is_private_and_encrypted_and_outlives_the_stack(
    template: StackTemplate,
) -> None:
    bucket = template.properties("StorageExportBucket")

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket
    assert "VersioningConfiguration" not in bucket
    assert template.resource("StorageExportBucket")["DeletionPolicy"] == "RetainExceptOnCreate"


def test_raw_snapshots_leave_after_a_week_and_exports_after_the_retention(
    synthesize: Synthesize,
) -> None:
    template = synthesize(Settings(deployment=DeploymentParameters(retention_days=90)))

    rules = template.properties("StorageExportBucket")["LifecycleConfiguration"]["Rules"]
    assert {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules} == {
        "snapshots/": 7,
        "exports/": 90,
        "bursts/": 90,
        "manifests/uploads/": 90,
    }
    assert environment_of(template, "collect")["RETENTION_DAYS"] == "90"


def test_the_bucket_lets_only_this_accounts_quicksight_write_under_snapshots(
    template: StackTemplate,
) -> None:
    statements = template.properties("StorageExportBucketPolicy")["PolicyDocument"]["Statement"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]

    assert {
        statement["Action"]: template.render(statement["Resource"]) for statement in allowed
    } == {
        "s3:PutObject": "<StorageExportBucket>/snapshots/*",
        "s3:GetBucketLocation": "<StorageExportBucket>",
    }
    for statement in allowed:
        assert statement["Principal"] == {"Service": "quicksight.amazonaws.com"}
        account = statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        assert template.render(account) == "<AccountId>"


@pytest.mark.parametrize(
    "policy",
    [
        "StorageExportBucketPolicy",
        "IntakeQueuePolicy",
        "IntakeDeadLetterQueuePolicy",
        "IntakeRejectedQueuePolicy",
        "BurstsQueuePolicy",
        "BurstsDeadLetterQueuePolicy",
        "NotificationsUndeliveredQueuePolicy",
    ],
)
def test_unencrypted_connections_are_refused(template: StackTemplate, policy: str) -> None:
    statements = template.properties(policy)["PolicyDocument"]["Statement"]

    denied = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert [statement["Condition"] for statement in denied] == [
        {"Bool": {"aws:SecureTransport": "false"}}
    ]


def test_a_message_that_fails_five_times_is_kept_two_weeks_in_the_dead_letter_queue(
    template: StackTemplate,
) -> None:
    redrive = template.properties("IntakeQueue")["RedrivePolicy"]

    assert template.render(redrive["deadLetterTargetArn"]) == "<IntakeDeadLetterQueue>"
    assert redrive["maxReceiveCount"] == 5
    two_weeks = 14 * 24 * 3600
    for queue in ("IntakeDeadLetterQueue", "IntakeRejectedQueue"):
        assert template.properties(queue)["MessageRetentionPeriod"] == two_weeks
    assert template.properties("IntakeQueue")["MessageRetentionPeriod"] < two_weeks


def test_a_message_stays_hidden_six_times_as_long_as_the_intake_function_may_run(
    template: StackTemplate,
) -> None:
    timeout = template.properties("IntakeFunction")["Timeout"]

    assert template.properties("IntakeQueue")["VisibilityTimeout"] >= 6 * timeout


def test_the_intake_function_takes_batches_answers_for_each_message_and_runs_at_most_twice(
    template: StackTemplate,
) -> None:
    mappings = template.of_type("AWS::Lambda::EventSourceMapping").values()
    (mapping,) = [m for m in mappings if template.render(m["EventSourceArn"]) == "<IntakeQueue>"]

    assert template.render(mapping["FunctionName"]) == "<IntakeFunction>"
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_alike_and_each_keeps_its_own_logs_for_a_while(
    template: StackTemplate, function: str
) -> None:
    name = name_of(function)
    properties = template.properties(name)

    assert properties["Handler"] == f"snapshot_export.handlers.{function}.handler"
    assert properties["Runtime"] == "python3.14"
    assert properties["Architectures"] == ["arm64"]
    assert properties["MemorySize"] == 512
    assert properties["Timeout"] == {"burst": 900, "describe": 120, "hint": 90, "collect": 300}.get(
        function, 60
    )
    # The clock calls them: their traces would cost more than all else of idling.
    traced = None if function in BY_CLOCK else {"Mode": "Active"}
    assert properties.get("TracingConfig") == traced
    assert template.render(properties["LoggingConfig"]["LogGroup"]) == f"<{name}Logs>"
    assert template.properties(f"{name}Logs")["RetentionInDays"] == 30
    assert properties["Code"] == template.properties("IntakeFunction")["Code"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_handler_is_in_the_package_and_needs_no_environment_to_be_imported(
    template: StackTemplate, function: str
) -> None:
    properties = template.properties(name_of(function))
    module, _, name = properties["Handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_environment_is_what_its_settings_read(
    template: StackTemplate, function: str
) -> None:
    environment = environment_of(template, function)

    assert environment.pop("POWERTOOLS_SERVICE_NAME") == "SnapshotExport"
    assert environment.pop("POWERTOOLS_LOG_LEVEL") == "INFO"
    assert environment.pop("POWERTOOLS_METRICS_NAMESPACE") == "SnapshotExport"
    collects = environment.pop("COLLECT_FUNCTION_ARN", None)
    assert collects == ("<CollectFunction>" if function == "hint" else None)
    assert environment == {
        "TABLE_NAME": "<StorageTable>",
        "EXPORT_BUCKET": "<StorageExportBucket>",
        "REJECTED_QUEUE_URL": "<IntakeRejectedQueue>",
        "BURST_QUEUE_URL": "<BurstsQueue>",
        "SNAPSHOT_USER_ROLE_ARN": "<SnapshotUserRole>",
        "SCHEDULE_GROUP": "SnapshotExport",
        "SCHEDULE_ROLE_ARN": "<SchedulesRole>",
        "SCHEDULE_QUEUE_ARN": "<IntakeQueue>",
        "SCHEDULE_DEAD_LETTER_ARN": "<IntakeDeadLetterQueue>",
        "STATE_MACHINE_ARN": MACHINE,
        "EVENT_BUS_NAME": "default",
        "QUICKSIGHT_ACCOUNT_ID": "<AccountId>",
        "QUICKSIGHT_REGION": "<Region>",
        "SNAPSHOT_JOB_LIMIT": "12",
        "RESERVED_SLOTS": "0",
        "CALLS_PER_SECOND": "5",
        "EXPECTED_JOB_SECONDS": "40",
        "ALLOWED_BUCKETS": "",
        "RETENTION_DAYS": "30",
        "UNREADABLE_ROW_LEVEL_SECURITY": "REFUSE",
    }
    assert FunctionSettings.from_env(environment).snapshot_job_limit == 12


def test_the_deployments_parameters_reach_the_functions(synthesize: Synthesize) -> None:
    template = synthesize(
        Settings(
            deployment=DeploymentParameters(
                snapshot_job_limit=3,
                allowed_buckets=("reports-of-ada", "reports-of-bob"),
                calls_per_second=0.5,
                expected_job_seconds=2.5,
                sheets_per_job=5,
            ),
            function_environment={"GREETING": "hello"},
        )
    )

    for function in FUNCTIONS:
        environment = environment_of(template, function)
        assert environment["GREETING"] == "hello"
        settings = FunctionSettings.from_env(environment)
        assert settings.snapshot_job_limit == 3
        assert settings.allowed_buckets == {"reports-of-ada", "reports-of-bob"}
        assert settings.calls_per_second == 0.5
        assert settings.expected_job_seconds == 2.5
        assert settings.sheets_per_job == 5


def test_the_state_machine_logs_errors_without_what_executions_carry(
    template: StackTemplate,
) -> None:
    machine = template.properties("WorkflowStateMachine")

    logging = machine["LoggingConfiguration"]
    assert logging["Level"] == "ERROR"
    assert logging["IncludeExecutionData"] is False
    (destination,) = logging["Destinations"]
    group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]
    assert template.render(group) == "<WorkflowLogs>"
    assert template.properties("WorkflowLogs")["RetentionInDays"] == 30
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["StateMachineType"] == "STANDARD"


def test_the_state_machine_has_the_name_that_functions_and_rules_know_it_by(
    template: StackTemplate,
) -> None:
    name = template.properties("WorkflowStateMachine")["StateMachineName"]

    assert MACHINE.endswith(f":stateMachine:{name}")
    assert template.output("StateMachineArn") == "<WorkflowStateMachine>"


def test_the_state_machine_calls_the_functions_by_their_steps(template: StackTemplate) -> None:
    machine = template.properties("WorkflowStateMachine")
    arns = {
        name: template.render(value) for name, value in machine["DefinitionSubstitutions"].items()
    }
    states = json.loads(machine["DefinitionString"])["States"]

    called = {
        name: arns[state["Arguments"]["FunctionName"].strip("${}")]
        for name, state in states.items()
        if state["Type"] == "Task"
    }
    assert called == {
        "StartSnapshot": "<StartFunction>",
        "DescribeSnapshot": "<DescribeFunction>",
        "CollectFiles": "<CollectFunction>",
    }


def test_a_task_waits_longer_than_its_function_may_run(template: StackTemplate) -> None:
    machine = template.properties("WorkflowStateMachine")
    states = json.loads(machine["DefinitionString"])["States"]

    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    functions = ("StartFunction", "DescribeFunction", "CollectFunction")
    for state, function in zip(tasks.values(), functions, strict=True):
        assert state["TimeoutSeconds"] > template.properties(function)["Timeout"], function
    assert template.properties("CollectFunction")["Timeout"] >= TRANSFER_SECONDS + 60


def test_a_definition_that_wants_other_functions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "machine.asl.json"
    path.write_text('{"States": {"A": {"Resource": "${OtherFunctionArn}"}}}')

    with pytest.raises(ValueError, match="OtherFunctionArn"):
        read_definition(path, placeholders={"StartFunctionArn"})


def test_the_reconcile_function_is_called_every_minute_and_when_an_execution_breaks(
    template: StackTemplate,
) -> None:
    rules = {
        name: rule
        for name, rule in template.of_type("AWS::Events::Rule").items()
        if name.startswith("Reconciler")
    }

    for rule in rules.values():
        assert rule["State"] == "ENABLED"
        assert [template.render(target["Arn"]) for target in rule["Targets"]] == [
            "<ReconcileFunction>"
        ]
    assert rules["ReconcilerEveryMinute"]["ScheduleExpression"] == "rate(1 minute)"
    pattern = rules["ReconcilerExecutionBroke"]["EventPattern"]
    assert pattern["source"] == ["aws.states"]
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert pattern["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    (machine,) = pattern["detail"]["stateMachineArn"]
    assert template.render(machine) == MACHINE


@pytest.mark.parametrize(
    ("detail", "wakes"),
    [
        ({"status": "FAILED", "cause": "CollectFiles"}, True),
        ({"status": "FAILED"}, True),
        ({"status": "TIMED_OUT", "cause": None}, True),
        ({"status": "ABORTED", "cause": "by hand"}, True),
        ({"status": "FAILED", "cause": FAILED_FOR_GOOD}, False),
        ({"status": "SUCCEEDED", "cause": None}, False),
    ],
)
def test_an_execution_wakes_the_reconciler_unless_it_did_all_it_had_to(
    template: StackTemplate, detail: dict[str, Any], wakes: bool
) -> None:
    definition = json.loads((ROOT / "statemachine" / "snapshot_export.asl.json").read_text())
    assert definition["States"]["ExportFailed"]["Cause"] == FAILED_FOR_GOOD
    pattern = deepcopy(template.properties("ReconcilerExecutionBroke")["EventPattern"])
    pattern["detail"]["stateMachineArn"] = ["machine"]
    event = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": json.dumps(detail | {"stateMachineArn": "machine"}),
    }
    assert _matches_pattern(json.dumps(pattern), event) is wakes


def test_deadlines_are_looked_at_every_minute_and_starts_every_five(
    template: StackTemplate,
) -> None:
    rules = {
        name.removeprefix("Deadlines"): rule["ScheduleExpression"]
        for name, rule in template.of_type("AWS::Events::Rule").items()
        if name.startswith("Deadlines")
    }

    assert rules == {"Warn": "rate(1 minute)", "MoveStarts": "rate(5 minutes)"}


def test_the_rules_may_call_their_functions_and_the_api_its_own_and_nobody_else_any(
    template: StackTemplate,
) -> None:
    permissions = template.of_type("AWS::Lambda::Permission").values()
    api = "arn:<Partition>:execute-api:<Region>:<AccountId>:<ApiHttpApi>/*/*/{proxy+}"

    assert {
        template.render(permission["SourceArn"]): (
            permission["Principal"],
            template.render(permission["FunctionName"]),
        )
        for permission in permissions
    } == {
        "<ReconcilerEveryMinute>": ("events.amazonaws.com", "<ReconcileFunction>"),
        "<ReconcilerExecutionBroke>": ("events.amazonaws.com", "<ReconcileFunction>"),
        "<HintsFileCame>": ("events.amazonaws.com", "<HintFunction>"),
        "<DeadlinesWarn>": ("events.amazonaws.com", "<WarnOfDeadlinesFunction>"),
        "<DeadlinesMoveStarts>": ("events.amazonaws.com", "<MoveStartsFunction>"),
        api: ("apigateway.amazonaws.com", "<ApiFunction>"),
    }


def test_the_outputs_tell_a_user_where_everything_is(template: StackTemplate) -> None:
    assert {name: template.output(name) for name in template.body["Outputs"]} == {
        "ApiUrl": "<ApiHttpApi.ApiEndpoint>",
        "ApiId": "<ApiHttpApi>",
        "IntakeQueueUrl": "<IntakeQueue>",
        "DeadLetterQueueUrl": "<IntakeDeadLetterQueue>",
        "RejectedQueueUrl": "<IntakeRejectedQueue>",
        "BurstQueueUrl": "<BurstsQueue>",
        "BurstDeadLetterQueueUrl": "<BurstsDeadLetterQueue>",
        "UndeliveredQueueUrl": "<NotificationsUndeliveredQueue>",
        "NotificationTopicArn": "<NotificationsTopic>",
        "ScheduleGroupName": "SnapshotExport",
        "DashboardName": "<Dashboard>",
        "TableName": "<StorageTable>",
        "ExportBucketName": "<StorageExportBucket>",
        "StateMachineArn": "<WorkflowStateMachine>",
        "QuickSightAccountId": "<AccountId>",
        "QuickSightRegion": "<Region>",
        "Version": version("quicksight-snapshot-export"),
    }


def test_the_same_settings_give_the_same_template(
    template: StackTemplate, synthesize: Synthesize
) -> None:
    assert synthesize(Settings()).body == template.body


def test_the_host_profile_differs_in_the_code_asset_only(
    template: StackTemplate, synthesize: Synthesize
) -> None:
    on_host = synthesize(Settings(bundling=PROFILES["host"]))

    assert without_code(on_host) == without_code(template)
    code = [t.properties("StartFunction")["Code"]["S3Key"] for t in (on_host, template)]
    assert code[0] != code[1]
