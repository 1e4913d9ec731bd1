"""The rules of a start request that stand in AWS's text and not in the service model."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from local.quicksight.catalogue import Dashboard
from local.quicksight.errors import ServiceError
from local.quicksight.settings import Settings

FILES_OF_FORMAT = {"PDF": 1, "EXCEL": 1, "CSV": 5}
VISUALS_OF_FORMAT = {"EXCEL": 5, "CSV": 1}


def check_plan(members: dict[str, Any], *, user: str | None, settings: Settings) -> None:
    """Raise UnsupportedPricingPlanException if the account's plan has not what a start needs.

    The sample dashboards have no pixel-perfect sheets, so a PDF needs no add-on [? pixel-perfect];
    an anonymous user needs capacity pricing [? capacity-pricing]. Source of the second text: issue
    236 of data-dot-all/dataall, about embedding for anonymous users.
    """
    files = (file for group in members["SnapshotConfiguration"]["FileGroups"]
             for file in group.get("Files", ()))  # fmt: skip
    if not settings.pixel_perfect and any(file["FormatType"] != "PDF" for file in files):
        message = "The account's pricing plan has no pixel-perfect reports."
        raise ServiceError("UnsupportedPricingPlanException", message)
    if not settings.capacity_pricing and user is None:
        message = (
            "This API action is supported only when the account has an active Capacity Pricing plan"
        )
        raise ServiceError("UnsupportedPricingPlanException", message)


def check_start(members: dict[str, Any], *, user: str | None, settings: Settings) -> None:
    """Raise InvalidParameterValueException unless the request obeys every rule of the text."""
    _check_user(members.get("UserConfiguration"), user)
    configuration = members["SnapshotConfiguration"]
    files = [_only_file(group, index) for index, group in enumerate(configuration["FileGroups"])]
    for file_format, count in Counter(file["FormatType"] for file in files).items():
        most = FILES_OF_FORMAT[file_format]
        if count > most:
            raise invalid(f"FileGroups may hold {most} {file_format} at most, not {count}")
    for index, file in enumerate(files):
        _check_file(file, f"FileGroups[{index}].Files[0]", settings.sheets_per_pdf)
    _check_destination(configuration.get("DestinationConfiguration", {}), settings.region)


def check_selections(members: dict[str, Any], dashboard: Dashboard) -> None:
    """Raise InvalidParameterValueException unless the dashboard has what is selected."""
    for group in members["SnapshotConfiguration"]["FileGroups"]:
        for selection in group["Files"][0]["SheetSelections"]:
            _check_selection(selection, dashboard)


def invalid(message: str) -> ServiceError:
    """The refusal of a request that can never work."""
    return ServiceError("InvalidParameterValueException", message)


def _check_user(configuration: dict[str, Any] | None, user: str | None) -> None:
    if user is not None:
        if configuration is not None:
            raise invalid("UserConfiguration must be null with identity-enhanced credentials")
    elif not (configuration or {}).get("AnonymousUsers"):
        raise invalid("UserConfiguration.AnonymousUsers is required without a registered user")


def _only_file(group: dict[str, Any], index: int) -> dict[str, Any]:
    files: list[dict[str, Any]] = group.get("Files", [])
    if not files:
        raise invalid(f"FileGroups[{index}].Files must hold exactly 1 file")
    return files[0]


def _check_file(file: dict[str, Any], place: str, sheets: int) -> None:
    file_format, selections = file["FormatType"], file["SheetSelections"]
    required = "ALL_VISUALS" if file_format == "PDF" else "SELECTED_VISUALS"
    if any(selection["SelectionScope"] != required for selection in selections):
        raise invalid(f"{place}: SelectionScope must be {required} for {file_format}")
    if file_format == "PDF":
        if len(selections) > sheets:
            raise invalid(
                f"{place}: a PDF takes {sheets} SheetSelections at most, not {len(selections)}"
            )
        return
    if not all(selection.get("VisualIds") for selection in selections):
        raise invalid(f"{place}: VisualIds are required for {file_format}")
    count = sum(len(selection["VisualIds"]) for selection in selections)
    if count > VISUALS_OF_FORMAT[file_format]:
        most = VISUALS_OF_FORMAT[file_format]
        raise invalid(f"{place}: {file_format} takes {most} visuals at most, not {count}")


def _check_destination(configuration: dict[str, Any], region: str) -> None:
    for destination in configuration.get("S3Destinations", []):
        if destination["BucketConfiguration"]["BucketRegion"] != region:
            raise invalid(f"BucketRegion must be the region of the call, {region}")


def _check_selection(selection: dict[str, Any], dashboard: Dashboard) -> None:
    sheet = dashboard.sheet(selection["SheetId"])
    if sheet is None:
        raise invalid(f"dashboard has no sheet {selection['SheetId']}")
    wanted: Iterable[str] = selection.get("VisualIds", ())
    for visual_id in wanted:
        visual = sheet.visual(visual_id)
        if visual is None:
            raise invalid(f"sheet {sheet.sheet_id} has no visual {visual_id}")
        if selection["SelectionScope"] == "SELECTED_VISUALS" and not visual.tabular:
            raise invalid(f"visual {visual_id} is neither a table nor a pivot table")
