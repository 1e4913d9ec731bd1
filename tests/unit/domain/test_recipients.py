"""Recipients from records: members, columns, and refusals without values."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from snapshot_export.domain.burst_request import Recipient, body_of
from snapshot_export.domain.manifest_lines import Record
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.recipients import (
    COLUMN_KINDS,
    RecipientIds,
    read_columns,
    recipient_of,
)


def record(text: str | bytes, line: int = 2) -> Record:
    data = text if isinstance(text, bytes) else text.encode()
    return Record(line=line, next_line=line + 1, next_offset=len(data), data=data)


def problems_of(call: Any, *arguments: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as caught:
        call(*arguments)
    return [(problem.place, problem.rule) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("header", "place", "rule"),
    [
        ("RecipientId,customer", "column 2", "is not a column of a manifest"),
        ("tag:", "column 1", "is not a column of a manifest"),
        ("parameter:text:a", "column 1", "is not a column of a manifest"),
        ("parameter:string:My Region", "column 1", "must name a parameter by letters and digits"),
        (
            "parameter:string:R,parameter:integer:R",
            "parameter:integer:R",
            "must be of one kind in all of its columns",
        ),
        ("RecipientId,tag: a", "column 2", "must not begin or end with a space"),
        ("Name,Name", "Name", "must be there once"),
        ("tag:a,tag:a", "tag:a", "must be there once"),
        ('"a', "", "must be a well-formed CSV record"),
        (b"\xff\xfe", "", "must be UTF-8"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header: Any, place: str, rule: str) -> None:
    assert (place, rule) in problems_of(read_columns, record(header, 1))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "1.5"), ("integer", "1_0"), ("integer", "٣"), ("integer", "9" * 30),
        ("integer", "2026.0"), ("integer", "1.234"), ("integer", "1e3"), ("integer", " 1"),
        ("decimal", "nan"), ("decimal", "inf"), ("decimal", "1_0"), ("decimal", "a"),
        ("decimal", "1.234,5"), ("decimal", "1 234"), ("decimal", "1'234.5"), ("decimal", "1,5"),
        ("datetime", "01.11.2026"), ("datetime", "11/01/2026"), ("datetime", "46327"),
        ("datetime", "1793491200"),
    ],
)  # fmt: skip
def test_a_cell_of_another_kind_is_refused_by_its_column(kind: str, cell: str) -> None:
    column = f"parameter:{kind}:Top"
    columns = read_columns(record(column, 1))
    expected = [(column, COLUMN_KINDS[kind].rule)]
    assert problems_of(recipient_of, record(f'"{cell}"'), columns) == expected


def test_every_wrong_cell_of_a_line_is_named_at_once() -> None:
    names = (
        "RecipientId", "Name", "tag:a", "tag:b", "parameter:integer:Year", "parameter:decimal:Min",
        "parameter:datetime:From", "parameter:string:R", "parameter:integer:Big", "tag:c",
    )  # fmt: skip
    columns = read_columns(record(",".join(names), 1))
    line = f'a b,../x," v",,2026.0,"1,5",01.11.2026,ok,{"9" * 19},\u200bx'
    found = problems_of(recipient_of, record(line), columns)
    assert {place for place, _ in found} == {*names} - {"parameter:string:R"}
    assert dict(found)["tag:a"] == "must not begin or end with a space"
    assert dict(found)["tag:b"] == "must not be empty"


def test_an_id_stands_once_in_whatever_case_and_wherever_it_was() -> None:
    columns = read_columns(record("RecipientId,tag:a", 1))
    ids = RecipientIds()
    lines = ["jane@x,1", "bob@x,", "Jane@X,2", ",1", "BOB@x,1", "a b,1", "a b,1", "x", ",1"]
    found = [ids.add(record(text, at), columns) for at, text in enumerate(lines, start=2)]
    rule = "must stand once in a burst, in whatever case: it is that of line"
    told = {at: found[at - 2][0].rule for at in range(2, 11) if found[at - 2]}
    assert told == {4: f"{rule} 2", 6: f"{rule} 3"}
    by_json = RecipientIds()
    for text in ('{"RecipientId": "a"}', "[1]", '"RecipientId"', "{", '{"RecipientId": 1}'):
        assert by_json.add(record(text, 1), None) == ()
    assert by_json.add(record('{"RecipientId": "A"}', 9), None)[0].place == "RecipientId"


def test_a_column_that_is_there_twice_gives_two_values() -> None:
    columns = read_columns(record("parameter:string:R,parameter:string:R", 1))
    found = recipient_of(record("a,b"), columns)
    assert found.Parameters is not None and found.Parameters.StringParameters is not None
    assert found.Parameters.StringParameters[0].Values == ["a", "b"]


@pytest.mark.parametrize("text", ["1", "[]", "{", '{"a": 1}', '{"Name": 1}', '{"Name": "\\u0000"}'])
def test_a_line_that_is_no_recipient_is_refused(text: str) -> None:
    assert problems_of(recipient_of, record(text), None)


def test_tags_replace_parameters_merge_and_labels_are_added() -> None:
    template: dict[str, Any] = {
        "UserConfiguration": {
            "AnonymousUsers": [{"RowLevelPermissionTags": [{"Key": "a", "Value": "1"}]}]
        },
        "Tags": {"x": "1", "y": "1"},
        "SnapshotConfiguration": {
            "FileGroups": [],
            "Parameters": {
                "StringParameters": [
                    {"Name": "Region", "Values": ["North"]},
                    {"Name": "Kind", "Values": ["All"]},
                ]
            },
        },
    }
    own = Recipient.model_validate(
        {
            "RowLevelPermissionTags": [{"Key": "b", "Value": "2"}],
            "Tags": {"y": "2"},
            "Parameters": {
                "StringParameters": [{"Name": "Region", "Values": ["South"]}],
                "IntegerParameters": [{"Name": "Top", "Values": [5]}],
            },
        }
    )
    body = body_of(template, own, same_rows_for_all=False)
    tags = body["UserConfiguration"]["AnonymousUsers"][0]["RowLevelPermissionTags"]
    assert tags == [{"Key": "b", "Value": "2"}]
    assert body["Tags"] == {"x": "1", "y": "2"}
    assert body["SnapshotConfiguration"]["Parameters"] == {
        "StringParameters": [
            {"Name": "Region", "Values": ["South"]},
            {"Name": "Kind", "Values": ["All"]},
        ],
        "IntegerParameters": [{"Name": "Top", "Values": [5]}],
    }
    assert body_of(template, Recipient(), same_rows_for_all=True) == template


ANYBODY: dict[str, Any] = {"UserConfiguration": {"AnonymousUsers": [{}]}}
TAGS = [{"Key": "a", "Value": "1"}]
USERS: list[dict[str, Any]] = [
    {"UserConfiguration": {"AnonymousUsers": [{"RowLevelPermissionTags": TAGS}]}},
    ANYBODY,
    {},
    {"RegisteredUser": {"UserArn": "arn"}},
]


@pytest.mark.parametrize("user", USERS)
def test_a_recipient_without_tags_sees_nobodys_rows_unless_all_see_the_same(
    user: dict[str, Any],
) -> None:
    template = user | {"SnapshotConfiguration": {}}
    refused = [("RowLevelPermissionTags", "is required: a recipient brings its own, unless the "
                "burst says SameRowsForAll")]  # fmt: skip
    assert problems_of(partial(body_of, same_rows_for_all=False), template, Recipient()) == refused
    same = body_of(template, Recipient(), same_rows_for_all=True)
    assert same == template | (user or ANYBODY)


@pytest.mark.parametrize("user", USERS)
def test_where_all_see_the_same_rows_nobody_brings_tags(user: dict[str, Any]) -> None:
    own = Recipient.model_validate({"RowLevelPermissionTags": TAGS})
    refused = [("RowLevelPermissionTags", "must not be given: the burst says SameRowsForAll")]
    assert problems_of(partial(body_of, same_rows_for_all=True), user, own) == refused
