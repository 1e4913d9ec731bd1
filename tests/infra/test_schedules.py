"""Declared schedules: checked at synthesis, and in the template as the Scheduler needs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match, Template

from infra.declared_schedules import read_declared_schedules
from infra.parameters import DeploymentParameters, ParameterError, Settings
from infra.stack import SnapshotExportStack
from tests.infra.template_reader import StackTemplate

SCHEDULES = Path(__file__).resolve().parents[2] / "schedules"
EXAMPLE = json.loads((SCHEDULES / "example.json.disabled").read_text())
SEND = "sqs:SendMessage"
BEGIN = "2198-12-01T00:00:00+01:00"


def read(folder: Path) -> Any:
    return read_declared_schedules(folder, DeploymentParameters(), cdk.Environment())


@pytest.fixture(scope="module")
def declaring(tmp_path_factory: pytest.TempPathFactory) -> StackTemplate:
    folder = tmp_path_factory.mktemp("schedules")
    dates = {"StartDate": BEGIN, "EndDate": "2199-12-01T00:00:00+01:00"}
    (folder / "morning-sales.json").write_text(json.dumps(EXAMPLE | dates))
    context = {"aws:cdk:bundling-stacks": [], "@aws-cdk/aws-iam:minimizePolicies": True}
    app = cdk.App(context=context)
    stack = SnapshotExportStack(app, "SnapshotExport", settings=Settings(), schedules=read(folder))
    return StackTemplate(dict(Template.from_stack(stack).to_json()))


def test_a_declared_schedule_has_its_zone_window_and_occurrence(declaring: StackTemplate) -> None:
    (made,) = declaring.of_type("AWS::Scheduler::Schedule").values()

    assert made["Name"] == "morning-sales"
    assert made["GroupName"] == "SnapshotExport"
    assert made["ScheduleExpression"] == "cron(0 6 ? * MON-FRI *)"
    assert made["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert made["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert made["StartDate"] == BEGIN
    assert made["Description"].startswith("Declared in schedules/morning-sales.json; StartDate")
    target = made["Target"]
    assert declaring.render(target["Arn"]) == "<IntakeQueue>"
    assert declaring.render(target["RoleArn"]) == "<SchedulesRole>"
    assert declaring.render(target["DeadLetterConfig"]["Arn"]) == "<IntakeDeadLetterQueue>"
    sent = json.loads(target["Input"])
    assert sent == {
        "Schedule": "morning-sales",
        "Occurrence": "<aws.scheduler.scheduled-time>",
        "Timezone": "Europe/Berlin",
        "Export": EXAMPLE["Export"],
    }


def test_dates_that_have_passed_are_left_out_and_what_will_surprise_is_warned_of(
    tmp_path: Path,
) -> None:
    night = {
        "ScheduleExpression": "cron(30 2 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
    }
    over = {"StartDate": "2020-01-01T00:00:00Z", "EndDate": "2021-01-01T00:00:00Z"}
    (tmp_path / "night.json").write_text(json.dumps(EXAMPLE | night))
    (tmp_path / "over.json").write_text(json.dumps(EXAMPLE | over))
    app = cdk.App(context={"aws:cdk:bundling-stacks": []})
    stack = SnapshotExportStack(
        app, "SnapshotExport", settings=Settings(), schedules=read(tmp_path)
    )
    made = {
        each["Name"]: each
        for each in StackTemplate(dict(Template.from_stack(stack).to_json()))
        .of_type("AWS::Scheduler::Schedule")
        .values()
    }
    assert not {"StartDate", "EndDate"} & set(made["over"])
    assert (made["over"]["State"], made["night"]["State"]) == ("DISABLED", "ENABLED")
    warned = [
        str(entry.entry.data)
        for entry in Annotations.from_stack(stack).find_warning("*", Match.any_value())
        if "schedules/" in str(entry.entry.data)
    ]
    assert len(warned) == 3
    assert sum("schedules/night.json: " in text and " 02:30 " in text for text in warned) == 2
    assert sum("schedules/over.json: EndDate has passed" in text for text in warned) == 1


def test_the_schedulers_role_may_send_to_two_queues_and_serves_this_group(
    template: StackTemplate,
) -> None:
    assert template.grants("SchedulesRole") == {
        "<IntakeQueue>": {SEND},
        "<IntakeDeadLetterQueue>": {SEND},
    }
    (trust,) = template.properties("SchedulesRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    condition = trust["Condition"]["StringEquals"]
    assert template.render(condition["aws:SourceAccount"]) == "<AccountId>"
    group = "arn:<Partition>:scheduler:<Region>:<AccountId>:schedule-group/SnapshotExport"
    assert template.render(condition["aws:SourceArn"]) == group


def test_without_files_there_is_the_group_and_no_schedule(template: StackTemplate) -> None:
    assert template.of_type("AWS::Scheduler::Schedule") == {}
    (group,) = template.of_type("AWS::Scheduler::ScheduleGroup").values()
    assert group["Name"] == "SnapshotExport"


def test_the_shipped_folder_declares_nothing() -> None:
    assert read(SCHEDULES) == ()


def test_a_wrong_file_stops_the_synthesis_with_file_place_and_rule(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps(EXAMPLE | {"ScheduleExpression": "daily"}))
    (tmp_path / "c.json").write_text(json.dumps(EXAMPLE | {"Export": {"Name": "x"}}))
    (tmp_path / "d e.json").write_text(json.dumps(EXAMPLE))
    (tmp_path / "e.json").write_bytes(b"\xff")

    with pytest.raises(ParameterError) as refused:
        read(tmp_path)

    lines = refused.value.problems
    assert any(line.startswith("schedules/a.json: the file must be JSON") for line in lines)
    assert any(line.startswith("schedules/b.json: ScheduleExpression must be") for line in lines)
    assert "schedules/c.json: Export.DashboardId is required" in lines
    assert any(line.startswith("schedules/d e.json: Name must be") for line in lines)
    assert "schedules/e.json: must be UTF-8" in lines
