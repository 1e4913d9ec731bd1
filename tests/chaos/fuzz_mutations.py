"""Requests made wrong: a value replaced, a member renamed, doubled or lost, the text itself broken.

Hostile values are those that parsers, validators and AWS's own encodings trip over. `Literal` is
written into the JSON text as it stands, for numbers and constants that Python's writer cannot
write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Tree = Any
Place = tuple[Any, Any]
_MARK = "@literal@"


def literal(text: str) -> str:
    """A value that `write` puts into the JSON text unquoted."""
    return _MARK + text + _MARK


def write(tree: Tree, *, ascii_only: bool = True) -> str:
    """The JSON text of a tree."""
    text = json.dumps(tree, ensure_ascii=ascii_only)
    return text.replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")


def nested(depth: int, *, as_list: bool = True) -> str:
    """Lists or objects inside one another."""
    if as_list:
        return literal("[" * depth + "]" * depth)
    return literal('{"a":' * depth + "1" + "}" * depth)


HOSTILE: tuple[Tree, ...] = (
    None, True, False, 0, -1, 1, 6, 10, 1.5, -0.0, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400,
    literal("1e999"), literal("-1e999"), literal("1e-999"), literal("NaN"), literal("Infinity"),
    literal("-Infinity"), literal("9" * 5000), literal("1E400"), literal("01"), literal("1."),
    "", " ", "\t\n", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\x7f", "\x1b[31m", "\ufeff",
    "\u2028", "\u202e", "e\u0301", "\U0001f4a9", "\ufffe", "\uffff", "İ", "٣", "x\n", "\nx", "x\r",
    "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "%2e%2e%2f", "%00", "a#b", "a b",
    "EXPORT#other", "ATTEMPT#x", "GATE", "__proto__", "constructor", "$ref", "{0.__class__}",
    "{date:%s}", "{tag:}", "{", "}", "{{}}", "{export", "${x}", "{% $x %}", "<script>", "'; --",
    "other-bucket", "allowed-bucket.evil", "ALLOWED-BUCKET", "s3://other-bucket/key", "arn:aws:s3",
    "s3://other-bucket/manifests/../x", "eu-west-1", "us-east-1 ", "111111111111",
    "a" * 64, "a" * 65, "a" * 512, "a" * 513, "a" * 300_000, "é" * 100_000, "\u20ac" * 50_000,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00Z", "2026-11-23", "2026-11-23T06:00:00",
    "20261123T060000Z", "2026-W48-1", "2026-11-23T24:00:00Z", "1e5", "-1", "now",
    "2026-11-23T06:00:00+23:59", "2026-11-23T06:00:00+25:00", "<aws.scheduler.scheduled-time>",
    "Europe/Berlin/..", "../UTC", "localtime", "posix/UTC", "utc", "Europe", "tzdata.zi",
    "PDF", "pdf", "CSV", "EXCEL", "ALL_VISUALS", "SELECTED_VISUALS", "JSON_LINES",
    [], {}, [[]], [{}], {"": ""}, {"a": {"a": {}}}, [None], [1, "a"], ["a"] * 200, [{}] * 60,
    {"Key": "k", "Value": "v"}, {"S": "x"}, {"\x00": 1}, {"\ud800": 1}, {"a.b[0]": 1}, {"é": 1},
    nested(31), nested(33), nested(400), nested(100_000), nested(20, as_list=False),
    nested(5000, as_list=False),
)  # fmt: skip

NAMES: tuple[str, ...] = (
    "", "a", "exportid", "ExportId", "SnapshotJobId", "Schedule", "Occurrence", "Burst", "Export",
    "BurstId", "Template", "Recipients", "RegisteredUser", "Tags", "Name", "Priority", "Deadline",
    "AwsAccountId", "S3Destinations", "\x00", "\ud800", "é", "a.b", "[0]", "a" * 1000, "__class__",
    "model_config", "DashboardId ", "\uff24ashboardId",
)  # fmt: skip


def places_in(tree: Tree) -> list[Place]:
    """Every place of a tree as (container, key), outermost first."""
    found: list[Place] = []
    waiting = [tree]
    while waiting:
        container = waiting.pop(0)
        keys: Any = ()
        if isinstance(container, dict):
            keys = [*container]
        elif isinstance(container, list):
            keys = range(len(container))
        for key in keys:
            found.append((container, key))
            waiting.append(container[key])
    return found


def copied(tree: Tree) -> Tree:
    """A copy that can be changed."""
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    return [copied(value) for value in tree] if isinstance(tree, list) else tree


@st.composite
def mutated(draw: st.DrawFn, trees: st.SearchStrategy[Tree]) -> Tree:
    """A tree with a few things wrong (or, by chance, still right)."""
    tree = copied(draw(trees))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        places = places_in(tree)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        draw(st.sampled_from(_CHANGES))(draw, container, key)
    return tree


def _replace(draw: st.DrawFn, container: Any, key: Any) -> None:
    container[key] = copied(draw(st.sampled_from(HOSTILE)))


def _remove(_draw: st.DrawFn, container: Any, key: Any) -> None:
    del container[key]


def _wrap(draw: st.DrawFn, container: Any, key: Any) -> None:
    value = container[key]
    container[key] = draw(st.sampled_from([[value], {"a": value}, [value, value], str(value)[:5]]))


def _repeat(draw: st.DrawFn, container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.extend([container[key]] * draw(st.sampled_from([1, 2, 5, 8, 51, 120])))
    else:
        container[draw(st.sampled_from(NAMES))] = copied(container[key])


def _rename(draw: st.DrawFn, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        container[draw(st.sampled_from(NAMES))] = container.pop(key)
    else:
        container[key] = copied(draw(st.sampled_from(HOSTILE)))


def _add(draw: st.DrawFn, container: Any, key: Any) -> None:
    target = container[key] if isinstance(container[key], dict) else container
    if isinstance(target, dict):
        target[draw(st.sampled_from(NAMES))] = copied(draw(st.sampled_from(HOSTILE)))
    else:
        target.append(copied(draw(st.sampled_from(HOSTILE))))


_CHANGES: tuple[Callable[[st.DrawFn, Any, Any], None], ...] = (
    _replace, _replace, _replace, _remove, _wrap, _repeat, _rename, _add,
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text that is cut, doubled, padded or spoilt as a whole."""
    text = draw(texts)
    at = draw(st.integers(0, len(text)))
    kind = draw(st.integers(0, 8))
    match kind:
        case 0:
            return text[:at]
        case 1:
            return (
                text[:at]
                + draw(st.sampled_from(['"', "{", "}", ",", "\\", "\\u0000", "€"]))
                + (text[at:])
            )
        case 2:
            return text + text
        case 3:  # a member twice in one object
            return text.replace("{", '{"DashboardId": "a", "DashboardId": "b", ', 1)
        case 4:
            return text[:-1] + " " * draw(st.sampled_from([262_000, 300_000])) + text[-1:]
        case 5:
            return "\ufeff" + text
        case 6:
            return (
                draw(st.sampled_from(["[", '{"a":', "[{"]))
                * draw(st.sampled_from([30, 1000, 90_000]))
                + text
            )
        case 7:
            return json.dumps(text)
        case _:
            return f"[{text}]"


GARBAGE = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40).map(lambda data: data.decode("latin-1")),
    st.sampled_from(
        ["", " ", "null", "true", "0", "-", "[]", "{}", '""', "NaN", "{}{}", "[{}]", '{"":""}',
         '{"Burst": null}', '{"Schedule": null}', '{"Burst": {}, "a": 1}', "\x00", "\ufffe",
         "x" * 300_000, "{" * 100_000, "[" * 250_000, '{"a":' * 50_000, "9" * 5000, "é" * 200_000]
    ),
)  # fmt: skip
