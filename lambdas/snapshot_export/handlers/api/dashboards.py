"""/dashboards: what an export of a dashboard can hold, and what it must bring."""

from __future__ import annotations

import re
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, BeforeValidator, Field

from snapshot_export.domain.dashboard import Published, Sheet, Version
from snapshot_export.domain.formats import Format
from snapshot_export.domain.row_level_security import demanded_keys, warnings_of
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.errors import UnknownIdError
from snapshot_export.flows.dashboard.published import look_at_dashboard
from snapshot_export.handlers.api.exchange import OfTarget, answers, make_router, reply, services_of
from snapshot_export.handlers.api.shapes import Seen, WarningShape, iso, warning_shapes

router = make_router()
BODIES: dict[str, type[BaseModel]] = {}
DASHBOARD_ID = r"[A-Za-z0-9_\-]{1,512}"


class VisualShape(Seen):
    """A visual. Type: its member in QuickSight's Visual. Formats: what it can be by itself, of
    tables and pivot tables only.
    """

    VisualId: str
    Title: str
    Type: str = Field(validation_alias="kind")
    Formats: list[Format]


class SheetShape(BaseModel):
    """A sheet. Formats: what files can be made of it. ContentType is null, and Visuals is, where
    the definition could not be read.
    """

    SheetId: str
    Name: str
    ContentType: str | None
    Formats: list[Format]
    Visuals: list[VisualShape] | None


class ParameterShape(Seen):
    """A parameter. Member: where a request gives its values. Type: as in the columns of a manifest.
    DefaultIsDynamic: by user or day, so it is not among the Defaults.
    """

    Name: str
    Member: str
    Type: Annotated[str, BeforeValidator(str.upper)] = Field(validation_alias="kind")
    TakesSeveral: bool
    Defaults: list[str | int | float]
    DefaultIsDynamic: bool


class TagRulesShape(BaseModel):
    """Enabled tag rules: their TagKeys, and Demands, of which a request must bring one whole."""

    TagKeys: list[str]
    Demands: list[list[str]]


class DataSetShape(BaseModel):
    """A data set. Without TagRules it shows all of its rows to everyone."""

    DataSetId: str
    TagRules: list[TagRulesShape]


class DashboardShape(BaseModel):
    """What is published of a dashboard. DemandedTags: the fewest keys that meet every data set's
    rules. Parameters is null where the definition could not be read; then Warnings say why.
    """

    DashboardId: str
    Target: str
    Name: str
    VersionNumber: int
    Status: str
    PublishedAt: str | None
    Sheets: list[SheetShape]
    Parameters: list[ParameterShape] | None
    DataSets: list[DataSetShape]
    DemandedTags: list[str]
    Warnings: list[WarningShape]


@router.get(
    "/dashboards/<dashboard_id>",
    operation_id="getDashboard",
    summary="Show what can be exported of a dashboard",
    description="As it is published now: its sheets, tables and parameters, and the "
    "row-level-security tags that its data sets demand. Without the right to read its definition, "
    "its sheets and data sets only.",
    responses=answers(200, DashboardShape, "The dashboard", 404, 409),
    tags=["dashboards"],
)
def get_dashboard(
    dashboard_id: str,
    target: OfTarget = DEFAULT_TARGET,
) -> Response[str]:
    """Show a dashboard."""
    if not re.fullmatch(DASHBOARD_ID, dashboard_id):
        raise UnknownIdError("dashboard")
    version, found = look_at_dashboard(services_of(target), dashboard_id)
    return reply(_shape_of(dashboard_id, target, version, found))


def _shape_of(dashboard_id: str, target: str, version: Version, found: Published) -> DashboardShape:
    demanded = demanded_keys(found.security)
    definition = found.current
    warnings = (
        *warnings_of(found.security, brings_tags=bool(demanded)),
        *found.definition_warnings,
    )
    return DashboardShape(
        DashboardId=dashboard_id,
        Target=target,
        Name=version.name,
        VersionNumber=version.number,
        Status=version.status,
        PublishedAt=iso(version.published_at),
        Sheets=[_sheet(sheet, is_known=definition is not None) for sheet in found.sheets],
        Parameters=[ParameterShape.model_validate(each) for each in definition.parameters]
        if definition
        else None,
        DataSets=[
            DataSetShape(
                DataSetId=data_set.data_set_id,
                TagRules=[
                    TagRulesShape(
                        TagKeys=[rule.key for rule in rules.rules],
                        Demands=[[*keys] for keys in rules.alternatives],
                    )
                    for rules in data_set.tag_rules
                ],
            )
            for data_set in found.security.data_sets
        ],
        DemandedTags=[*demanded],
        Warnings=warning_shapes(warnings),
    )


def _sheet(sheet: Sheet, *, is_known: bool) -> SheetShape:
    visuals = [VisualShape.model_validate(visual) for visual in sheet.visuals]
    return SheetShape(
        SheetId=sheet.sheet_id,
        Name=sheet.name,
        ContentType=sheet.content_type,
        Formats=[*sheet.formats],
        Visuals=visuals if is_known else None,
    )
