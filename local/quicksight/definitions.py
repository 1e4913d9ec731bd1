"""What DescribeDashboardDefinition answers: sheets with their visuals, parameters, data sets."""

from typing import Any

from local.quicksight.catalogue import Dashboard, Parameter, Sheet, Visual
from local.quicksight.settings import Settings

_MEMBERS = {
    "TABLE": "TableVisual",
    "PIVOT_TABLE": "PivotTableVisual",
    "BAR_CHART": "BarChartVisual",
    "LINE_CHART": "LineChartVisual",
    "KPI": "KPIVisual",
}


def describe_definition(dashboard: Dashboard, settings: Settings) -> dict[str, Any]:
    """The members of an answer about the published version.

    One whose creation failed is there with its errors, and without a definition.
    """
    shown: dict[str, Any] = {"DashboardId": dashboard.dashboard_id, "Name": dashboard.name}
    if dashboard.dashboard_id in settings.unpublished:
        error = {"Type": "DATA_SET_NOT_FOUND", "Message": "A dataset is gone."}
        return {**shown, "ResourceStatus": "CREATION_FAILED", "Errors": [error]}
    definition = {
        "DataSetIdentifierDeclarations": [
            {"Identifier": each, "DataSetArn": settings.arn_of("dataset", each)}
            for each in dashboard.data_set_ids
        ],
        "Sheets": [_describe_sheet(sheet) for sheet in dashboard.sheets],
        "ParameterDeclarations": [_declare(parameter) for parameter in dashboard.parameters],
    }
    return {**shown, "ResourceStatus": "CREATION_SUCCESSFUL", "Definition": definition}


def _describe_sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "SheetId": sheet.sheet_id,
        "Name": sheet.name,
        "Visuals": [_describe_visual(visual) for visual in sheet.visuals],
        "ContentType": "INTERACTIVE",
    }


def _describe_visual(visual: Visual) -> dict[str, Any]:
    title = {"Visibility": "VISIBLE", "FormatText": {"PlainText": visual.title}}
    return {_MEMBERS[visual.visual_type]: {"VisualId": visual.visual_id, "Title": title}}


def _declare(parameter: Parameter) -> dict[str, Any]:
    declared: dict[str, Any] = {"Name": parameter.name}
    if parameter.parameter_type != "DateTime":
        several = parameter.multi_valued
        declared["ParameterValueType"] = "MULTI_VALUED" if several else "SINGLE_VALUED"
    if parameter.defaults:
        declared["DefaultValues"] = {"StaticValues": [*parameter.defaults]}
    return {f"{parameter.parameter_type}ParameterDeclaration": declared}
