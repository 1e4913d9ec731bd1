"""A start request is refused exactly beyond the bounds of botocore's service model."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.quicksight.service_model import START, load_operations
from tests.contract.quicksight_emulator.support import FULL, Service, code_of


def places(shape: Any, value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, Any]]:
    """Each place of a request: its path, its shape and its value."""
    yield path, shape, value
    if shape.type_name == "structure":
        assert set(value) == set(shape.members), "FULL must hold every member of the model"
        for name, member in shape.members.items():
            yield from places(member, value[name], (*path, name))
    elif shape.type_name == "list":
        yield from places(shape.member, value[0], (*path, 0))


def values_at_bounds(shape: Any, value: Any) -> Iterator[tuple[Any, bool]]:
    """Values just inside and just outside of the shape's bounds, with whether they are valid."""
    kind, bounds = shape.type_name, shape.metadata
    unit = value[:1] if kind in ("list", "string") else None
    if unit is not None and "min" in bounds:
        yield unit * bounds["min"], True
        yield unit * (bounds["min"] - 1), False
    if unit is not None and "max" in bounds:
        yield unit * bounds["max"], True
        yield unit * (bounds["max"] + 1), False
    if pattern := bounds.get("pattern"):
        yield {"[\\w\\-]+": "a_B-9", ".*\\S.*": " x "}.get(pattern, value), True
        yield {"^[0-9]{12}$": "12345678901x"}.get(pattern, " "), False
        yield {"[\\w\\-]+": "\u00e9a"}.get(pattern, " \t "), False
    for choice in shape.enum if kind == "string" else ():
        yield choice, True
        yield choice.lower(), False
    yield {"structure": [], "list": {}, "string": 7}.get(kind, "7"), False


BOUNDS = [
    pytest.param(path, beyond, valid, id=f"{path}-{number}")
    for path, shape, value in places(load_operations()[START].input_shape, FULL)
    for number, (beyond, valid) in enumerate(values_at_bounds(shape, value))
    if path and shape.type_name != "timestamp" and (path[0] != "DashboardId" or beyond != 7)
]


def spell(path: tuple[Any, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


@pytest.mark.parametrize(("path", "value", "valid"), BOUNDS)
def test_a_request_is_refused_exactly_beyond_the_models_bounds(
    service: Service, path: tuple[Any, ...], value: Any, valid: bool
) -> None:
    members = copy.deepcopy(FULL)
    place: Any = members
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    refusals = refusals_of(service, members)
    assert any(text.startswith(f"{spell(path)} must") for text in refusals) is not valid


@pytest.mark.parametrize(
    "path",
    [
        (*path, name)
        for path, shape, _ in places(load_operations()[START].input_shape, FULL)
        if shape.type_name == "structure"
        for name in shape.required_members
        if name not in ("AwsAccountId", "DashboardId")
    ],
    ids=spell,
)
def test_a_required_member_may_not_be_absent(service: Service, path: tuple[Any, ...]) -> None:
    members = copy.deepcopy(FULL)
    place: Any = members
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    assert f"{spell(path)} is required" in refusals_of(service, members)


def refusals_of(service: Service, members: dict[str, Any]) -> list[str]:
    """The violations in the answer; the body is sent as it is, past the client's own types."""
    labels = {name: members.pop(name) for name in ("AwsAccountId", "DashboardId")}
    sent = copy.deepcopy(FULL) | labels

    def replace_body(request: Any, **_: Any) -> None:
        request.data = json.dumps(members).encode()

    event = f"before-sign.quicksight.{START}"
    service.client.meta.events.register(event, replace_body, unique_id="replace-body")
    try:
        error = service.refusal(START, sent)
    finally:
        service.client.meta.events.unregister(event, unique_id="replace-body")
    if error is None or code_of(error) != "InvalidParameterValueException":
        return []
    return str(error.response["Error"]["Message"]).split("; ")
