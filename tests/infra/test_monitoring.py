"""Alarms: what they watch, whom they tell, what no data means, and that each is documented.

The embedded account evaluates no alarms and takes no metrics out of logs, so that the two agree is
shown here: the reconciler's own output has every metric that an alarm reads.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.template_reader import StackTemplate

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
OF_FUNCTIONS = {"BacklogStalled", "GateDrift", "LeaseOverdue", "ExportsRejected"}


def alarms_of(template: StackTemplate) -> dict[str, dict[str, Any]]:
    found = template.of_type("AWS::CloudWatch::Alarm")
    return {name.removeprefix("Monitoring"): alarm for name, alarm in found.items()}


def test_every_alarm_has_a_section_in_the_operations_page(template: StackTemplate) -> None:
    sections = set(re.findall(r"^## (\w+)$", OPERATIONS, re.M))
    assert sections == set(alarms_of(template))
    for section in OPERATIONS.split("\n## ")[1:]:
        for part in ("**Meaning.**", "**Look.**", "**Do.**"):
            assert part in section, section.splitlines()[0]


def test_every_alarm_tells_people_at_its_first_breach(template: StackTemplate) -> None:
    for name, alarm in alarms_of(template).items():
        assert [template.render(action) for action in alarm["AlarmActions"]] == [
            "<NotificationsTopic>"
        ], name
        assert alarm["Threshold"] == 1
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Period"] == 60
        assert name in alarm["AlarmDescription"]


def test_a_reconciler_that_does_not_run_is_told_once(template: StackTemplate) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in alarms_of(template).items()}
    assert missing.pop("BacklogStalled") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_a_backlog_may_stand_for_two_minutes(template: StackTemplate) -> None:
    assert alarms_of(template)["BacklogStalled"]["EvaluationPeriods"] == 3


def test_alarms_read_the_metrics_that_the_functions_write(template: StackTemplate) -> None:
    environment = template.properties("ReconcileFunction")["Environment"]["Variables"]
    ours = [a for a in alarms_of(template).values() if a["Namespace"] != "AWS/SQS"]
    assert {alarm["MetricName"] for alarm in ours} == OF_FUNCTIONS
    for alarm in ours:
        assert alarm["Namespace"] == environment["POWERTOOLS_METRICS_NAMESPACE"]
        assert alarm["Dimensions"] == [
            {"Name": "service", "Value": environment["POWERTOOLS_SERVICE_NAME"]}
        ]


@pytest.mark.parametrize(
    ("name", "queue"),
    [("DeadLetters", "IntakeDeadLetterQueue"), ("BurstDeadLetters", "BurstsDeadLetterQueue")],
)
def test_one_dead_letter_is_enough(template: StackTemplate, name: str, queue: str) -> None:
    alarm = alarms_of(template)[name]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert template.render(alarm["Dimensions"][0]["Value"]) == f"<{queue}.QueueName>"


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
