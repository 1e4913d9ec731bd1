"""The dashboard: four questions on one screen, over metrics and log lines that really exist."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from infra.parameters import DeploymentParameters, Settings
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.metric import Metric
from tests.infra.conftest import Synthesize
from tests.infra.template_reader import StackTemplate

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
LAMBDAS = "\n".join(path.read_text() for path in (ROOT / "lambdas").rglob("*.py"))
ONE_SCREEN = 20
"""Rows of CloudWatch's grid, about 40 pixels each, that a screen of 1080 shows in full screen."""
QUESTIONS = [
    "Are slots full?",
    "Is the backlog moving?",
    "Will deadlines hold?",
    "What fails, and why?",
]
Shown = dict[str, dict[str, str]]


def widgets_of(template: StackTemplate) -> list[dict[str, Any]]:
    (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
    assert template.render(dashboard["DashboardName"]) == "SnapshotExport-<Region>"
    body: dict[str, Any] = json.loads(template.render(dashboard["DashboardBody"]))
    widgets: list[dict[str, Any]] = body["widgets"]
    return widgets


@pytest.fixture
def widgets(template: StackTemplate) -> list[dict[str, Any]]:
    return widgets_of(template)


def metrics_shown(widgets: list[dict[str, Any]]) -> Shown:
    """Dimensions by name of the functions' metrics."""
    found: Shown = {}
    for widget in widgets:
        for namespace, name, *rest in widget["properties"].get("metrics", ()):
            if namespace == "SnapshotExport":
                pairs = [each for each in rest if isinstance(each, str)]
                found[name] = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return found


def metrics_watched(template: StackTemplate) -> Shown:
    watched = [
        each["MetricStat"]["Metric"]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        for each in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}])
        if "MetricStat" in each
    ]
    return {
        metric["MetricName"]: {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        for metric in watched
        if metric["Namespace"] == "SnapshotExport"
    }


def test_what_is_shown_or_watched_is_what_the_functions_write(
    whole: StackTemplate,
) -> None:
    """tests/flows/test_metrics.py shows that each of Metric is written, with these dimensions."""
    own = {"service": "SnapshotExport"}
    written = {
        each.label: own | ({"Target": DEFAULT_TARGET} if each.is_of_target else {})
        for each in Metric
    }
    assert metrics_shown(widgets_of(whole)) | metrics_watched(whole) == written


def test_the_functions_write_under_the_name_that_is_read(template: StackTemplate) -> None:
    environment = template.properties("ReconcileFunction")["Environment"]["Variables"]
    assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "SnapshotExport"
    assert environment["POWERTOOLS_SERVICE_NAME"] == "SnapshotExport"


def test_the_widgets_lie_side_by_side_on_one_screen(widgets: list[dict[str, Any]]) -> None:
    assert max(each["y"] + each["height"] for each in widgets) <= ONE_SCREEN
    assert max(each["x"] + each["width"] for each in widgets) <= 24
    for one, other in combinations(widgets, 2):
        apart = [
            one[place] + one[size] <= other[place] or other[place] + other[size] <= one[place]
            for place, size in (("x", "width"), ("y", "height"))
        ]
        assert any(apart), (one, other)


def test_alarms_come_first_and_then_the_four_questions(
    template: StackTemplate, widgets: list[dict[str, Any]]
) -> None:
    assert (widgets[0]["type"], widgets[0]["y"]) == ("alarm", 0)
    assert len(widgets[0]["properties"]["alarms"]) == len(
        template.of_type("AWS::CloudWatch::Alarm")
    )
    texts = [each for each in widgets if each["type"] == "text"]
    asked = [text["properties"]["markdown"].splitlines()[0] for text in texts]
    assert asked == [f"### {question}" for question in QUESTIONS]
    assert [text["y"] for text in texts] == sorted(text["y"] for text in texts)
    for text in texts:
        beside = [each for each in widgets if each["y"] == text["y"] and each is not text]
        assert sum(each["width"] for each in beside) + text["width"] == 24


def test_each_question_is_answered_in_the_operations_page(synthesize: Synthesize) -> None:
    docs = DeploymentParameters(docs_url="https://git.example.org/docs")
    texts = [
        each["properties"]["markdown"]
        for each in widgets_of(synthesize(Settings(deployment=docs)))
        if each["type"] == "text"
    ]
    headings = re.findall(r"^### (.+)$", OPERATIONS, re.M)
    assert headings == QUESTIONS
    for question, text in zip(QUESTIONS, texts, strict=True):
        anchor = re.sub(r"[^a-z ]", "", question.lower()).replace(" ", "-")
        assert f"(https://git.example.org/docs/operations.md#{anchor})" in text


def test_why_things_fail_is_asked_of_lines_that_the_functions_write(
    widgets: list[dict[str, Any]],
) -> None:
    (query,) = [each["properties"]["query"] for each in widgets if each["type"] == "log"]
    for name in ("Intake", "Start", "Describe", "Collect", "Burst", "Api"):
        assert f"SOURCE '<{name}FunctionLogs>'" in query
    (listed,) = re.findall(r"message in \[(.*?)\]", query, re.S)
    messages = re.findall(r'"(.+?)"', listed)
    assert "snapshot job failed" in messages
    for message in messages:
        assert re.search(rf'logger\.\w+\(\s*"{message}"', LAMBDAS), message
    for member in ("error_code=", "export_id=", "reason="):
        assert member in LAMBDAS
