"""After: a request starts once the data of its dashboard is there.

Shape: DataSets ("DASHBOARD", or a list of ids), Since, Until, Timezone, Otherwise, MaxRowsDropped.
A refresh counts if it began at `Since` or later; what is not there by `Until` is done `Otherwise`.

Both are times of the day or durations. Two times of the day belong to one window, on the day of
acceptance, or, where it reaches over midnight, the one that ends next: so a request that comes
before the window waits for it, and one that comes after it is decided at once. A duration counts
from acceptance: back for Since, on for Until. A time that the zone's clocks skip lies behind the
gap; of one that is there twice the first is meant, as with ReadyBy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, Tag, TypeAdapter, ValidationError

from snapshot_export.domain.data_wait import DataWait, Otherwise
from snapshot_export.domain.shape import A_LIST, ONE_WORD, WORD_OR_LIST, Shape, Zone, rule
from snapshot_export.domain.snapshot_request import ResourceId

DASHBOARD = "DASHBOARD"
"""DataSets of those of the dashboard."""
MAX_DATA_SETS = 20
MAX_DURATION = timedelta(days=7)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?)?")
_SECONDS = TypeAdapter(timedelta)


def _moment(value: str) -> str:
    if _TIME.fullmatch(value):
        return value
    length = timedelta()
    if _DURATION.fullmatch(value):
        try:
            length = _SECONDS.validate_python(value)
        except ValidationError:
            length = timedelta()
    if not timedelta() < length <= MAX_DURATION:
        raise rule(
            "must be a time of the day such as 05:00, or a duration of up to 7 days such as PT6H"
        )
    return value


class AfterBody(Shape):
    """`After` of an export or a burst: the data that it waits for."""

    DataSets: Annotated[
        Annotated[Literal["DASHBOARD"], Tag(ONE_WORD)]
        | Annotated[list[ResourceId], Field(min_length=1, max_length=MAX_DATA_SETS), Tag(A_LIST)],
        WORD_OR_LIST,
    ] = Field(
        default="DASHBOARD",
        description="`DASHBOARD`: those of the dashboard as it is published at acceptance; or ids",
    )
    Since: Annotated[str, AfterValidator(_moment)] = Field(
        description="only a refresh that began then or later counts: a time of the day, or a "
        "duration back from acceptance, such as PT6H"
    )
    Until: Annotated[str, AfterValidator(_moment)] = Field(
        description="how long it waits: a time of the day, or a duration from acceptance"
    )
    Otherwise: Literal["FAIL", "SEND", "HOLD"] = Field(
        default="FAIL",
        description="what becomes of it when the data is not there by Until: it fails, is made of "
        "the data that is there and says so, or is held until somebody releases it",
    )
    Timezone: Zone | None = Field(
        default=None,
        description="of the times of the day; else the schedule's, of other requests UTC",
    )
    MaxRowsDropped: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="a refresh that dropped more rows does not count; without it any counts, and "
        "dropped rows are reported",
    )


@dataclass(frozen=True, kw_only=True)
class After:
    """An `After` that was checked. `data_sets` is None for those of the dashboard."""

    data_sets: tuple[str, ...] | None
    since: str
    until: str
    otherwise: Otherwise
    zone: str
    max_rows_dropped: int | None

    @classmethod
    def of(cls, body: AfterBody) -> After:
        """From a checked body."""
        named = None if body.DataSets == DASHBOARD else tuple(dict.fromkeys(body.DataSets))
        return cls(
            data_sets=named,
            since=body.Since,
            until=body.Until,
            otherwise=Otherwise(body.Otherwise),
            zone=body.Timezone or "UTC",
            max_rows_dropped=body.MaxRowsDropped,
        )

    def wait_from(self, accepted_at: float, data_sets: tuple[str, ...]) -> DataWait:
        """What a request that was accepted then (epoch seconds) waits for."""
        accepted = datetime.fromtimestamp(accepted_at, UTC)
        since, until = self.window(accepted)
        return DataWait(
            data_sets=tuple(sorted(data_sets)),
            since=since.timestamp(),
            until=until.timestamp(),
            otherwise=self.otherwise,
            max_rows_dropped=self.max_rows_dropped,
        )

    def window(self, accepted: datetime) -> tuple[datetime, datetime]:
        """Since and Until of a request that was accepted then, to the minute, in UTC."""
        accepted = accepted.replace(second=0, microsecond=0)
        zone = ZoneInfo(self.zone)
        today = accepted.astimezone(zone).date()
        if not _is_time(self.until):
            until = accepted + _length(self.until)
            if not _is_time(self.since):
                return accepted - _length(self.since), until
            return _last_before(accepted, self.since, zone), until
        until = _at(today, self.until, zone)
        over_midnight = _is_time(self.since) and self.since > self.until
        if until <= accepted and (over_midnight or not _is_time(self.since)):
            until = _at(today + timedelta(days=1), self.until, zone)
        if not _is_time(self.since):
            return accepted - _length(self.since), until
        return _last_before(until, self.since, zone), until


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None


def _length(text: str) -> timedelta:
    return _SECONDS.validate_python(text)


def _at(day: date, text: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), zone).astimezone(UTC)


def _last_before(moment: datetime, text: str, zone: ZoneInfo) -> datetime:
    day = moment.astimezone(zone).date()
    found = _at(day, text, zone)
    return found if found <= moment else _at(day - timedelta(days=1), text, zone)
