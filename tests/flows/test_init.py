"""`snapshots init` against the API function: what it writes is accepted as it is, and runs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.quicksight.catalogue import DataSet
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from snapshot_export.domain.burst import BurstStatus
from snapshot_export.domain.export import Status
from snapshots.api import _error
from snapshots.first_request import Address, burst_request, export_request
from snapshots.invocation import Invocation
from snapshots.main import main
from tests.support.api import call_api
from tests.support.bursts import csv_manifest
from tests.support.command_result import CommandResult
from tests.support.world import World

SALES = "sales-overview"
DEFINITION = {"Operation": "DescribeDashboardDefinition", "Exception": "AccessDeniedException"}
Init = Callable[..., CommandResult]


class Terminal(io.StringIO):
    """Standard input of somebody who types these lines."""

    def isatty(self) -> bool:
        return True


class OurApi:
    """The command line's API, answered by the function in this process."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, *path: str, query: dict[str, Any]) -> Any:
        chosen = "&".join(f"{name}={value}" for name, value in query.items() if value)
        answer = call_api(self._world.services, "GET", f"/{'/'.join(path)}?{chosen}")
        if answer.status != 200:
            raise _error("GET", path, answer.status, json.dumps(answer.body).encode())
        return answer.body


@pytest.fixture
def init(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Init:
    """Run `snapshots init` in an empty folder, typing `typed` if it is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Invocation, "api", OurApi(world))

    def run(*arguments: str, dashboard: str = SALES, typed: str | None = None) -> CommandResult:
        monkeypatch.setattr("sys.stdin", io.StringIO() if typed is None else Terminal(typed))
        code = main(["init", "--dashboard", dashboard, *arguments])
        captured = capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)

    return run


def read(name: str) -> Any:
    return json.loads(Path(name).read_text("utf-8"))


def submit(world: World, export_id: str = "first") -> Any:
    """Accept request.json as it is."""
    body = read("request.json") | {"ExportId": export_id}
    return call_api(world.services, "POST", "/exports", body)


@pytest.mark.parametrize("dashboard", [each.dashboard_id for each in SAMPLE_DASHBOARDS])
def test_every_document_is_accepted_as_it_is(world: World, init: Init, dashboard: str) -> None:
    made = init("--format", "PDF", "--format", "CSV", "--format", "EXCEL", dashboard=dashboard)
    assert made.code == 0, made.err

    assert submit(world).status == 202
    manifest = csv_manifest(world, Path("recipients.csv").read_text("utf-8"))
    body = read("burst.json") | {"BurstId": "b", "Manifest": manifest}
    assert call_api(world.services, "POST", "/bursts", body).status == 202
    world.driver.run()

    export = world.export("first")
    assert export.status is Status.COMPLETED and not any(file.error for file in export.files)
    burst = world.services.bursts.find("b")
    assert burst and (burst.status, burst.completed, burst.refused) == (
        BurstStatus.COMPLETED,
        1,
        0,
    )


def test_the_files_hold_what_was_asked_for(init: Init) -> None:
    made = init("--sheet", "details", "--visual", "By region", "--tag", "customer_id=cust-0001")

    assert made.code == 0, made.err
    request = read("request.json")
    selection = {
        "SheetId": "details",
        "SelectionScope": "SELECTED_VISUALS",
        "VisualIds": ["by-customer-and-region"],
    }
    groups = [{"Files": [{"FormatType": "CSV", "SheetSelections": [selection]}]}]
    assert request["SnapshotConfiguration"] == {"FileGroups": groups}
    tags = [{"Key": "customer_id", "Value": "cust-0001"}]
    assert request["UserConfiguration"] == {"AnonymousUsers": [{"RowLevelPermissionTags": tags}]}
    template = read("burst.json")["Template"]
    assert template["SnapshotConfiguration"] == request["SnapshotConfiguration"]
    assert "UserConfiguration" not in template and template["Name"] == "{recipient}"
    assert Path("recipients.csv").read_text("utf-8").splitlines() == [
        "RecipientId,tag:customer_id,parameter:string:Region,parameter:integer:Year,"
        "parameter:decimal:MinAmount,parameter:datetime:From,parameter:datetime:To",
        "example-1,cust-0001,,,0.0,2023-01-01T00:00:00+00:00,",
    ]


def test_what_can_be_exported_is_shown_with_the_next_commands(init: Init) -> None:
    shown = init().out.splitlines()

    assert shown[0] == "sales-overview “Sales overview”, version 1"
    lines = [line.split() for line in shown]
    assert ["sheet", "summary", "Übersicht", "#1?", "PDF"] in lines
    assert ["table", "lines", "Sales", "overview", "CSV,", "EXCEL"] in lines
    assert ["parameter", "MinAmount", "0.0", "DECIMAL"] in lines
    assert ["tag", "customer_id", "demanded"] in lines
    assert "next: snapshots submit request.json --wait --download files" in shown
    assert any("in place of “example”" in line for line in shown)


def test_a_terminal_is_asked_what_the_options_leave_open(init: Init) -> None:
    made = init("--format", "csv", typed="details\nlines\ncust-0002\n")

    assert made.code == 0, made.err
    assert [line.partition(" [")[0] for line in made.err.split(": ") if line] == [
        "Sheets, separated by commas",
        "Tables, separated by commas",
        "Value of tag customer_id",
    ]
    (group,) = read("request.json")["SnapshotConfiguration"]["FileGroups"]
    assert group["Files"][0]["SheetSelections"][0]["VisualIds"] == ["lines"]
    assert "cust-0002" in Path("recipients.csv").read_text("utf-8")


def test_a_script_is_asked_nothing(init: Init) -> None:
    made = init("--json", typed="")

    assert made.code == 0 and made.err == ""
    assert made.json["Dashboard"]["VersionNumber"] == 1
    assert made.json["Files"] == ["request.json", "burst.json", "recipients.csv"]
    (group,) = read("request.json")["SnapshotConfiguration"]["FileGroups"]
    assert group["Files"][0]["SheetSelections"] == [
        {"SheetId": "summary", "SelectionScope": "ALL_VISUALS"}
    ]


@pytest.mark.parametrize(
    ("text", "sheet"),
    [
        ("https://us-east-1.quicksight.aws.amazon.com/sn/dashboards/sales-overview", None),
        ("https://us-east-1.quicksight.aws.amazon.com/sn/dashboards/sales-overview/", None),
        (
            "https://us-east-1.quicksight.aws.amazon.com/sn/account/ours/dashboards/sales-overview"
            "/sheets/sales-overview_details?state=QUFB#p.Region=EMEA",
            "details",
        ),
        ("https://us-east-1.quicksight.aws.amazon.com/sn/dashboards/sales-overview/sheets/details",
         "details"),
        ("https://us-east-1.quicksight.aws.amazon.com/sn/dashboards/sales-overview/views/1-2",
         None),
    ],
)  # fmt: skip
def test_the_address_in_a_browser_is_understood(init: Init, text: str, sheet: str | None) -> None:
    assert Address.parse(text).region == "us-east-1"
    assert init(dashboard=text).code == 0
    request = read("request.json")
    (group,) = request["SnapshotConfiguration"]["FileGroups"]
    assert request["DashboardId"] == SALES
    assert group["Files"][0]["SheetSelections"][0]["SheetId"] == (sheet or "summary")


def test_without_its_definition_the_sheets_are_enough_for_a_pdf(world: World, init: Init) -> None:
    world.switch("raise_exception", times=3, **DEFINITION)
    made = init()
    assert made.code == 0 and "DescribeDashboardDefinition was refused" in made.err
    assert submit(world).status == 202

    tabular = init("--format", "CSV", "--force")
    assert tabular.code == 2 and "--visual" in tabular.err
    named = init("--visual", "lines", "--sheet", "details", "--force")
    assert named.code == 0, named.err
    world.quicksight.emulator.clear_switches()
    assert submit(world, "second").status == 202


def test_a_dashboard_that_shows_everybody_the_same_needs_no_tags(world: World, init: Init) -> None:
    for each in ("sales", "invoices", "places"):
        world.quicksight.emulator.put_data_set(DataSet(each, each))
    assert init().code == 0
    assert read("burst.json")["SameRowsForAll"] is True
    assert read("request.json")["UserConfiguration"] == {"AnonymousUsers": [{}]}
    assert "tag:" not in Path("recipients.csv").read_text("utf-8")
    assert submit(world).status == 202


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--sheet", "nowhere"], "the dashboard has summary, details"),
        (["--visual", "by-month", "--sheet", "details"], "lines, by-customer-and-region"),
        (["--tag", "customer_id"], "must be KEY=VALUE"),
        (["--tag", "kunde=geheim"], "data sets demand customer_id"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(
    init: Init, arguments: list[str], text: str
) -> None:
    made = init(*arguments)
    assert made.code == 2 and text in made.err and "geheim" not in made.err
    assert not Path("request.json").exists()


def test_a_target_of_the_deployment_stands_in_both_requests() -> None:
    shown = {"DashboardId": "board", "Target": "partner", "DemandedTags": ["customer"]}
    assert export_request(shown, {}, {"customer": "c"})["Target"] == "partner"
    assert burst_request(shown, {})["Template"]["Target"] == "partner"
    assert "Target" not in burst_request(shown | {"Target": "default"}, {})["Template"]


def test_the_whole_dashboard_or_named_sheets_can_be_one_file(init: Init) -> None:
    assert init("--dashboard", "sales-overview", "--merge").code == 0
    request = json.loads(Path("request.json").read_text("utf-8"))
    assert request["Merge"] == {"FormatType": "PDF", "Sheets": "ALL"}
    assert "SnapshotConfiguration" not in request
    burst = json.loads(Path("burst.json").read_text("utf-8"))
    assert burst["Template"]["Merge"] == request["Merge"]
    more = ("--sheet", "details", "--format", "CSV", "--visual", "lines", "--force")
    assert init("--dashboard", "sales-overview", "--merge", *more).code == 0
    request = json.loads(Path("request.json").read_text("utf-8"))
    assert request["Merge"]["Sheets"] == ["details"]
    (group,) = request["SnapshotConfiguration"]["FileGroups"]
    assert group["Files"][0]["FormatType"] == "CSV"


def test_files_that_are_there_are_not_written_over(init: Init) -> None:
    Path("burst.json").write_text("mine", encoding="utf-8")
    made = init()
    assert made.code == 2 and "burst.json" in made.err
    assert Path("burst.json").read_text("utf-8") == "mine" and not Path("request.json").exists()
    assert init("--into", "elsewhere").code == 0 and Path("elsewhere/burst.json").exists()
    assert init("--force").code == 0 and read("burst.json")["Template"]


def test_a_dashboard_that_is_not_there_names_the_region_of_its_address(init: Init) -> None:
    made = init(dashboard="https://eu-west-1.quicksight.aws.amazon.com/sn/dashboards/not-there")
    assert made.code == 3 and "eu-west-1: --target" in made.err
    assert init(dashboard="https://example.org/").code == 2
