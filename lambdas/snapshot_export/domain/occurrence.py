"""One occurrence of a schedule: what the Scheduler sends, and the request that it stands for.

The message: `{"Schedule", "Occurrence", "Timezone", "ReadyBy", "Export" or "Burst"}`. The Scheduler
puts the time that the schedule named in the place of `SCHEDULED_TIME`, the same in every delivery,
so the id made from it names the occurrence however often it is delivered. With `ReadyBy` the
occurrence is named and dated after the moment when its work should be done: its start may move.
Source: EventBridge Scheduler user guide, "Adding context attributes"
(`<aws.scheduler.scheduled-time>`, as 2022-03-22T18:59:43Z).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.ready_by import ReadyBy, ReadyByBody
from snapshot_export.domain.schedule_expression import is_zone
from snapshot_export.domain.shape import Shape
from snapshot_export.domain.templates import TemplateError, fill_dates, moment_of

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
SCHEDULE_NAME = r"[A-Za-z0-9_\-]{1,30}"
"""Short enough for the ids of occurrences that are made from it: a burst's has 48 characters."""
ID_MEMBERS = {"Export": ("ExportId", "SnapshotJobId"), "Burst": ("BurstId",)}
"""What a schedule's request may not have: each occurrence has an id of its own."""
_DATED = ("Name", "S3Uri", "QueryString", "Subject", "Text", "Html")
_DATED_PARAMETERS = ("StringParameters", "DateTimeParameters")
_NEVER_DATED = (
    "Tags",
    "UserConfiguration",
    "RowLevelPermissionTags",
    "IntegerParameters",
    "DecimalParameters",
)
_STAMP = "%Y%m%dT%H%M%SZ"
_YEARS = range(1970, 2200)
"""Those of the Scheduler's expressions; a calendar's first and last days exist in no other zone."""

Kind = Literal["Export", "Burst"]


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """A request that a schedule makes. `body` has its dates written out and its id.

    `at` is the time that the schedule named, or with ReadyBy the moment.
    """

    schedule: str
    at: datetime
    kind: Kind
    request_id: str
    body: dict[str, Any]


@contextmanager
def problems_under(member: str) -> Iterator[None]:
    """Name the places of problems as of the whole message: under the request's member."""
    try:
        yield
    except InvalidRequestError as error:
        raise InvalidRequestError(
            tuple(problem.under(member) for problem in error.problems)
        ) from None


class OccurrenceMessage(Shape):
    """What the Scheduler sends for a schedule; only it should."""

    Schedule: Annotated[str, Field(pattern=f"^{SCHEDULE_NAME}$")] = Field(
        description="the schedule's name"
    )
    Occurrence: str = Field(description="the time of the occurrence, as the Scheduler writes it")
    Timezone: str = Field(description="the schedule's, for the dates in names and parameters")
    ReadyBy: ReadyByBody | None = Field(default=None, description="of a schedule that has one")
    Export: dict[str, Any] | None = Field(default=None, description="the schedule's export")
    Burst: dict[str, Any] | None = Field(default=None, description="the schedule's burst")


def message_of(
    schedule: str,
    zone: str,
    kind: Kind,
    body: Mapping[str, Any],
    ready_by: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The message that the Scheduler is to send at each occurrence."""
    message = {"Schedule": schedule, "Occurrence": SCHEDULED_TIME, "Timezone": zone}
    return message | ({"ReadyBy": ready_by} if ready_by else {}) | {kind: body}


def occurrence_id(schedule: str, at: datetime) -> str:
    """The id of the request that a schedule makes at a time, or for a ReadyBy moment."""
    return f"{schedule}-{at.astimezone(UTC).strftime(_STAMP)}"


def read_occurrence(data: Any, *, message_id: str, sent_at: float) -> Occurrence:
    """The request of a schedule's message. Raises InvalidRequestError.

    Where the time was not put in (the embedded Scheduler does not), the message itself is the
    occurrence: its id names it, the time when it was sent (epoch seconds) dates it. Both are the
    same in every delivery of the message.
    """
    message = OccurrenceMessage.checked(data)
    if (message.Export is None) == (message.Burst is None):
        raise InvalidRequestError((Problem("", "must have either Export or Burst"),))
    kind: Kind = "Export" if message.Burst is None else "Burst"
    if not is_zone(message.Timezone):
        raise InvalidRequestError((Problem("Timezone", "must be a time zone"),))
    at = _time_of(message.Occurrence, sent_at)
    deadline: dict[str, Any] = {}
    if message.ReadyBy is not None:
        at = ReadyBy.of(message.ReadyBy, message.Timezone).moment_after(at)
        request_id = occurrence_id(message.Schedule, at)
        deadline = {"Deadline": at.isoformat()}
    else:
        request_id = _id_of(message.Schedule, message.Occurrence, at, message_id)
    moment = moment_of(at.timestamp(), message.Timezone)
    body = with_dates(kind, message.Burst or message.Export or {}, moment) | deadline
    if isinstance(body.get("After"), dict):
        body["After"] = {"Timezone": message.Timezone} | body["After"]
    return Occurrence(
        schedule=message.Schedule,
        at=at,
        kind=kind,
        request_id=request_id,
        body=body | {f"{kind}Id": request_id},
    )


def claimed_occurrence_id(data: Any, *, message_id: str, sent_at: float) -> str | None:
    """The id of the request in a schedule's message that was refused, if it can be known."""
    name, text = data.get("Schedule"), data.get("Occurrence")
    if not (isinstance(name, str) and re.fullmatch(SCHEDULE_NAME, name) and isinstance(text, str)):
        return None
    try:
        at = _time_of(text, sent_at)
        if data.get("ReadyBy") is not None:
            body = ReadyByBody.model_validate(data["ReadyBy"])
            return occurrence_id(name, ReadyBy.of(body, data["Timezone"]).moment_after(at))
        return _id_of(name, text, at, message_id)
    except (InvalidRequestError, ValueError, LookupError, TypeError, OSError):
        return None


def _id_of(schedule: str, occurrence: str, at: datetime, message_id: str) -> str:
    if occurrence == SCHEDULED_TIME:
        return f"{schedule}-{re.sub(r'[^A-Za-z0-9]', '', message_id)[:17]}"
    return occurrence_id(schedule, at)


def _time_of(text: str, sent_at: float) -> datetime:
    if text == SCHEDULED_TIME:
        return datetime.fromtimestamp(sent_at, UTC)
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequestError((Problem("Occurrence", "must be an ISO 8601 time"),)) from None
    if at.year not in _YEARS:
        text = f"must lie between the years {_YEARS[0]} and {_YEARS[-1]}"
        raise InvalidRequestError((Problem("Occurrence", text),))
    return at


def with_dates(kind: Kind, body: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """A request with `{date:...}` written out where schedules may use it.

    In `Name`, in a mail's subject and body, in the values of string and date-time parameters, and
    in a burst's `Manifest.S3Uri` and `Manifest.Athena.QueryString`; in the template and the inline
    recipients of a burst too. All else stays as it is, other braces included. Raises
    InvalidRequestError for a date that is written in a way that is not allowed.
    """
    filled: dict[str, Any] = _fill(dict(body), kind, moment, inside_parameter=False)
    return filled


def _fill(value: Any, place: str, moment: datetime, *, inside_parameter: bool) -> Any:
    if isinstance(value, list):
        return [
            _fill(item, f"{place}[{index}]", moment, inside_parameter=inside_parameter)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    dated = ("Values",) if inside_parameter else _DATED
    filled = {}
    for name, member in value.items():
        here = f"{place}.{name}"
        if name in dated:
            filled[name] = _fill_texts(member, here, moment)
        elif name in _NEVER_DATED:
            filled[name] = member
        else:
            inside = inside_parameter or name in _DATED_PARAMETERS
            filled[name] = _fill(member, here, moment, inside_parameter=inside)
    return filled


def _fill_texts(value: Any, place: str, moment: datetime) -> Any:
    if isinstance(value, list):
        return [_fill_texts(item, f"{place}[{i}]", moment) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return fill_dates(value, moment)
    except TemplateError as error:
        raise InvalidRequestError((Problem(place, str(error)),)) from None
