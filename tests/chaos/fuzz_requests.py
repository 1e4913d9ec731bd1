"""Requests as QuickSight's service model allows them, with the rules of the documentation's text.

Made by walking the input shape of StartDashboardSnapshotJob in botocore's own model, so that a
member or a bound that AWS adds is tried without a change here. Values of tags and parameters begin
with SECRET: the oracle looks for it where it must not be.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, Shape, StringShape, StructureShape
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from local.quicksight.service_model import START, load_operations
from snapshot_export.domain.visible_text import hidden_rule

SECRET = "S3CRET-"
ALLOWED_BUCKET = "allowed-bucket"
REGION = "us-east-1"
ACCOUNT = "000000000000"
WORD = string.ascii_letters + string.digits + "_-"
Tree = Any
_BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
_LINE = _TEXT.filter(lambda text: len(text.splitlines()) < 2 and not text.endswith(_BREAKS))
_VISIBLE = _LINE.filter(lambda text: hidden_rule("x" + text) is None)
_WORDS = st.text(WORD, min_size=1, max_size=6)
_MAX_OF_A_LIST = 3
_KINDS = ("StringParameters", "IntegerParameters", "DecimalParameters", "DateTimeParameters")
_ONCE = dict.fromkeys(_KINDS, "Name") | {"RowLevelPermissionTags": "Key"}
"""Lists of which no two items may have the same of a member."""
_INT64 = 2**63
_TIMES = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.integers(-1_000_000_000, 100_000_000_000),
)


def start_shape() -> StructureShape:
    """The input of StartDashboardSnapshotJob."""
    shape = load_operations()[START].input_shape
    assert isinstance(shape, StructureShape)
    return shape


def of_shape(shape: Shape, name: str = "") -> SearchStrategy[Tree]:
    """Values that the model allows; where the text has further rules, by those."""
    if name in _BY_TEXT:
        return _BY_TEXT[name]
    if isinstance(shape, StructureShape) and name == "Parameters":
        return st.fixed_dictionaries(
            {},
            optional={
                kind: of_shape(shape.members[kind], kind).map(_with_names_of(kind))
                for kind in _KINDS
            },
        )
    if isinstance(shape, StructureShape):
        members = {key: of_shape(member, key) for key, member in shape.members.items()}
        required = {key: members[key] for key in shape.required_members}
        optional = {key: members[key] for key in members if key not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        least = shape.metadata.get("min", 0)
        most = min(shape.metadata.get("max", _MAX_OF_A_LIST), max(least, _MAX_OF_A_LIST))
        member = of_shape(shape.member, f"{name}[]")
        once = _ONCE.get(name)
        unique = (lambda item: item[once]) if once else None
        return st.lists(member, min_size=least, max_size=most, unique_by=unique)
    if isinstance(shape, StringShape):
        return st.sampled_from(shape.enum) if shape.enum else _texts(shape, name)
    return {
        "long": st.integers(-_INT64, _INT64 - 1),
        "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "timestamp": _TIMES,
    }[shape.type_name]


def _with_names_of(kind: str) -> Callable[[list[Tree]], list[Tree]]:
    """Gives parameters names that none of another kind has, in the template or a recipient."""
    return lambda named: [each | {"Name": kind[:2] + each["Name"]} for each in named]


def _texts(shape: StringShape, name: str) -> SearchStrategy[str]:
    if shape.metadata.get("pattern") == r"[\w\-]+":
        return _WORDS
    if name in ("Key", "Value"):
        return _VISIBLE.map(lambda text: ("k" if name == "Key" else SECRET) + text)
    if name == "Name":
        return st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
    if name == "Values[]":
        return _TEXT.map(lambda text: SECRET + text)
    return _LINE.map(lambda text: "x" + text)


def _sheets(scope: str, most: int, visuals: int) -> SearchStrategy[list[Tree]]:
    """Sheet selections of a file, of `visuals` visuals at most in all."""
    selection: dict[str, SearchStrategy[Tree]]
    selection = {"SheetId": _WORDS, "SelectionScope": st.just(scope)}
    if visuals:
        selection["VisualIds"] = st.lists(_WORDS, min_size=1, max_size=max(1, visuals // most))
    return st.lists(st.fixed_dictionaries(selection), min_size=1, max_size=most)


def _file(kind: str, sheets: SearchStrategy[list[Tree]]) -> SearchStrategy[Tree]:
    file = st.fixed_dictionaries({"FormatType": st.just(kind), "SheetSelections": sheets})
    return st.fixed_dictionaries({"Files": st.tuples(file).map(list)})


_GROUPS = st.lists(
    st.one_of(
        _file("PDF", _sheets("ALL_VISUALS", 1, 0)),
        _file("CSV", _sheets("SELECTED_VISUALS", 1, 1)),
        _file("EXCEL", _sheets("SELECTED_VISUALS", 2, 5)),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda group: json.dumps(group, sort_keys=True),
)
_BUCKET = st.fixed_dictionaries(
    {
        "BucketName": st.just(ALLOWED_BUCKET),
        "BucketPrefix": _LINE.map(lambda text: "p" + text),
        "BucketRegion": st.just(REGION),
    }
)
_BY_TEXT: dict[str, SearchStrategy[Tree]] = {
    "AwsAccountId": st.just(ACCOUNT),
    "FileGroups": _GROUPS,
    "BucketConfiguration": _BUCKET,
}
_START: Any = start_shape()
_PARAMETERS = of_shape(_START.members["SnapshotConfiguration"].members["Parameters"], "Parameters")
_USER = of_shape(_START.members["UserConfiguration"].members["AnonymousUsers"].member)
_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))
_DEADLINE = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())


def _exports(*, with_ids: bool) -> SearchStrategy[Tree]:
    required = {
        "DashboardId": _WORDS,
        "UserConfiguration": st.fixed_dictionaries({"AnonymousUsers": st.tuples(_USER).map(list)}),
        "SnapshotConfiguration": of_shape(_START.members["SnapshotConfiguration"]),
    }
    optional: dict[str, SearchStrategy[Tree]] = {
        "Priority": st.integers(1, 9),
        "Deadline": _DEADLINE.filter(_in_calendar),
        "Name": _WORDS | st.sampled_from(["{export}/{number}", "{date:%Y}/{sheet}-{format}"]),
        "Tags": st.dictionaries(_WORDS, _TEXT, max_size=2),
        "AwsAccountId": st.just(ACCOUNT),
    }
    if with_ids:
        optional |= {"ExportId": _WORDS, "SnapshotJobId": _WORDS}
    return st.fixed_dictionaries(required, optional=optional)


def _in_calendar(text: str) -> bool:
    """Not in the first or last days of the calendar, which no zone's time holds in UTC."""
    return not text.startswith(("0001-01-01", "9999-12-31"))


def exports() -> SearchStrategy[Tree]:
    """Bodies that the intake has no reason to refuse."""
    return _exports(with_ids=True)


@st.composite
def bursts(draw: st.DrawFn, *, with_ids: bool = True) -> Tree:
    """Bursts of a few inline recipients: `{"Burst": {...}}`."""
    recipient = st.fixed_dictionaries(
        {"RowLevelPermissionTags": st.just([{"Key": "k", "Value": SECRET + "r"}])},
        optional={
            "RecipientId": _WORDS,
            "Parameters": _PARAMETERS,
            "Tags": st.dictionaries(_WORDS, _TEXT, max_size=1),
        },
    )
    burst = {
        "Template": draw(_exports(with_ids=False)),
        "Recipients": draw(st.lists(recipient, min_size=1, max_size=3)),
    }
    if with_ids and draw(st.booleans()):
        burst["BurstId"] = draw(_WORDS)
    return {"Burst": burst}


@st.composite
def occurrences(draw: st.DrawFn) -> Tree:
    """What the Scheduler sends."""
    request = draw(
        _exports(with_ids=False).map(lambda body: {"Export": body}) | bursts(with_ids=False)
    )
    return {
        "Schedule": draw(_WORDS),
        "Occurrence": draw(
            st.sampled_from(["<aws.scheduler.scheduled-time>", "2026-11-23T06:00:00Z"])
            | _MOMENTS.map(lambda moment: moment.isoformat() + "Z")
        ),
        "Timezone": draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])),
        **request,
    }
