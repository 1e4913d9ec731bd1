"""The rules of a start request that stand in AWS's text."""

from typing import Any

import pytest

from local.quicksight.service_model import START
from tests.unit.quicksight_emulator.support import PDF, Caller, start_members, tabular


def excel_of(*visuals_of_sheet: tuple[str, tuple[str, ...]]) -> dict[str, Any]:
    selections = [
        {"SheetId": sheet, "SelectionScope": "SELECTED_VISUALS", "VisualIds": list(visuals)}
        for sheet, visuals in visuals_of_sheet
    ]
    return {"FormatType": "EXCEL", "SheetSelections": selections}


FIVE = ("invoices", "orders", "places", "by-status", "by-product")
ALL_SHEETS = tuple((f"part-{number}", ("lines",)) for number in range(1, 6))
TWO_SHEETS = {"SheetId": "summary", "SelectionScope": "ALL_VISUALS"}


def scoped(file: dict[str, Any], scope: str) -> dict[str, Any]:
    selections = [each | {"SelectionScope": scope} for each in file["SheetSelections"]]
    return file | {"SheetSelections": selections}


@pytest.mark.parametrize(
    "files",
    [
        (PDF,),
        (tabular("EXCEL"),),
        (tabular("CSV"),) * 5,
        (PDF, tabular("EXCEL"), *((tabular("CSV"),) * 5)),
    ],
)
def test_one_pdf_one_workbook_and_five_csvs_are_accepted(
    caller: Caller, files: tuple[dict[str, Any], ...]
) -> None:
    assert caller.start(files=files).error is None


@pytest.mark.parametrize("file", [excel_of(("all-tables", FIVE)), excel_of(*ALL_SHEETS)])
def test_a_workbook_takes_five_visuals_of_up_to_five_sheets(
    caller: Caller, file: dict[str, Any]
) -> None:
    assert caller.start(dashboard_id="board-pack", files=(file,)).error is None


@pytest.mark.parametrize(
    "files",
    [
        (PDF, PDF),
        (tabular("EXCEL"), tabular("EXCEL")),
        (tabular("CSV"),) * 6,
        (PDF | {"SheetSelections": [*PDF["SheetSelections"], TWO_SHEETS]},),
        (scoped(PDF, "SELECTED_VISUALS"),),
        (scoped(tabular("CSV"), "ALL_VISUALS"),),
        (scoped(tabular("EXCEL"), "ALL_VISUALS"),),
        (tabular("CSV", "lines", "by-customer-and-region"),),
        (tabular("CSV", "no-such-visual"),),
        (tabular("CSV", "lines", sheet="no-such-sheet"),),
        (tabular("CSV", "by-month"),),
        (tabular("EXCEL", "total", sheet="summary"),),
    ],
)
def test_what_a_job_cannot_hold_is_refused(
    caller: Caller, files: tuple[dict[str, Any], ...]
) -> None:
    answer = caller.start(files=files)
    assert (answer.status, answer.error) == (400, "InvalidParameterValueException")
    assert caller.describe().error == "ResourceNotFoundException"


def test_a_workbook_of_six_visuals_is_refused(caller: Caller) -> None:
    file = excel_of(("all-tables", FIVE), ("part-1", ("lines",)))
    answer = caller.start(dashboard_id="board-pack", files=(file,))
    assert answer.error == "InvalidParameterValueException"


@pytest.mark.parametrize("change", ["no-visual-ids", "no-files", "no-users", "other-region"])
def test_what_is_missing_or_elsewhere_is_refused(caller: Caller, change: str) -> None:
    members = start_members(files=(tabular("CSV"),), bucket="exports")
    configuration = members["SnapshotConfiguration"]
    if change == "no-visual-ids":
        del configuration["FileGroups"][0]["Files"][0]["SheetSelections"][0]["VisualIds"]
    elif change == "no-files":
        configuration["FileGroups"].append({})
    elif change == "no-users":
        members["UserConfiguration"] = {}
    else:
        [destination] = configuration["DestinationConfiguration"]["S3Destinations"]
        destination["BucketConfiguration"]["BucketRegion"] = "eu-central-1"
    assert caller.call(START, members).error == "InvalidParameterValueException"


def test_validation_comes_before_the_search_for_the_dashboard(caller: Caller) -> None:
    wrong = caller.start(dashboard_id="no-such-dashboard", files=(PDF, PDF))
    assert wrong.error == "InvalidParameterValueException"
    absent = caller.start(dashboard_id="no-such-dashboard")
    assert (absent.status, absent.error) == (404, "ResourceNotFoundException")


def test_unknown_members_are_ignored_and_null_is_absence(caller: Caller) -> None:
    members = start_members() | {"Surprise": {"a": 1}}
    members["SnapshotConfiguration"] |= {"Parameters": None, "Surprise": 1}
    assert caller.call(START, members).error is None
    assert "Surprise" not in str(caller.describe().body)


@pytest.mark.parametrize("value", [True, "2024", 2024.5, 2**63])
def test_an_integer_parameter_takes_whole_numbers_only(caller: Caller, value: Any) -> None:
    parameters = {"IntegerParameters": [{"Name": "Year", "Values": [value]}]}
    assert caller.start(parameters=parameters).error == "InvalidParameterValueException"


@pytest.mark.parametrize("value", [True, "1.5", float("inf")])
def test_a_decimal_parameter_takes_finite_numbers_only(caller: Caller, value: Any) -> None:
    parameters = {"DecimalParameters": [{"Name": "MinAmount", "Values": [value]}]}
    assert caller.start(parameters=parameters).error == "InvalidParameterValueException"


@pytest.mark.parametrize("dashboard_id", ["", "a b", "a/b", "x" * 513])
def test_an_id_beyond_the_models_bounds_is_invalid_or_not_found(
    caller: Caller, dashboard_id: str
) -> None:
    assert caller.start(dashboard_id=dashboard_id).error == "InvalidParameterValueException"
    stranger = Caller(caller.emulator, dashboard_id=dashboard_id)
    assert stranger.describe().error == "ResourceNotFoundException"
    assert stranger.result().error == "InvalidParameterValueException"
