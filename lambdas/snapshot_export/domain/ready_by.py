"""ReadyBy: a schedule says when its work should be done, and its start is found from that.

Each day that it names has one moment, the same time of the day in its zone. A start belongs to the
first moment after it: the earliest start lies at most MAX_MINUTES before its moment, which is less
than the time between two, so wherever a start is moved to, it belongs to the same moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from snapshot_export.domain.shape import Shape, rule

MAX_MINUTES = 720
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_START = re.compile(r"cron\((\d+) (\d+) \? \* ([A-Z,]+) \*\)")


def _known_day(value: str) -> str:
    if value not in DAYS:
        raise rule(f"must be one of {', '.join(DAYS)}")
    return value


class ReadyByBody(Shape):
    """`ReadyBy` of a schedule: a time of the day, in the schedule's time zone.

    The start is never earlier than EarliestMinutesBefore it, and never later than
    LatestMinutesBefore. ExpectedRecipients is how many a burst from a manifest is taken to have
    until one was seen.
    """

    Time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        description="of the day, in the schedule's time zone"
    )
    Days: Annotated[
        list[Annotated[str, AfterValidator(_known_day)]],
        Field(min_length=1, max_length=7, default_factory=lambda: list(DAYS)),
    ]
    EarliestMinutesBefore: Annotated[int, Field(ge=1, le=MAX_MINUTES)] = 240
    LatestMinutesBefore: Annotated[int, Field(ge=1, le=MAX_MINUTES)] = 15
    ExpectedRecipients: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _earliest_first(self) -> Self:
        if self.EarliestMinutesBefore < self.LatestMinutesBefore:
            raise rule("EarliestMinutesBefore must be at least LatestMinutesBefore")
        return self


@dataclass(frozen=True, kw_only=True)
class ReadyBy:
    """When a schedule's work should be done: `at`, in `zone`, on `days` (MON to SUN)."""

    at: time
    days: tuple[str, ...]
    zone: str
    earliest: timedelta
    latest: timedelta
    expected_recipients: int | None = None

    @classmethod
    def of(cls, body: ReadyByBody, zone: str) -> ReadyBy:
        """From a checked body."""
        return cls(
            at=time.fromisoformat(body.Time),
            days=tuple(day for day in DAYS if day in body.Days),
            zone=zone,
            earliest=timedelta(minutes=body.EarliestMinutesBefore),
            latest=timedelta(minutes=body.LatestMinutesBefore),
            expected_recipients=body.ExpectedRecipients,
        )

    @property
    def members(self) -> dict[str, Any]:
        """The body again, as messages and answers carry it."""
        return {
            "Time": f"{self.at:%H:%M}",
            "Days": list(self.days),
            "EarliestMinutesBefore": self.earliest // timedelta(minutes=1),
            "LatestMinutesBefore": self.latest // timedelta(minutes=1),
            "ExpectedRecipients": self.expected_recipients,
        }

    def is_day(self, day: date) -> bool:
        """Whether the day, in the zone, has a moment."""
        return DAYS[day.weekday()] in self.days

    def moment_after(self, start: datetime) -> datetime:
        """The first moment later than `start`, in UTC."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        while True:
            moment = datetime.combine(day, self.at, zone).astimezone(UTC)
            if moment > start and self.is_day(day):
                return moment
            day += timedelta(days=1)

    def moments_before(self, moment: datetime, count: int) -> list[datetime]:
        """The `count` moments before one, the latest first."""
        found: list[datetime] = []
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        while len(found) < count:
            day -= timedelta(days=1)
            if self.is_day(day):
                begin = datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)
                found.append(self.moment_after(begin - timedelta(microseconds=1)))
        return found

    def start_for(self, moment: datetime, wanted: datetime | None) -> datetime:
        """The start for a moment: the one wanted, within its bounds, to the minute before.

        None stands for a start as early as it may be.
        """
        earliest, latest = moment - self.earliest, moment - self.latest
        start = earliest if wanted is None else min(max(wanted, earliest), latest)
        return start.replace(second=0, microsecond=0)

    def expression_for(self, start: datetime) -> str:
        """The Scheduler's expression of this start, every day, in the zone."""
        zone = ZoneInfo(self.zone)
        local, moment = start.astimezone(zone), self.moment_after(start).astimezone(zone)
        shift = (moment.date() - local.date()).days
        days = sorted((DAYS.index(day) - shift) % 7 for day in self.days)
        names = ",".join(DAYS[day] for day in days)
        return f"cron({local.minute} {local.hour} ? * {names} *)"

    def start_in(self, expression: str, moment: datetime) -> datetime | None:
        """The start that an expression of `expression_for` has for a moment, if it has one."""
        match = _START.fullmatch(expression)
        if match is None:
            return None
        zone = ZoneInfo(self.zone)
        at = time(int(match[2]), int(match[1]))
        for days in (0, 1):
            day = moment.astimezone(zone).date() - timedelta(days=days)
            start = datetime.combine(day, at, zone).astimezone(UTC)
            fits = DAYS[day.weekday()] in match[3].split(",")
            if fits and moment - self.earliest <= start < moment:
                return start
        return None
