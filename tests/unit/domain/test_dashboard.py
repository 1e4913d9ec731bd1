"""What is read of a dashboard's definition, in every form that the service model has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from snapshot_export.domain.dashboard import TABULAR, Definition, Published, Version
from snapshot_export.domain.formats import Format
from snapshot_export.domain.row_level_security import DashboardSecurity

MODEL = botocore.session.get_session().get_service_model("quicksight")
DEFINITION: Any = MODEL.shape_for("DashboardVersionDefinition")
PARAMETERS: Any = MODEL.shape_for("Parameters")


def test_every_kind_of_visual_and_parameter_of_the_model_is_read() -> None:
    sheet = DEFINITION.members["Sheets"].member
    kinds = list(sheet.members["Visuals"].member.members)
    declared = list(DEFINITION.members["ParameterDeclarations"].member.members)
    definition = Definition.of(
        3,
        {
            "Sheets": [{"SheetId": "s", "Visuals": [{kind: {"VisualId": kind}} for kind in kinds]}],
            "ParameterDeclarations": [{kind: {"Name": kind}} for kind in declared],
        },
    )

    (found,) = definition.sheets
    assert [visual.kind for visual in found.visuals] == kinds
    assert [visual.kind for visual in found.tables] == [*TABULAR]
    assert found.formats == (Format.PDF, Format.CSV, Format.EXCEL)
    assert {parameter.member for parameter in definition.parameters} == {*PARAMETERS.members}
    assert definition.version == 3


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ({"PlainText": "Open\ninvoices"}, "Open invoices"),
        (
            {"RichText": "<visual-title><b>Umsatz</b> &amp; Ertrag</visual-title>"},
            "Umsatz & Ertrag",
        ),
        ({}, ""),
    ],
)
def test_titles_are_as_they_are_read(text: dict[str, str], title: str) -> None:
    visual = {"VisualId": "v", "Title": {"FormatText": text}}
    sheet = {
        "SheetId": "s",
        "Visuals": [{"TableVisual": visual}, {"EmptyVisual": {"VisualId": "e"}}],
    }
    (found,) = Definition.of(1, {"Sheets": [sheet]}).sheets
    assert [each.title for each in found.visuals] == [title, ""]


@pytest.mark.parametrize(
    ("default", "values", "is_dynamic"),
    [
        (
            {"StaticValues": [datetime(2026, 1, 5, tzinfo=UTC)]},
            ("2026-01-05T00:00:00+00:00",),
            False,
        ),
        ({"RollingDate": {"Expression": "truncDate('MM', now())"}}, (), True),
        ({"DynamicValue": {"DefaultValueColumn": {}}, "StaticValues": ["x"]}, ("x",), True),
        (None, (), False),
    ],
)
def test_defaults_are_plain_values_or_said_to_be_dynamic(
    default: dict[str, Any] | None, values: tuple[str, ...], is_dynamic: bool
) -> None:
    declared = {"Name": "From"} | ({"DefaultValues": default} if default else {})
    definition = Definition.of(
        1, {"ParameterDeclarations": [{"DateTimeParameterDeclaration": declared}]}
    )
    (found,) = definition.parameters
    assert (found.defaults, found.default_is_dynamic) == (values, is_dynamic)
    assert definition.without_values.parameters[0].defaults == ()


def test_a_definition_counts_for_its_own_version_only() -> None:
    definition = Definition.of(1, {"Sheets": [{"SheetId": "old"}]})
    version = {"VersionNumber": 1, "Sheets": [{"SheetId": "new"}, {"Name": "without an id"}]}
    for number, sheets in ((1, ["old"]), (2, ["new"])):
        published = Published(
            security=DashboardSecurity(read_at=0.0),
            version=Version.of({"Version": version | {"VersionNumber": number}}),
            definition=definition,
        )
        assert [sheet.sheet_id for sheet in published.sheets] == sheets
