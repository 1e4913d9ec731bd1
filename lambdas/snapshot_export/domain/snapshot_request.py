"""QuickSight's own part of a request, checked before QuickSight sees it.

Mirrors the input of StartDashboardSnapshotJob in the service model quicksight/2018-04-01 (members,
lengths, patterns, enums; tests/contract compares the two) and adds the rules that only the
documentation's text gives (per format). Unknown members are refused: a misspelt member would
otherwise be dropped silently. What can show one customer another's rows is refused besides: tags
with characters that cannot be seen, and a tag or a parameter that is given twice, of which nobody
says which one counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from snapshot_export.domain.formats import MAX_FILE_GROUPS, Format
from snapshot_export.domain.shape import Shape, rule
from snapshot_export.domain.visible_text import hidden_rule

MAX_EXCEL_VISUALS = 5
MAX_SHOWN_REPEATS = 5
INT64_MAX = 2**63 - 1
_ONE_LINE = re.compile("[^\n\r\u0085\u2028\u2029]*")


def _not_blank(value: str) -> str:
    """The model's pattern `.*\\S.*`, which a text of several lines does not match as a whole."""
    if not value.strip():
        raise rule("must not be blank")
    if not _ONE_LINE.fullmatch(value):
        raise rule("must not hold line breaks")
    return value


def _as_it_looks(value: str) -> str:
    if broken := hidden_rule(value):
        raise rule(broken)
    return value


def _timestamp(value: object) -> str:
    """ISO 8601 text or epoch seconds, as ISO 8601 in UTC. Without an offset it is UTC."""
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise rule("must be an ISO 8601 time or epoch seconds") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise rule("must lie between the years 1 and 9999") from None


def _integer(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise rule("must be a whole number")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rule("must be a number")
    return value


ResourceId = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_\-]+$")]
NonBlank = Annotated[str, Field(min_length=1), AfterValidator(_not_blank)]
ParameterName = Annotated[str, Field(min_length=1, max_length=2048, pattern="^[a-zA-Z0-9]+$")]
"""As StringParameterDeclaration and its like name the parameters of a dashboard. The request's own
members only ask for text that is not blank; no parameter has another name [? parameter-names]."""
Long = Annotated[int, BeforeValidator(_integer), Field(ge=-INT64_MAX - 1, le=INT64_MAX)]
Double = Annotated[float, BeforeValidator(_decimal), Field(allow_inf_nan=False)]
Timestamp = Annotated[str, BeforeValidator(_timestamp)]


class SessionTag(Shape):
    """One row-level-security tag: nothing blank, padded or invisible in it."""

    Key: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_as_it_looks)]
    Value: Annotated[
        str, Field(min_length=1, max_length=256, repr=False), AfterValidator(_as_it_looks)
    ]


def _each_key_once(tags: list[SessionTag]) -> list[SessionTag]:
    seen: dict[str, int] = {}
    for index, tag in enumerate(tags):
        first = seen.setdefault(tag.Key, index)
        if first != index:
            raise rule(f"must give each Key once: [{index}] has the Key of [{first}]")
    return tags


SessionTags = Annotated[
    list[SessionTag], Field(min_length=1, max_length=50), AfterValidator(_each_key_once)
]


class SnapshotAnonymousUser(Shape):
    """The anonymous user; without tags `{}`."""

    RowLevelPermissionTags: SessionTags | None = None


class SnapshotUserConfiguration(Shape):
    """For whom the snapshot is made."""

    AnonymousUsers: Annotated[list[SnapshotAnonymousUser], Field(min_length=1, max_length=1)]


class SheetSelection(Shape):
    """A sheet and which of its visuals."""

    SheetId: ResourceId
    SelectionScope: Annotated[str, Field(pattern="^(ALL_VISUALS|SELECTED_VISUALS)$")]
    VisualIds: Annotated[list[ResourceId], Field(min_length=1, max_length=5)] | None = None


class SnapshotFile(Shape):
    """One file, and the documentation's rules for its format."""

    SheetSelections: Annotated[list[SheetSelection], Field(min_length=1, max_length=5)]
    FormatType: Annotated[str, Field(pattern="^(CSV|PDF|EXCEL)$")]

    @model_validator(mode="after")
    def _format_rules(self) -> Self:
        visuals = sum(len(sheet.VisualIds or ()) for sheet in self.SheetSelections)
        if self.FormatType == Format.PDF:
            if len(self.SheetSelections) != 1:
                raise rule(
                    "a PDF takes exactly 1 SheetSelection: "
                    "ask for one PDF for each sheet, each in a FileGroup of its own, or for a Merge"
                )
            if self.SheetSelections[0].SelectionScope != "ALL_VISUALS":
                raise rule("a PDF takes SelectionScope ALL_VISUALS")
            return self
        for sheet in self.SheetSelections:
            if sheet.SelectionScope != "SELECTED_VISUALS" or not sheet.VisualIds:
                raise rule(
                    f"{self.FormatType} takes SelectionScope SELECTED_VISUALS with VisualIds"
                )
        if self.FormatType == Format.CSV and visuals != 1:
            raise rule("a CSV takes exactly 1 visual")
        if self.FormatType == Format.EXCEL and visuals > MAX_EXCEL_VISUALS:
            raise rule(f"an EXCEL file takes at most {MAX_EXCEL_VISUALS} visuals over all sheets")
        return self


class FileGroup(Shape):
    """Exactly one file."""

    Files: Annotated[list[SnapshotFile], Field(min_length=1, max_length=1)]


class S3BucketConfiguration(Shape):
    """Where in S3; the bucket must be in the region of the call."""

    BucketName: NonBlank
    BucketPrefix: NonBlank
    BucketRegion: NonBlank


class S3Destination(Shape):
    """One destination."""

    BucketConfiguration: S3BucketConfiguration


class SnapshotDestinationConfiguration(Shape):
    """Empty means: no S3 destination, QuickSight answers with expiring https addresses."""

    S3Destinations: Annotated[list[S3Destination], Field(min_length=1, max_length=1)] | None = None


class StringParameter(Shape):
    """Values of one string parameter of the dashboard."""

    Name: ParameterName
    Values: Annotated[list[str], Field(repr=False)]


class IntegerParameter(Shape):
    """Values of one 64-bit integer parameter."""

    Name: ParameterName
    Values: Annotated[list[Long], Field(repr=False)]


class DecimalParameter(Shape):
    """Values of one double parameter; finite."""

    Name: ParameterName
    Values: Annotated[list[Double], Field(repr=False)]


class DateTimeParameter(Shape):
    """Values of one time parameter."""

    Name: ParameterName
    Values: Annotated[list[Timestamp], Field(repr=False)]


class SnapshotParameters(Shape):
    """The four kinds, up to 100 of each; a name stands once in all of them."""

    StringParameters: Annotated[list[StringParameter], Field(max_length=100)] | None = None
    IntegerParameters: Annotated[list[IntegerParameter], Field(max_length=100)] | None = None
    DecimalParameters: Annotated[list[DecimalParameter], Field(max_length=100)] | None = None
    DateTimeParameters: Annotated[list[DateTimeParameter], Field(max_length=100)] | None = None

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        seen: dict[str, str] = {}
        for kind in type(self).model_fields:
            for index, parameter in enumerate(getattr(self, kind) or ()):
                place = f"{kind}[{index}]"
                first = seen.setdefault(parameter.Name, place)
                if first != place:
                    raise rule(f"must give each Name once: {place} has the Name of {first}")
        return self


def _each_file_once(groups: list[FileGroup]) -> list[FileGroup]:
    """The result of a job echoes what was asked, and only that tells its files apart."""
    first: dict[str, int] = {}
    repeated = []
    for index, group in enumerate(groups):
        known = first.setdefault(group.model_dump_json(), index)
        if known != index:
            repeated.append(f"[{index}] is [{known}] again")
    if repeated:
        shown = "; ".join(repeated[:MAX_SHOWN_REPEATS])
        raise rule(f"must name each file once (format, sheets and visuals): {shown}")
    return groups


class SnapshotConfiguration(Shape):
    """What to make and where to put it."""

    FileGroups: (
        Annotated[
            list[FileGroup],
            Field(min_length=1, max_length=MAX_FILE_GROUPS),
            AfterValidator(_each_file_once),
        ]
        | None
    ) = Field(default=None, description="required, unless there is a Merge")
    DestinationConfiguration: SnapshotDestinationConfiguration | None = None
    Parameters: SnapshotParameters | None = None


def as_sent(shape: Shape) -> dict[str, Any]:
    """The structure as plain data, without members that were not given."""
    return shape.model_dump(mode="json", exclude_none=True)
