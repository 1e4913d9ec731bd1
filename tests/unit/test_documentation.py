"""What the documents show works, and what can be set is documented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from snapshot_export.adapters.events.details import DETAIL_TYPES
from snapshot_export.domain.burst_request import BurstBody
from snapshot_export.domain.request import ExportRequest, parse_request
from snapshot_export.domain.schedule import ScheduleBody
from snapshot_export.metric import Metric
from tests.support.targets import ONE_TARGET
from tools.reference import make_pages

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "statemachine" / "snapshot_export.asl.json"
README = (ROOT / "README.md").read_text(encoding="utf-8")
REQUESTS = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", README + REQUESTS, re.S))
def test_messages_shown_are_accepted(block: str) -> None:
    assert parse_request(block, ONE_TARGET).export_id


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.json")), ids=lambda p: p.stem)
def test_examples_are_accepted(path: Path) -> None:
    assert parse_request(path.read_text(encoding="utf-8"), ONE_TARGET).export_id


def test_the_program_that_a_page_shows_is_the_example() -> None:
    page = (ROOT / "docs" / "how-to" / "send-from-python.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```python\n(.*?)```", page, re.S)
    assert (ROOT / "examples" / "send_message.py").read_text(encoding="utf-8").endswith(shown)


def test_every_deployment_parameter_is_documented() -> None:
    parameters = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"][
        "deployment"
    ]
    missing = [name for name in parameters if f"`{name}`" not in DEPLOYMENT]
    assert not missing


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert named and named <= targets


def test_the_way_of_an_export_is_the_state_machine_s() -> None:
    """The picture in docs/architecture.md has its states, transitions and phases."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    machine = json.loads(DEFINITION.read_text(encoding="utf-8"))
    drawn = set(re.findall(r"^ +([A-Z]\w+) -->() ([A-Z]\w+)$", page, re.M))
    for source, label, target in re.findall(
        r"^ +([A-Z]\w+) -- \"([A-Z_, ]+)\" --> (\w+)$", page, re.M
    ):
        drawn |= {(source, phase, target) for phase in label.split(", ")}
    defined = set()
    for name, state in machine["States"].items():
        if "Next" in state:
            defined.add((name, "", state["Next"]))
        for choice in state.get("Choices", []):
            phases = re.findall(r"'(\w+)'", choice["Condition"])
            defined |= {(name, phase, choice["Next"]) for phase in phases}
    assert drawn == defined
    picture = (ROOT / "docs" / "way-of-an-export.svg").read_text(encoding="utf-8")
    steps = {name for name, state in machine["States"].items() if state["Type"] in ("Task", "Wait")}
    assert {*re.findall(r">((?:[A-Z][a-z]+){2,})<", picture)} == steps


def test_hooks_before_a_commit_and_a_push_run_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    *quick, everything = re.findall(r"^ +entry: (.+)$", hooks, re.M)
    assert quick and everything == "make check"
    for entry in quick:
        command = entry.replace(".venv/bin/", "$(BIN)/").replace(" --force-exclude", "")
        assert f"\t{command} $(CODE)" in makefile


def test_the_tree_of_the_architecture_page_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    [tree] = re.findall(r"^## Modules\n\n```\n(.*?)```", page, re.M | re.S)
    top = re.findall(r"^([a-z]+)/", tree, re.M)
    packages = {path.parent.name for path in ROOT.glob("[a-z]*/__init__.py")}
    assert {*top} == packages | {"lambdas", "statemachine"}
    inner = re.findall(r"^  ([a-z_]+)/", tree, re.M)
    package = ROOT / "lambdas" / "snapshot_export"
    assert {*inner} == {path.parent.name for path in package.glob("*/__init__.py")}


def test_the_first_export_on_a_real_account_is_accepted() -> None:
    page = (ROOT / "docs" / "real-account.md").read_text(encoding="utf-8")
    found = re.search(r"<<END\n(.*?)\nEND", page, re.S)
    assert found
    body = found[1].replace("$DASHBOARD", "sales").replace("<sheet>", "summary")
    assert parse_request(body, ONE_TARGET).export_id == "first"


def test_what_only_a_real_account_can_confirm_has_its_row() -> None:
    """Marks `[? id]` in code and documents, and the tables of docs/real-account.md."""
    page = (ROOT / "docs" / "real-account.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \| [^|]+ \| .+ \| [^|]+ \|$", page, re.M)
    assert len(rows) == len(set(rows)) == page.count("\n| `") > 30
    wrong: dict[str, list[str]] = {}
    marked: set[str] = set()
    for path in _own_texts():
        text = path.read_text(encoding="utf-8")
        marks = re.findall(r"\[\?(?=[\]: ]) ?([^\]]*)\]", text)
        loose = re.findall(r"(?i)to (?:be )?confirm(?:ed)? (?:first )?on a real account", text)
        marked |= set(marks)
        if bad := [*loose, *(mark for mark in marks if mark not in {*rows, "id"})]:
            wrong[str(path.relative_to(ROOT))] = bad
    assert wrong == {}
    assert len(marked & set(rows)) > 12


def _own_texts() -> list[Path]:
    folders = (
        "bench",
        "docs",
        "infra",
        "lambdas",
        "local",
        "schedules",
        "snapshots",
        "statemachine",
    )
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    texts += [*ROOT.glob("*.md"), ROOT / "app.py"]
    return [path for path in texts if path.suffix in (".py", ".md", ".json")]


def test_the_reference_pages_are_what_the_code_says() -> None:
    for name, text in make_pages().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, (
            f"docs/{name}: run `make docs`"
        )


def test_every_metric_event_and_queue_has_its_place_in_the_reference() -> None:
    pages = make_pages()
    for metric in Metric:
        assert f"`{metric.label}`" in pages["metrics.md"]
    for detail_type in DETAIL_TYPES.values():
        assert f"`{detail_type}`" in pages["events.md"]
    for member in ExportRequest.model_fields | BurstBody.model_fields | ScheduleBody.model_fields:
        assert f"| `{member}` |" in pages["messages.md"]


def test_what_shows_who_can_see_what_is_there() -> None:
    """Each line names the tests that fail when its limit is gone."""
    page = (ROOT / "docs" / "who-can-see-what.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 25
    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)


def test_the_changelog_keeps_its_order() -> None:
    """Parallel additions are merged side by side: a heading or a line may then stand twice."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *releases = re.split(r"^## ", text, flags=re.M)
    assert releases and releases[0].startswith("Unreleased\n")
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for release in releases:
        headings = re.findall(r"^### (.+)$", release, re.M)
        assert headings == [each for each in order if each in headings]
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == len(set(lines))
    assert not re.search(r"^(<<<<<<<|=======|>>>>>>>)", text, re.M)
