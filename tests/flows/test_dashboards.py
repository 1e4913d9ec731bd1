"""GET /dashboards/{DashboardId}: what can be exported of a dashboard, and what it must bring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.quicksight.catalogue import DataSet, TagRule
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS, SAMPLE_DATA_SETS
from tests.support.api import call_api
from tests.support.world import World

DEFINITION = "DescribeDashboardDefinition"
SALES = next(each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "sales-overview")


def get(world: World, dashboard_id: str = "sales-overview") -> Any:
    return call_api(world.services, "GET", f"/dashboards/{dashboard_id}")


def operations(world: World) -> list[str]:
    return [each["operation"] for each in world.ledger()["calls"]]


def test_sheets_tables_parameters_and_tags_are_shown(world: World) -> None:
    answer = get(world)

    shown = answer.body
    assert answer.status == 200
    assert (shown["Name"], shown["VersionNumber"]) == ("Sales overview", 1)
    summary, details = shown["Sheets"]
    assert (summary["SheetId"], summary["Name"]) == ("summary", "Übersicht #1?")
    assert details["Formats"] == ["PDF", "CSV", "EXCEL"]
    assert [(each["VisualId"], each["Title"], each["Formats"]) for each in details["Visuals"]] == [
        ("lines", "Sales overview", ["CSV", "EXCEL"]),
        ("by-customer-and-region", "By region", ["CSV", "EXCEL"]),
        ("by-month", "By month", []),
    ]
    parameters = {each["Name"]: each for each in shown["Parameters"]}
    assert parameters["Year"]["Member"] == "IntegerParameters"
    assert parameters["Year"]["Type"] == "INTEGER" and parameters["Year"]["TakesSeveral"]
    assert parameters["MinAmount"]["Defaults"] == [0.0]
    assert parameters["From"]["Defaults"] == ["2023-01-01T00:00:00+00:00"]
    (data_set,) = shown["DataSets"]
    assert data_set["TagRules"] == [
        {
            "TagKeys": ["customer_id", "region"],
            "Demands": [["customer_id"], ["customer_id", "region"]],
        }
    ]
    assert shown["DemandedTags"] == ["customer_id"] and shown["Warnings"] == []
    assert operations(world) == ["DescribeDashboard", "DescribeDataSet", DEFINITION]


def test_the_defaults_of_parameters_are_in_the_answer_and_not_in_the_table(world: World) -> None:
    assert "2023-01-01" in str(get(world).body["Parameters"])
    kept = world.services.published.find("sales-overview")
    assert kept and kept.current and [each.name for each in kept.current.parameters]
    items = world.session.client("dynamodb").scan(TableName=world.settings.table_name)["Items"]
    assert "details" in str(items) and "2023-01-01" not in str(items)


def test_it_is_what_is_published_now(world: World) -> None:
    assert len(get(world).body["Sheets"]) == 2
    world.quicksight.emulator.put_dashboard(replace(SALES, sheets=SALES.sheets[:1]))

    shown = get(world).body
    assert [sheet["SheetId"] for sheet in shown["Sheets"]] == ["summary"]
    assert shown["VersionNumber"] == 2


@pytest.mark.parametrize(
    "exception",
    ["AccessDeniedException", "InternalFailureException", "InvalidParameterValueException"],
)
def test_without_its_definition_a_dashboard_still_has_its_sheets(
    world: World, exception: str
) -> None:
    world.switch("raise_exception", Operation=DEFINITION, Exception=exception)

    shown = get(world).body

    assert [(each["SheetId"], each["Visuals"]) for each in shown["Sheets"]] == [
        ("summary", None),
        ("details", None),
    ]
    assert shown["Parameters"] is None and shown["DemandedTags"] == ["customer_id"]
    (warning,) = shown["Warnings"]
    assert warning["Code"] == "DASHBOARD_DEFINITION_UNREADABLE"
    assert warning["Resource"] == "dashboard/sales-overview"
    assert f"{DEFINITION} was refused" in warning["Message"]


def test_the_demanded_tags_meet_every_data_set(world: World) -> None:
    emulator = world.quicksight.emulator
    of_region = DataSet("regions", "Regions", (TagRule("region", "region"),))
    manager = TagRule("manager", "manager")
    either = DataSet(
        "either", "Either", (manager, TagRule("region", "region")), (("manager",), ("region",))
    )
    emulator.put_data_set(of_region)
    emulator.put_data_set(either)
    ids = ("either", "regions", *SALES.data_set_ids)
    emulator.put_dashboard(replace(SALES, data_set_ids=ids))

    demanded = get(world).body["DemandedTags"]

    assert {*demanded} == {"region", "customer_id"}, "which meets the alternative of region too"


def test_what_cannot_be_shown_says_why(world: World) -> None:
    assert get(world, "not-there").status == 404
    assert get(world, "no%20id").status == 404
    world.switch(
        "raise_exception", Operation="DescribeDashboard", Exception="AccessDeniedException"
    )
    denied = get(world)
    assert (denied.status, denied.body["Code"]) == (409, "DASHBOARD_UNREADABLE")
    assert "DescribeDashboard was refused (AccessDenied)" in denied.body["Message"]
    world.switch("raise_exception", Operation="DescribeDashboard", Exception="ThrottlingException")
    assert get(world).status == 503


def test_a_data_set_that_filters_nothing_is_reported(world: World) -> None:
    sales = next(each for each in SAMPLE_DATA_SETS if each.data_set_id == "sales")
    everyone = DataSet("everyone", "Everyone")
    world.quicksight.emulator.put_data_set(everyone)
    ids = (sales.data_set_id, everyone.data_set_id)
    world.quicksight.emulator.put_dashboard(replace(SALES, data_set_ids=ids))

    (warning,) = get(world).body["Warnings"]

    assert warning["Code"] == "DATA_SET_WITHOUT_TAG_RULES"
    assert warning["Resource"] == "dataset/everyone"
