"""Our validation has exactly the members, bounds, patterns and enums of botocore's model."""

from __future__ import annotations

import types
import typing
from typing import Any

import annotated_types
import botocore.session
import pytest
from botocore.model import ListShape, Shape, StringShape, StructureShape
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from snapshot_export.domain import request as envelope
from snapshot_export.domain import snapshot_request as ours
from snapshot_export.domain.formats import MAX_FILE_GROUPS

OPERATION = "StartDashboardSnapshotJob"
WIDER = {"SnapshotConfiguration.FileGroups": {"max": MAX_FILE_GROUPS}}
"""Requests with more files than one job makes are split."""
DECLARED = {
    f"SnapshotConfiguration.Parameters.{kind}Parameters[].Name": f"{kind}ParameterDeclaration"
    for kind in ("String", "Integer", "Decimal", "DateTime")
}
"""Names that are held to what the model says of their declaration in a dashboard."""
STRICTER = {
    # The documentation: exactly one; the model leaves the member optional.
    "SnapshotConfiguration.FileGroups[].Files": "required",
    # Anonymous users; registered users are another way in.
    "UserConfiguration": "required",
    "UserConfiguration.AnonymousUsers": "required",
}


LOOSER = {"SnapshotConfiguration.FileGroups"}
"""Not required of a request that has a Merge, which makes them."""


def input_shape() -> StructureShape:
    model = botocore.session.get_session().get_service_model("quicksight")
    shape = model.operation_model(OPERATION).input_shape
    assert isinstance(shape, StructureShape)
    return shape


def bounds_of(annotation: Any) -> dict[str, Any]:
    """min, max and pattern that an annotation carries, nested Annotated included."""
    found: dict[str, Any] = {}
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        found |= bounds_of(inner)
        for item in metadata:
            parts = item.metadata if isinstance(item, FieldInfo) else [item]
            for part in parts:
                if isinstance(part, annotated_types.MinLen):
                    found["min"] = part.min_length
                elif isinstance(part, annotated_types.MaxLen):
                    found["max"] = part.max_length
                elif getattr(part, "pattern", None):
                    found["pattern"] = part.pattern
                elif getattr(part, "func", None) is ours._not_blank:
                    found["pattern"] = "not blank"
    return found


def without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (kept,) = [a for a in typing.get_args(annotation) if a is not type(None)]
        return kept
    return annotation


def inner_type(annotation: Any) -> Any:
    annotation = without_none(annotation)
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = without_none(typing.get_args(annotation)[0])
    return annotation


def declared_name(declaration: str) -> Shape:
    model = botocore.session.get_session().get_service_model("quicksight")
    shape = model.shape_for(declaration)
    assert isinstance(shape, StructureShape)
    return shape.members["Name"]


def expected_pattern(shape: StringShape) -> str | None:
    if getattr(shape, "enum", None):
        return "^(" + "|".join(sorted(shape.enum)) + ")$"
    pattern = shape.metadata.get("pattern")
    known = {
        None: None,
        r"[\w\-]+": r"^[A-Za-z0-9_\-]+$",
        r".*\S.*": "not blank",
        "^[a-zA-Z0-9]+$": "^[a-zA-Z0-9]+$",
    }
    return known[pattern]


def differences(shape: Shape, annotation: Any, place: str) -> list[str]:
    annotation = without_none(annotation)
    if place in DECLARED:
        shape = declared_name(DECLARED[place])
    bounds, kind = bounds_of(annotation), inner_type(annotation)
    found: list[str] = []
    if isinstance(shape, StructureShape):
        assert issubclass(kind, BaseModel), place
        hints = typing.get_type_hints(kind, include_extras=True)
        only_one = shape.members.keys() ^ kind.model_fields.keys()
        found += [f"{place}.{name}: in one of the two only" for name in only_one]
        for name, member in shape.members.items():
            inside = f"{place}.{name}".lstrip(".")
            wanted = name in shape.required_members or STRICTER.get(inside) == "required"
            wanted = wanted and inside not in LOOSER
            if kind.model_fields[name].is_required() != wanted:
                found.append(f"{inside}: required is {not wanted}, should be {wanted}")
            found += differences(member, hints[name], inside)
    elif isinstance(shape, ListShape):
        wanted_bounds = {**shape.metadata, **WIDER.get(place, {})}
        for bound in ("min", "max"):
            if bounds.get(bound) != wanted_bounds.get(bound):
                found.append(f"{place}: {bound} {bounds.get(bound)} != {wanted_bounds.get(bound)}")
        found += differences(shape.member, typing.get_args(kind)[0], f"{place}[]")
    elif isinstance(shape, StringShape):
        pattern = bounds.get("pattern")
        if pattern and pattern.startswith("^("):
            pattern = "^(" + "|".join(sorted(pattern[2:-2].split("|"))) + ")$"
        if pattern != expected_pattern(shape):
            found.append(f"{place}: pattern {pattern} != {expected_pattern(shape)}")
        if not getattr(shape, "enum", None) and pattern != "not blank":
            for bound in ("min", "max"):
                if bounds.get(bound) != shape.metadata.get(bound):
                    found.append(f"{place}: {bound} differs")
    return found


@pytest.mark.parametrize("member", ["UserConfiguration", "SnapshotConfiguration", "DashboardId"])
def test_the_request_mirrors_the_service_model(member: str) -> None:
    hints = typing.get_type_hints(envelope.ExportRequest, include_extras=True)
    assert differences(input_shape().members[member], hints[member], member) == []


def test_every_member_of_the_call_is_known_to_the_envelope() -> None:
    assert set(input_shape().members) <= set(envelope.ExportRequest.model_fields)


def test_quicksight_shows_the_keys_of_tags_only_and_marks_values_as_sensitive() -> None:
    """What docs/who-can-see-what.md says of whoever may describe jobs, and of CloudTrail."""
    model = botocore.session.get_session().get_service_model("quicksight")
    described: Any = model.operation_model("DescribeDashboardSnapshotJob").output_shape
    user = described.members["UserConfiguration"].members["AnonymousUsers"].member
    assert set(user.members) == {"RowLevelPermissionTagKeys"}
    tag: Any = model.shape_for("SessionTag")
    values: Any = model.shape_for("StringParameter")
    assert tag.members["Value"].metadata["sensitive"]
    assert values.members["Values"].member.metadata["sensitive"]
