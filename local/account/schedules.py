"""The embedded Scheduler refuses what EventBridge Scheduler refuses, also through CloudFormation.

Sources: lengths, patterns, bounds and words are those of the service's model in botocore (which
itself checks no patterns and no upper bounds); expressions are the user guide's ("Schedule types");
256 KB of input are a quota ("Quotas for Amazon EventBridge Scheduler"); a StartDate of more than 5
minutes ago is refused in AWS's own words as getmoto/moto pull request 8172 cites them. Of an
EndDate in the past AWS says nothing [? schedule-dates]: it is refused here, so that nothing of ours
depends on the kinder answer. Quotas of rates and numbers (thousands a second, millions) are not
reached and not kept. Upstream's Scheduler ignores time zones: expressions are taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from zoneinfo import available_timezones

import botocore.session

from local.account.patching import require_source, rewritten

_PAST_SECONDS = 300
_MAX_INPUT = 256 * 1024
_AT = re.compile(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)")
_RATE = re.compile(r"rate\([1-9]\d* (minute|hour|day)s?\)")
_FIELD = r"[0-9A-Z*?,/#LW-]+"
_CRON = re.compile(rf"cron\({_FIELD} {_FIELD} {_FIELD} {_FIELD} {_FIELD} {_FIELD}\)")

_MADE = {
    "_sched._create_schedule(name, body)": "_embedded_make_schedule(_sched, name, props | body)"
}
_CHANGED = {
    'for prop in ("ScheduleExpression", "FlexibleTimeWindow", "Target",\n'
    '                 "State", "Description"):\n'
    "        if prop in new_props:\n"
    "            schedule[prop] = new_props[prop]": (
        '_embedded_change_schedule(_sched, physical_id, {**new_props, "GroupName": group})'
    )
}


def refuse_what_aws_refuses(scheduler: Any, provisioners: Any) -> None:
    """Check creations and updates before upstream sees them; a refused resource fails its stack.

    Upstream's CloudFormation leaves zone and dates out, and takes a refusal for a success.
    """
    require_source("_create_schedule", scheduler._create_schedule, "5b205607c15c5c7f")
    require_source("_update_schedule", scheduler._update_schedule, "93f7fec4f7d84d8f")
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, _checked(scheduler, getattr(scheduler, name)))
    made, changed = provisioners._scheduler_schedule_create, provisioners._scheduler_schedule_update
    require_source("_scheduler_schedule_create", made, "76f27cf333eb3f04")
    require_source("_scheduler_schedule_update", changed, "70e0243c9de11d44")
    provisioners._embedded_make_schedule = _make_or_raise
    provisioners._embedded_change_schedule = _change_or_raise
    provisioners._scheduler_schedule_create = rewritten(made, _MADE)
    provisioners._scheduler_schedule_update = rewritten(changed, _CHANGED)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    handlers["create"] = provisioners._scheduler_schedule_create
    handlers["update"] = provisioners._scheduler_schedule_update


def problem_of(name: str, body: Mapping[str, Any], now: float) -> str | None:
    """What AWS says of a CreateSchedule or UpdateSchedule at `now` (epoch seconds), or None."""
    request = {"Name": name} | {key: value for key, value in body.items() if value is not None}
    shape = _model().shape_for("CreateScheduleInput")
    problems = chain(
        _of_model("request", request, shape), _of_meaning(request), _of_dates(request, now)
    )
    return next(problems, None)


def _checked(scheduler: Any, upstream: Callable[..., Any]) -> Callable[..., Any]:
    def call(name: str, body: dict[str, Any]) -> Any:
        if problem := problem_of(name, body, datetime.now(UTC).timestamp()):
            return scheduler._error(400, "ValidationException", problem)
        return upstream(name, body)

    return call


def _make_or_raise(scheduler: Any, name: str, properties: Mapping[str, Any]) -> None:
    _raise_if_refused(scheduler._create_schedule(name, _of_api(properties)))


def _change_or_raise(scheduler: Any, name: str, properties: Mapping[str, Any]) -> None:
    _raise_if_refused(scheduler._update_schedule(name, _of_api(properties)))


def _of_api(properties: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation's properties, whose dates are text, as a request has them."""
    dates = {name: _epoch(properties.get(name)) for name in ("StartDate", "EndDate")}
    return {**properties, **dates}


def _raise_if_refused(answer: tuple[int, Any, bytes]) -> None:
    status, _, body = answer
    if status >= 400:
        raise ValueError(body.decode())


def _model() -> Any:
    return botocore.session.get_session().get_service_model("scheduler")


def _of_model(place: str, value: Any, shape: Any) -> Iterator[str]:
    """Constraints of the service's model; places as AWS names them."""
    failed = f"1 validation error detected: Value at '{place}' failed to satisfy constraint: "
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for member in shape.required_members:
            if value.get(member) is None:
                yield f"{failed}Member {member} must not be null"
        for member, inner in shape.members.items():
            if value.get(member) is not None:
                yield from _of_model(f"{place}.{member}", value[member], inner)
        return
    limits = shape.metadata
    size = len(value) if isinstance(value, str) else value
    if isinstance(size, (int, float)) and shape.type_name in ("string", "integer"):
        low, high = limits.get("min"), limits.get("max")
        if (low is not None and size < low) or (high is not None and size > high):
            yield f"{failed}Member must be between {low} and {high}"
    if isinstance(value, str):
        if "pattern" in limits and not re.fullmatch(_as_python(limits["pattern"]), value):
            yield f"{failed}Member must satisfy regular expression pattern: {limits['pattern']}"
        if (enum := getattr(shape, "enum", None)) and value not in enum:
            yield f"{failed}Member must satisfy enum value set: {enum}"


def _as_python(pattern: str) -> str:
    """Java takes a range as an end of a range in [0-9a-zA-Z-_.] for the character itself."""
    return pattern.replace("Z-_", r"Z\-_")


def _of_meaning(request: Mapping[str, Any]) -> Iterator[str]:
    expression = request["ScheduleExpression"]
    if not any(form.fullmatch(expression) for form in (_AT, _RATE, _CRON)):
        yield f"Invalid Schedule Expression {expression}."
    elif expression.startswith("cron("):
        _, _, day, _, weekday, _ = expression[5:-1].split()
        if (day == "?") == (weekday == "?"):
            yield f"Invalid Schedule Expression {expression}."
    if request.get("ScheduleExpressionTimezone", "UTC") not in _zones():
        yield "Invalid ScheduleExpressionTimezone."
    window = request["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and not window.get("MaximumWindowInMinutes"):
        yield "MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE."
    if len(str(request["Target"].get("Input", "")).encode()) > _MAX_INPUT:
        yield "Target input must not exceed 256 KB."


def _of_dates(request: Mapping[str, Any], now: float) -> Iterator[str]:
    """StartDate and EndDate are ignored for one-time schedules (API reference)."""
    if request["ScheduleExpression"].startswith("at("):
        return
    start, end = (_epoch(request.get(member)) for member in ("StartDate", "EndDate"))
    if start is not None and start < now - _PAST_SECONDS:
        yield "The StartDate you specify cannot be earlier than 5 minutes ago."
    if end is not None and end <= max(now, start or now):
        yield "The EndDate you specify must be later than the StartDate, and than now."


def _zones() -> frozenset[str]:
    return frozenset({"UTC", *available_timezones()})


def _epoch(moment: Any) -> float | None:
    if isinstance(moment, str):
        found = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None if moment is None else float(moment)
