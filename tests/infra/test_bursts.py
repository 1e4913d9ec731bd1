"""The work on bursts, and what people are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.parameters import DeploymentParameters, Settings
from tests.infra.template_reader import StackTemplate


def test_burst_work_that_fails_five_times_is_kept_two_weeks(template: StackTemplate) -> None:
    queue = template.properties("BurstsQueue")

    redrive = queue["RedrivePolicy"]
    assert template.render(redrive["deadLetterTargetArn"]) == "<BurstsDeadLetterQueue>"
    assert redrive["maxReceiveCount"] == 5
    dead_letters = template.properties("BurstsDeadLetterQueue")
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_burst_work_stays_hidden_while_the_function_may_run(template: StackTemplate) -> None:
    timeout = template.properties("BurstFunction")["Timeout"]

    assert template.properties("BurstsQueue")["VisibilityTimeout"] > timeout
    mappings = template.of_type("AWS::Lambda::EventSourceMapping").values()
    (mapping,) = [m for m in mappings if template.render(m["EventSourceArn"]) == "<BurstsQueue>"]
    assert template.render(mapping["FunctionName"]) == "<BurstFunction>"
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_only_burst_work_may_go_round_more_than_16_times(template: StackTemplate) -> None:
    functions = template.of_type("AWS::Lambda::Function")

    allowed = {name for name, each in functions.items() if each.get("RecursiveLoop") == "Allow"}
    (burst,) = [name for name in functions if name.startswith("BurstFunction")]
    assert allowed == {burst}


def rule_of(template: StackTemplate, name: str) -> tuple[dict[str, Any], str]:
    rule = template.properties(name)
    (target,) = rule["Targets"]
    assert template.render(target["Arn"]) == "<NotificationsTopic>"
    kept = target["DeadLetterConfig"]["Arn"]
    assert template.render(kept) == "<NotificationsUndeliveredQueue>"
    transformer = target["InputTransformer"]
    text = json.loads(transformer["InputTemplate"])
    for field, path in transformer["InputPathsMap"].items():
        text = text.replace(f"<{field}>", f"[{path}]")
    return rule["EventPattern"], text


def test_people_are_told_of_failed_exports_in_a_sentence(template: StackTemplate) -> None:
    pattern, text = rule_of(template, "NotificationsExportFailed")

    assert pattern == {
        "source": ["snapshot-export"],
        "detail-type": ["Snapshot Export Failed"],
        "detail": {"BurstId": [{"exists": False}]},
    }, "the exports of a burst send no message each"
    assert text == (
        "Export [$.detail.ExportId] of dashboard [$.detail.DashboardId] failed at attempt "
        "[$.detail.Attempt]: [$.detail.ErrorCode]. Look it up with: "
        "snapshots status [$.detail.ExportId]"
    )


def test_people_are_told_of_bursts_that_ended_with_their_counts(template: StackTemplate) -> None:
    pattern, text = rule_of(template, "NotificationsBurstEnded")

    assert pattern == {"source": ["snapshot-export"], "detail-type": ["Snapshot Burst Completed"]}
    assert "completed [$.detail.Counts.Completed], failed [$.detail.Counts.Failed]" in text
    assert "ended as [$.detail.Status]: [$.detail.FailureSummary]." in text
    assert "[$.detail.ManifestS3Uri]" in text
    assert "[$.detail.ReportS3Uri]" in text


@pytest.mark.parametrize("kind", ["Export", "Burst"])
def test_people_are_told_of_deadlines_at_risk(template: StackTemplate, kind: str) -> None:
    pattern, text = rule_of(template, f"Notifications{kind}AtRisk")

    assert pattern["detail-type"] == [f"Snapshot {kind} Deadline At Risk"]
    assert text.startswith(f"[$.detail.{kind}Id] will probably not be done by its deadline")
    assert "[$.detail.Deadline]" in text and "[$.detail.FinishP50]" in text


def test_people_are_told_of_schedules_that_are_outdated(template: StackTemplate) -> None:
    pattern, text = rule_of(template, "NotificationsScheduleOutdated")

    assert pattern["detail-type"] == ["Snapshot Schedule Outdated"]
    assert text.startswith("Schedule [$.detail.Schedule] names what dashboard")
    assert "[$.detail.Summary]" in text


def test_only_eventbridge_and_alarms_may_publish_and_only_encrypted(
    template: StackTemplate,
) -> None:
    (policy,) = template.of_type("AWS::SNS::TopicPolicy").values()
    statements = policy["PolicyDocument"]["Statement"]

    allowed = [each for each in statements if each["Effect"] == "Allow"]
    services = {each["Principal"]["Service"] for each in allowed}
    assert services == {"events.amazonaws.com", "cloudwatch.amazonaws.com"}
    denied = [each["Condition"] for each in statements if each["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_addresses_of_the_deployment_are_subscribed(
    synthesize: Callable[[Settings], StackTemplate],
) -> None:
    addresses = ("ada@example.org", "bob@example.org")
    template = synthesize(Settings(deployment=DeploymentParameters(notify_emails=addresses)))

    subscriptions = template.of_type("AWS::SNS::Subscription").values()
    assert {(each["Protocol"], each["Endpoint"]) for each in subscriptions} == {
        ("email", address) for address in addresses
    }
    kept = {template.render(each["RedrivePolicy"]["deadLetterTargetArn"]) for each in subscriptions}
    assert kept == {"<NotificationsUndeliveredQueue>"}
