"""Alarms: what they watch, whom they tell, what no data means, and that each is documented.

The embedded account evaluates no alarms and takes no metrics out of logs. That the metrics are
those that the functions write is shown in test_dashboard.py and tests/flows/test_metrics.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from infra.parameters import DeploymentParameters, Settings
from snapshot_export.metric import Metric
from tests.infra.conftest import Synthesize
from tests.infra.template_reader import StackTemplate

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
KEPT = {
    "DeadLetters": "IntakeDeadLetterQueue",
    "BurstDeadLetters": "BurstsDeadLetterQueue",
    "NotificationsUndelivered": "NotificationsUndeliveredQueue",
}


def alarms_of(template: StackTemplate) -> dict[str, dict[str, Any]]:
    found = template.of_type("AWS::CloudWatch::Alarm")
    return {name.removeprefix("Monitoring"): alarm for name, alarm in found.items()}


def test_every_alarm_has_a_section_in_the_operations_page(whole: StackTemplate) -> None:
    sections = set(re.findall(r"^## (\w+)$", OPERATIONS, re.M))
    assert sections == set(alarms_of(whole))
    for section in OPERATIONS.split("\n## ")[1:]:
        name = section.splitlines()[0]
        for part in ("**Meaning.**", "**Look.**", "**Do.**"):
            assert (part in section) is (name in sections), name


def test_every_alarm_tells_people_at_its_first_breach(template: StackTemplate) -> None:
    for name, alarm in alarms_of(template).items():
        assert [template.render(action) for action in alarm["AlarmActions"]] == [
            "<NotificationsTopic>"
        ], name
        assert alarm["Threshold"] == 1
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert "Metrics" in alarm or alarm["Period"] == 60
        assert name in alarm["AlarmDescription"]


def test_a_reconciler_that_does_not_run_is_told_once(template: StackTemplate) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in alarms_of(template).items()}
    assert missing.pop("BacklogStalled") == "breaching"
    assert missing.pop("WatchesStopped") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_a_backlog_may_stand_for_two_minutes(template: StackTemplate) -> None:
    assert alarms_of(template)["BacklogStalled"]["EvaluationPeriods"] == 3


def test_a_start_that_is_not_moved_in_two_passes_is_told(template: StackTemplate) -> None:
    alarm = alarms_of(template)["StartsNotMoved"]
    assert alarm["MetricName"] == Metric.STARTS_NOT_MOVED.label and alarm["Statistic"] == "Sum"
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 10)


def test_a_schedule_that_did_not_fire_is_told_at_once(template: StackTemplate) -> None:
    alarm = alarms_of(template)["OccurrencesMissed"]
    assert alarm["MetricName"] == Metric.OCCURRENCES_MISSED.label and alarm["Statistic"] == "Sum"
    assert alarm["EvaluationPeriods"] == 1


def test_functions_that_the_clock_no_longer_calls_are_an_alarm(template: StackTemplate) -> None:
    metrics = alarms_of(template)["WatchesStopped"]["Metrics"]
    (judged,) = [each["Expression"] for each in metrics if "Expression" in each]
    assert judged == "IF(FILL(deadlines, 0) > 0 AND FILL(schedules, 0) > 0, 0, 1)"
    runs = {
        each["Id"]: (
            each["MetricStat"]["Metric"]["MetricName"],
            template.render(each["MetricStat"]["Metric"]["Dimensions"][0]["Value"]),
            each["MetricStat"]["Period"],
        )
        for each in metrics
        if "MetricStat" in each
    }
    assert runs == {
        "deadlines": ("Invocations", "<WarnOfDeadlinesFunction>", 900),
        "schedules": ("Invocations", "<MoveStartsFunction>", 900),
    }


def test_many_failures_are_an_alarm_by_number_and_share(synthesize: Synthesize) -> None:
    chosen = DeploymentParameters(alarm_failed_exports=3, alarm_failed_share=0.25)
    metrics = alarms_of(synthesize(Settings(deployment=chosen)))["ExportsFailed"]["Metrics"]
    (judged,) = [each["Expression"] for each in metrics if "Expression" in each]
    assert judged == (
        "IF(FILL(failed, 0) >= 3 AND "
        "FILL(failed, 0) >= 0.25 * (FILL(failed, 0) + FILL(completed, 0)), 1, 0)"
    )
    sums = {
        each["Id"]: (each["MetricStat"]["Metric"]["MetricName"], each["MetricStat"]["Stat"],
                     each["MetricStat"]["Period"])
        for each in metrics if "MetricStat" in each
    }  # fmt: skip
    assert sums == {
        "failed": (Metric.EXPORTS_FAILED.label, "Sum", 900),
        "completed": (Metric.EXPORTS_COMPLETED.label, "Sum", 900),
    }


@pytest.mark.parametrize(("name", "queue"), KEPT.items())
def test_one_kept_message_is_enough(template: StackTemplate, name: str, queue: str) -> None:
    alarm = alarms_of(template)[name]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert template.render(alarm["Dimensions"][0]["Value"]) == f"<{queue}.QueueName>"


def test_an_api_that_fails_for_minutes_is_told(template: StackTemplate) -> None:
    alarm = alarms_of(template)["ApiFails"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5xx")
    assert alarm["EvaluationPeriods"] == 3
    assert template.render(alarm["Dimensions"][0]["Value"]) == "<ApiHttpApi>"


def test_an_alarm_links_to_its_page_where_the_docs_are_published(synthesize: Synthesize) -> None:
    docs = DeploymentParameters(docs_url="https://git.example.org/exports/docs/")
    alarms = alarms_of(synthesize(Settings(deployment=docs)))
    for name, alarm in alarms.items():
        page = f"https://git.example.org/exports/docs/operations.md#{name.lower()}"
        assert alarm["AlarmDescription"].endswith(page)


def test_an_alarm_names_its_page_and_section_where_they_are_not(template: StackTemplate) -> None:
    """A relative address would lead nowhere from a mail."""
    for name, alarm in alarms_of(template).items():
        text = alarm["AlarmDescription"]
        assert text.endswith(f"docs/operations.md of this software, section {name}"), name
        assert "#" not in text and "](" not in text


def test_every_function_logs_json_from_the_level_that_the_deployment_says(
    synthesize: Synthesize,
) -> None:
    template = synthesize(Settings(deployment=DeploymentParameters(log_level="ERROR")))
    functions = template.of_type("AWS::Lambda::Function")
    assert len(functions) == 10
    for name, function in functions.items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name
        # With WARN the reports of time and memory are left out (docs/real-account.md, cold-starts).
        assert function["LoggingConfig"]["SystemLogLevel"] == "INFO", name
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "ERROR", name


def test_executions_are_traced_and_calls_of_the_api_are_logged_without_their_content(
    template: StackTemplate,
) -> None:
    machine = template.properties("WorkflowStateMachine")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    access = template.properties("ApiStage")["AccessLogSettings"]
    assert template.render(access["DestinationArn"]) == "<ApiAccessLogs>"
    assert not re.search(r"body|querystring|header", access["Format"], re.I)


def test_alarms_may_publish_to_the_topic(template: StackTemplate) -> None:
    (policy,) = template.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [
        statement
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    assert [statement["Action"] for statement in allowed] == ["sns:Publish"]
    assert allowed[0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_a_message_that_is_taken_fits_the_rejected_queue_with_its_reason(
    template: StackTemplate,
) -> None:
    assert template.properties("IntakeQueue")["MaximumMessageSize"] == 512 * 1024
