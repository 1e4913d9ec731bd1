"""What is published of a dashboard: its sheets with their visuals, its parameters, its data sets.

Read from the answers of DescribeDashboard (the published version, with its sheets' names) and
DescribeDashboardDefinition (what lies on the sheets), in the service model quicksight/2018-04-01.
A version is never changed: what is published later is another one [? version-unchanged]. The
definition may be kept back, by a right that is missing or because QuickSight cannot describe it;
then nothing but the sheets is known.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from snapshot_export.domain.formats import Format
from snapshot_export.domain.row_level_security import DashboardSecurity, Unreadable, data_set_ids_of
from snapshot_export.domain.security_warning import SecurityWarning

DEFINITION_UNREADABLE = "DASHBOARD_DEFINITION_UNREADABLE"
TABULAR = ("TableVisual", "PivotTableVisual")
"""Members of Visual that CSV and EXCEL can hold. Source: SnapshotFile's SheetSelections."""
PARAMETER_MEMBERS = (
    "StringParameters",
    "IntegerParameters",
    "DecimalParameters",
    "DateTimeParameters",
)
"""Members of SnapshotConfiguration.Parameters."""
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, kw_only=True)
class Visual:
    """A visual; `kind` is its member in Visual, such as TableVisual."""

    visual_id: str
    title: str
    kind: str

    @property
    def formats(self) -> tuple[Format, ...]:
        """What it can be exported as by itself."""
        return (Format.CSV, Format.EXCEL) if self.kind in TABULAR else ()


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet; `content_type` is INTERACTIVE or PAGINATED, None if it is not known."""

    sheet_id: str
    name: str
    content_type: str | None = None
    visuals: tuple[Visual, ...] = ()

    @property
    def tables(self) -> tuple[Visual, ...]:
        """Its tables and pivot tables."""
        return tuple(visual for visual in self.visuals if visual.formats)

    @property
    def formats(self) -> tuple[Format, ...]:
        """What files can be made of it, as far as its visuals are known."""
        of_tables = (each for visual in self.tables for each in visual.formats)
        return tuple(dict.fromkeys((Format.PDF, *of_tables)))


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter; `kind` is String, Integer, Decimal or DateTime, times among the defaults are
    ISO 8601 in UTC. `default_is_dynamic`: by user or day, so it is in no definition."""

    name: str
    kind: str
    takes_several: bool = False
    defaults: tuple[str | int | float, ...] = ()
    default_is_dynamic: bool = False

    @property
    def member(self) -> str:
        """Where a request gives its values: a member of SnapshotConfiguration.Parameters."""
        return f"{self.kind}Parameters"


@dataclass(frozen=True, kw_only=True)
class Version:
    """The published version, as DescribeDashboard has it; `published_at` in epoch seconds."""

    number: int
    name: str
    status: str
    published_at: float | None
    sheets: tuple[Sheet, ...] = ()
    data_set_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, dashboard: Mapping[str, Any]) -> Version:
        """Of DescribeDashboard's Dashboard."""
        version = dashboard.get("Version", {})
        published = dashboard.get("LastPublishedTime")
        return cls(
            number=version.get("VersionNumber", 0),
            name=dashboard.get("Name", ""),
            status=version.get("Status", ""),
            published_at=published.timestamp() if published else None,
            sheets=tuple(
                Sheet(sheet_id=each["SheetId"], name=each.get("Name", ""))
                for each in version.get("Sheets", ())
                if each.get("SheetId")
            ),
            data_set_ids=data_set_ids_of(dashboard),
        )


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What lies on the sheets of the version of this number, and its parameters."""

    version: int
    sheets: tuple[Sheet, ...]
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, version: int, definition: Mapping[str, Any]) -> Definition:
        """Of DescribeDashboardDefinition's Definition."""
        return cls(
            version=version,
            sheets=tuple(map(_sheet_of, definition.get("Sheets", ()))),
            parameters=tuple(
                _parameter_of(member.removesuffix("ParameterDeclaration"), declared)
                for each in definition.get("ParameterDeclarations", ())
                for member, declared in each.items()
            ),
        )

    @property
    def without_values(self) -> Definition:
        """The same without defaults, which the service model calls sensitive."""
        plain = (replace(each, defaults=()) for each in self.parameters)
        return replace(self, parameters=tuple(plain))


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was read of a dashboard at `security.read_at` (epoch seconds).

    `version` is None where the dashboard could not be read. `definition` may be an older version's;
    `unread` says why that of this one is not there, and neither is there if it was not asked for.
    """

    security: DashboardSecurity
    version: Version | None = None
    definition: Definition | None = None
    unread: Unreadable | None = None

    @property
    def current(self) -> Definition | None:
        """The definition of the published version, if it was read."""
        number = self.version.number if self.version else None
        found = self.definition
        return found if found and found.version == number else None

    @property
    def definition_warnings(self) -> tuple[SecurityWarning, ...]:
        """What is reported where the definition could not be read."""
        if self.unread is None:
            return ()
        text = f"{self.unread.text}: sheets, visuals and parameters are not checked"
        return (
            SecurityWarning(
                code=DEFINITION_UNREADABLE, resource=self.unread.resource, message=text
            ),
        )

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """Its sheets, with their visuals if the definition was read."""
        if self.current:
            return self.current.sheets
        return self.version.sheets if self.version else ()


def _sheet_of(sheet: Mapping[str, Any]) -> Sheet:
    return Sheet(
        sheet_id=sheet["SheetId"],
        name=sheet.get("Name") or sheet.get("Title") or "",
        content_type=sheet.get("ContentType"),
        visuals=tuple(_visuals_of(sheet)),
    )


def _visuals_of(sheet: Mapping[str, Any]) -> Iterator[Visual]:
    for each in sheet.get("Visuals", ()):
        for kind, visual in each.items():
            yield Visual(visual_id=visual["VisualId"], title=_title_of(visual), kind=kind)


def _title_of(visual: Mapping[str, Any]) -> str:
    """The title as it is read, "" without one: rich text is XML [? rich-titles]."""
    text = visual.get("Title", {}).get("FormatText", {})
    rich = html.unescape(_TAG.sub("", text.get("RichText", "")))
    return " ".join((text.get("PlainText") or rich).split())


def _parameter_of(kind: str, declared: Mapping[str, Any]) -> Parameter:
    given = declared.get("DefaultValues", {})
    return Parameter(
        name=declared["Name"],
        kind=kind,
        takes_several=declared.get("ParameterValueType") == "MULTI_VALUED",
        defaults=tuple(map(_plain, given.get("StaticValues", ()))),
        default_is_dynamic=bool(given.get("DynamicValue") or given.get("RollingDate")),
    )


def _plain(value: str | int | float | datetime) -> str | int | float:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
