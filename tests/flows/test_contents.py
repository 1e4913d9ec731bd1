"""What a request names of a dashboard is held against what is published, when it is accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from snapshot_export.domain.export import Status
from snapshot_export.flows.dashboard.published import KEPT_SECONDS
from tests.support.api import call_api
from tests.support.bursts import burst, csv_manifest, recipient
from tests.support.messages import message, visuals_group
from tests.support.world import World

SALES = next(each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "sales-overview")
DEFINITION = "DescribeDashboardDefinition"
GROUPS = "SnapshotConfiguration.FileGroups[0].Files[0].SheetSelections[0]"
PARAMETERS = "SnapshotConfiguration.Parameters"


def selecting(sheet_id: str, *visual_ids: str) -> list[dict[str, Any]]:
    scope = "SELECTED_VISUALS" if visual_ids else "ALL_VISUALS"
    selection: dict[str, Any] = {"SheetId": sheet_id, "SelectionScope": scope}
    if visual_ids:
        selection["VisualIds"] = [*visual_ids]
    kind = "EXCEL" if visual_ids else "PDF"
    return [{"Files": [{"FormatType": kind, "SheetSelections": [selection]}]}]


def with_parameters(export_id: str | None = "e1", **kinds: dict[str, list[Any]]) -> dict[str, Any]:
    body = message(export_id)
    body["SnapshotConfiguration"]["Parameters"] = {
        kind: [{"Name": name, "Values": values} for name, values in named.items()]
        for kind, named in kinds.items()
    }
    return body


def post(world: World, body: dict[str, Any], path: str = "/exports") -> Any:
    return call_api(world.services, "POST", path, body)


def problems(world: World, body: dict[str, Any], path: str = "/exports") -> dict[str, str]:
    answer = post(world, body, path)
    assert answer.status == 400, answer.body
    return {each["Place"]: each["Rule"] for each in answer.body["Problems"]}


def reads(world: World, operation: str = DEFINITION) -> int:
    return [each["operation"] for each in world.ledger()["calls"]].count(operation)


@pytest.mark.parametrize(
    ("groups", "place", "words"),
    [
        (selecting("sumary"), f"{GROUPS}.SheetId", "summary (“Übersicht #1?”), details"),
        (
            selecting("details", "lines", "line"),
            f"{GROUPS}.VisualIds[1]",
            "of sheet details: lines (“Sales overview”), by-customer-and-region (“By region”)",
        ),
        (selecting("details", "by-month"), f"{GROUPS}.VisualIds[0]", "is a LineChartVisual: lines"),
        (selecting("summary", "lines"), f"{GROUPS}.VisualIds[0]", "of sheet summary: by-customer"),
    ],
    ids=["sheet", "visual", "no-table", "of-another-sheet"],
)
def test_what_the_dashboard_does_not_have_is_refused_with_what_it_has(
    world: World, groups: list[dict[str, Any]], place: str, words: str
) -> None:
    body = message("e1", groups=groups)

    found = problems(world, body)

    assert [*found] == [place] and words in found[place]
    assert world.send(body) is Status.REJECTED
    (kept,) = world.rejected()
    assert [each["Place"] for each in kept["Reason"]["Problems"]] == [place]
    assert world.ledger()["jobs"] == []


def test_parameters_are_refused_by_name_and_by_type_and_never_by_value(world: World) -> None:
    body = with_parameters(
        StringParameters={"Regoin": ["secret-1"], "Year": ["secret-2"]},
        IntegerParameters={"MinAmount": [7777]},
    )

    found = problems(world, body)

    assert found[f"{PARAMETERS}.StringParameters[0].Name"] == (
        "must be a parameter of the dashboard: Region (StringParameters), "
        "Year (IntegerParameters), MinAmount (DecimalParameters), From (DateTimeParameters), "
        "To (DateTimeParameters)"
    )
    assert "stand in IntegerParameters" in found[f"{PARAMETERS}.StringParameters[1].Values"]
    assert "stand in DecimalParameters" in found[f"{PARAMETERS}.IntegerParameters[0].Values"]
    assert "secret" not in str(found) and "7777" not in str(found)
    named = with_parameters(
        StringParameters={"Region": ["EMEA"]},
        IntegerParameters={"year": [2025]},
        DecimalParameters={"MinAmount": [0.5]},
        DateTimeParameters={"From": ["2025-01-01"]},
    )
    assert post(world, named).status == 202, "whatever the case of a name"


def test_a_registered_users_request_is_held_against_the_dashboard_too(world: World) -> None:
    body = message("e1", groups=selecting("nowhere"), RegisteredUser={"UserName": "manager-1"})
    del body["UserConfiguration"]
    assert [*problems(world, body)] == [f"{GROUPS}.SheetId"]


@pytest.mark.parametrize(
    "exception",
    ["AccessDeniedException", "InternalFailureException", "ThrottlingException"],
)
def test_an_unreadable_definition_blocks_nothing_and_is_reported(
    world: World, exception: str
) -> None:
    world.switch("raise_exception", times=9, Operation=DEFINITION, Exception=exception)

    answer = post(world, with_parameters("e1", StringParameters={"Unknown": ["x"]}))

    assert answer.status == 202
    (warning,) = answer.body["Warnings"]
    assert warning["Code"] == "DASHBOARD_DEFINITION_UNREADABLE"
    shown = call_api(world.services, "GET", "/exports/e1").body
    assert shown["Warnings"] == [warning]
    of_sheets = message("e2", groups=selecting("nowhere"))
    assert [*problems(world, of_sheets)] == [f"{GROUPS}.SheetId"], "which DescribeDashboard names"
    assert reads(world) == 1, "asked for again after a minute only"
    world.quicksight.emulator.clear_switches()
    world.clock.sleep(KEPT_SECONDS)
    assert problems(world, with_parameters("e3", StringParameters={"Unknown": ["x"]}))


def test_a_definition_is_read_once_for_each_version(world: World) -> None:
    for number in range(4):
        assert post(world, message(f"e{number}")).status == 202
        world.clock.sleep(KEPT_SECONDS)
    assert (reads(world), reads(world, "DescribeDashboard")) == (1, 4)
    world.driver.run()

    world.quicksight.emulator.put_dashboard(replace(SALES, sheets=SALES.sheets[1:]))
    world.clock.sleep(KEPT_SECONDS)

    assert (
        "details"
        in problems(world, message("late", groups=selecting("summary")))[f"{GROUPS}.SheetId"]
    )
    assert reads(world) == 2


def test_a_start_reads_no_definition_and_the_next_request_does(world: World) -> None:
    world.services.store.change_gate({"limit": 0})
    assert post(world, message("e1")).status == 202
    world.quicksight.emulator.put_dashboard(replace(SALES, sheets=SALES.sheets[1:]))
    world.clock.sleep(3600)
    world.services.store.change_gate({"limit": 12})
    world.driver.run()
    assert reads(world) == 1
    assert problems(world, message("e2", groups=selecting("summary")))


def test_what_was_accepted_stays_accepted_when_it_is_delivered_again(world: World) -> None:
    body = message("e1", groups=selecting("summary"))
    assert world.send(body) is Status.QUEUED
    world.quicksight.emulator.put_dashboard(replace(SALES, sheets=SALES.sheets[1:]))
    world.clock.sleep(KEPT_SECONDS)
    assert post(world, body).status == 202 and world.rejected() == []


def test_a_bursts_template_is_refused_as_a_whole(world: World) -> None:
    body = burst("b1", [recipient(1)])
    body["Template"]["SnapshotConfiguration"]["FileGroups"] = selecting("nowhere")
    assert [*problems(world, body, "/bursts")] == [f"Template.{GROUPS}.SheetId"]
    assert world.services.bursts.find("b1") is None


def test_a_recipients_parameters_are_refused_by_its_line(world: World) -> None:
    header = "RecipientId,tag:customer_id,parameter:string:Region,parameter:integer:Top"
    lines = [header, "a,cust-0001,EMEA,", "b,cust-0002,EMEA,3", "c,cust-0003,,"]
    manifest = csv_manifest(world, "\n".join(lines) + "\n")
    assert post(world, burst("b1", Manifest=manifest), "/bursts").status == 202
    world.driver.run()

    shown = call_api(world.services, "GET", "/bursts/b1").body

    assert shown["Counts"]["Completed"] == 2
    ((line, (problem,)),) = [(each["Line"], each["Problems"]) for each in shown["Refusals"]]
    assert (line, problem["Place"]) == (3, "parameter:integer:Top")
    assert "Year (IntegerParameters)" in problem["Rule"]
    assert reads(world) == 1, "once for the burst"


def test_an_inline_recipients_parameters_are_refused_at_their_member(world: World) -> None:
    own = {"IntegerParameters": [{"Name": "Region", "Values": [1]}]}
    template = with_parameters(None, IntegerParameters={"Year": [2025]})
    del template["UserConfiguration"]
    body = burst("b1", [recipient(1, Parameters=own)], Template=template)
    assert post(world, body, "/bursts").status == 202
    world.driver.run()
    (refusal,) = world.services.bursts.refusals("b1")
    assert [each.place for each in refusal.problems] == ["Parameters.IntegerParameters[0].Values"]


def test_a_csv_of_a_table_is_as_good_as_before(world: World) -> None:
    assert world.send(message("e1", groups=[visuals_group("CSV", "lines")])) is Status.QUEUED
    world.driver.run()
    assert world.export("e1").status is Status.COMPLETED
