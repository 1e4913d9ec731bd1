"""What the page shows of one target: the API's answers, each read as often as it is worth its cost.

An answer that cannot be had leaves the one before it in place, and is an error of the reading.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.pool import ThreadPool
from threading import Lock
from typing import Any

from snapshots.api import PAGE, THREADS, Api
from snapshots.errors import CliError, ExitCode
from snapshots.following import has_ended
from snapshots.pace import Pace

WAITING_SHOWN = 50
BURSTS_SHOWN = 12
SINGLES_SHOWN = 12
"""Single exports that are held or wait for data: lists do not say for which, so each is read."""
BEFORE_BACKLOG = ("HELD", "WAITING_FOR_DATA")
FAILURES_OF = timedelta(days=1)
"""Failures are those among what was accepted so long ago at most."""
_AT_ONCE = 1.0
"""Readings that are asked for within so many seconds, as by several tabs, are one."""
_SHORT, _LONG = 2.0, 10.0
_MANY_WAIT = 500
"""From here on what reads the backlog (40 read units for 1000 that wait) is read less often."""
_EVERY_RECENT, _EVERY_SCHEDULES, _EVERY_ENDED = 10.0, 60.0, 600.0
"""Seconds; an ended burst changes no more unless it is retried, which shows by its open work, but
the link to its report works for 900 s only."""


@dataclass
class _Answer:
    """The last answer of a call, when it was asked for last (seconds), and why it has none."""

    value: Any = None
    asked_at: float | None = None
    error: CliError | None = None


@dataclass(frozen=True)
class Reading:
    """A reading as the page gets it; `version` changes when anything but its time has."""

    version: str
    body: bytes


@dataclass
class Reader:
    """Reads a target again and again; may be asked by several threads at once."""

    api: Api
    title: str
    target: str | None = None
    clock: Callable[[], float] = time.monotonic
    _answers: dict[str, _Answer] = field(default_factory=dict)
    _bursts: dict[str, _Answer] = field(default_factory=dict)
    _singles: dict[str, _Answer] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)
    _last: tuple[float, Reading] | None = None
    _lock: Lock = field(default_factory=Lock)

    def read(self) -> Reading:
        """The present reading. Raises nothing of the API's: errors are in the reading."""
        with self._lock:
            if self._last and self.clock() - self._last[0] < _AT_ONCE:
                return self._last[1]
            now = datetime.now(UTC)
            # Not a ThreadPoolExecutor: Ctrl-C would wait for its threads, and so for the API.
            with ThreadPool(THREADS) as pool:
                pool.starmap(self._ask, self._calls(now))
                pool.starmap(self._ask, [*self._calls_of_bursts(), *self._calls_of_singles()])
            reading = self._reading()
            self._last = (self.clock(), reading)
            return reading

    def forget(self) -> None:
        """Read everything anew the next time, as after a change."""
        with self._lock:
            self._last = None
            answers = (self._answers, self._bursts, self._singles)
            for answer in (each for known in answers for each in known.values()):
                answer.asked_at = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The deployment's targets, as far as they are known."""
        capacity = self._value("Capacity") or {}
        return tuple(capacity.get("Targets") or ())

    def _calls(self, now: datetime) -> Iterable[tuple[_Answer, float, Callable[[], Any]]]:
        get, of_target = self.api.get, {"Target": self.target}
        since = (now - FAILURES_OF).isoformat(timespec="seconds").replace("+00:00", "Z")
        failed = {"Status": "FAILED", "From": since, "Limit": PAGE}
        costly = self._costly
        calls: dict[str, tuple[float, Callable[[], Any]]] = {
            "Slots": (_SHORT, lambda: get("slots", query={**of_target, "Limit": WAITING_SHOWN})),
            "Capacity": (costly, lambda: get("capacity", query=of_target)),
            "Forecast": (costly, lambda: get("forecast", query=of_target)),
            "Open": (costly, lambda: get("bursts", query=of_target)),
            "Failures": (2 * _SHORT, lambda: get("exports", query=failed)),
            "Recent": (_EVERY_RECENT, lambda: get("exports", query={"From": since, "Limit": PAGE})),
            "Schedules": (_EVERY_SCHEDULES, self._read_schedules),
            **{name: (_EVERY_RECENT, partial(self._read_status, name)) for name in BEFORE_BACKLOG},
        }
        for name, (period, call) in calls.items():
            yield self._answers.setdefault(name, _Answer()), period, call

    def _calls_of_bursts(self) -> Iterable[tuple[_Answer, float, Callable[[], Any]]]:
        open_ids = {each.get("BurstId") for each in self._open_work()}
        for burst_id in self._burst_ids():
            answer = self._bursts.setdefault(burst_id, _Answer())
            is_known = answer.value is not None and burst_id not in open_ids
            is_over = is_known and has_ended(answer.value)
            period = _EVERY_ENDED if is_over else self._costly
            yield answer, period, partial(self.api.get, "bursts", burst_id)

    def _calls_of_singles(self) -> Iterable[tuple[_Answer, float, Callable[[], Any]]]:
        ids = [each["ExportId"] for each in self._listed_singles()[:SINGLES_SHOWN]]
        self._singles = {each: self._singles.get(each, _Answer()) for each in ids}
        for export_id, answer in self._singles.items():
            yield answer, _EVERY_RECENT, partial(self.api.get, "exports", export_id)

    def _listed_singles(self) -> list[dict[str, Any]]:
        """Those that are held first. A burst waits as one, before it has exports."""
        return [
            each
            for name in BEFORE_BACKLOG
            for each in (self._value(name) or {}).get("Exports", ())
            if not each.get("BurstId")
        ]

    @property
    def _costly(self) -> float:
        waiting = (self._value("Capacity") or {}).get("Waiting", 0)
        return _LONG if waiting >= _MANY_WAIT else _SHORT

    def _ask(self, answer: _Answer, period: float, call: Callable[[], Any]) -> None:
        """Call if it is time to. Polls are not exact: a quarter of the period early is in time."""
        now = self.clock()
        if answer.asked_at is not None and now - answer.asked_at < 0.75 * period:
            return
        answer.asked_at = now
        try:
            answer.value, answer.error = call(), None
        except CliError as error:
            answer.error = error

    def _read_status(self, status: str) -> Any:
        return self.api.get("exports", query={"Status": status, "Limit": PAGE})

    def _read_schedules(self) -> list[dict[str, Any]]:
        pages = self.api.pages("schedules", query={})
        return [schedule for page in pages for schedule in page["Schedules"]]

    def _burst_ids(self) -> list[str]:
        """Bursts that have not ended, and those that are named by what runs, waits, failed or came
        lately. One that nothing names any more is still shown while there is room."""
        named = [
            *self._open_work(),
            *((self._value("Failures") or {}).get("Exports", ())),
            *((self._value("Recent") or {}).get("Exports", ())),
        ]
        found = dict.fromkeys(each["BurstId"] for each in named if each.get("BurstId"))
        return [*(found | dict.fromkeys(self._bursts))][:BURSTS_SHOWN]

    def _open_work(self) -> list[Mapping[str, Any]]:
        """What names open bursts: their list, the forecast, and exports that run, are collected or
        wait."""
        slots, forecast = self._value("Slots") or {}, self._value("Forecast") or {}
        return [
            *(self._value("Open") or {}).get("Bursts", ()),
            *forecast.get("Bursts", ()),
            *(row for name in ("Held", "Collecting", "Waiting") for row in slots.get(name, ())),
        ]

    def _reading(self) -> Reading:
        capacity, failures = self._value("Capacity"), self._value("Failures")
        if capacity:
            self._pace.read(self.clock(), capacity["CompletedLastHour"])
        pace = self._pace.per_second()
        bursts = [self._bursts[burst_id].value for burst_id in self._burst_ids()
                  if burst_id in self._bursts]  # fmt: skip
        shown: dict[str, Any] = {
            "Title": self.title,
            **{name: self._value(name) for name in ("Slots", "Capacity", "Forecast", "Schedules")},
            "Failures": failures and {**failures, "More": bool(failures.get("NextToken"))},
            "Bursts": [burst for burst in bursts if burst],
            **self._shown_singles(),
            "ExportsPerSecond": None if pace is None else round(pace, 4),
            "Errors": self._errors(),
        }
        timeless = {name: _without_time(shown[name]) for name in ("Slots", "Forecast")}
        version = hashlib.sha256(_encode(shown | timeless)).hexdigest()[:32]
        return Reading(version, _encode(shown))

    def _shown_singles(self) -> dict[str, Any]:
        """Those that still wait or are held as they were read, and whether there are more."""
        known = [each.value for each in self._singles.values() if each.value]
        lists = [self._value(name) or {} for name in BEFORE_BACKLOG]
        is_cut = any(each.get("NextToken") for each in lists)
        return {
            "Singles": [each for each in known if each["Status"] in BEFORE_BACKLOG],
            "MoreSingles": is_cut or len(self._listed_singles()) > SINGLES_SHOWN,
        }

    def _value(self, name: str) -> Any:
        return self._answers[name].value if name in self._answers else None

    def _errors(self) -> list[dict[str, Any]]:
        """Each error once, with what is old or missing for it. A burst that is gone is none,
        nor a deployment whose API does not list open ones yet."""
        found: dict[str, dict[str, Any]] = {}
        named = [
            *self._answers.items(),
            *(("Bursts", each) for each in self._bursts.values()),
            *(("Singles", each) for each in self._singles.values()),
        ]
        for name, answer in named:
            error = answer.error
            is_unknown = error is not None and error.exit_code is ExitCode.NOT_FOUND
            if error is None or (name in ("Bursts", "Open", "Singles") and is_unknown):
                continue
            text = "; ".join(error.lines())
            one = found.setdefault(text, {"Code": error.code, "Message": text, "Of": []})
            if name not in one["Of"]:
                one["Of"].append(name)
        return [*found.values()]


def _without_time(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    return answer and {name: value for name, value in answer.items() if name != "At"}


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
