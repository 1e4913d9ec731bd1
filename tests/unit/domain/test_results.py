"""Files of a result are told by what it echoes, wherever they stand in it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.export import ErrorInfo
from snapshot_export.domain.parts import selections_of, split_file_groups
from snapshot_export.domain.results import (
    FileOutcome,
    FileSelection,
    ResultGroup,
    ResultMismatchError,
    match_results,
)
from tests.support.messages import pdf_group, visuals_group

PDF = FileSelection.of(pdf_group()["Files"][0])
BOOK = FileSelection.of(visuals_group("EXCEL", "a", "b")["Files"][0])
LINES = FileSelection.of(visuals_group("CSV", "lines")["Files"][0])
TOTALS = FileSelection.of(visuals_group("CSV", "totals")["Files"][0])
ASKED = {0: PDF, 2: LINES, 3: TOTALS}

identifiers = st.text("ab", min_size=1, max_size=3)
csvs = st.builds(lambda visual, sheet: visuals_group("CSV", visual, sheet=sheet), identifiers,
                 identifiers)  # fmt: skip
books = st.builds(lambda visuals: visuals_group("EXCEL", *visuals), st.lists(identifiers,
                  min_size=1, max_size=5))  # fmt: skip
requests = st.lists(
    st.one_of(csvs, books, st.builds(pdf_group, identifiers)),
    min_size=1,
    max_size=9,
    unique_by=repr,
)


def group(selection: FileSelection, uri: str | None = None) -> ResultGroup:
    return ResultGroup(files=(selection,), outcomes=(FileOutcome(uri=uri or f"s3://{selection}"),))


def echo_of(file: dict[str, Any], source: random.Random) -> dict[str, Any]:
    """The file as a service may echo it: lists in another order."""
    sheets = [
        each | ({"VisualIds": shuffled(each["VisualIds"], source)} if "VisualIds" in each else {})
        for each in file["SheetSelections"]
    ]
    return file | {"SheetSelections": shuffled(sheets, source)}


def shuffled(items: list[Any], source: random.Random) -> list[Any]:
    return source.sample(items, len(items))


@given(requests, st.randoms(use_true_random=False))
def test_in_any_order_each_file_of_each_part_gets_its_own_result(
    groups: list[dict[str, Any]], source: random.Random
) -> None:
    snapshot = {"SnapshotConfiguration": {"FileGroups": groups}}
    selections = selections_of(snapshot)
    for part in split_file_groups(tuple(each.format for each in selections)):
        answer = [
            ResultGroup(
                files=(FileSelection.of(echo_of(groups[position]["Files"][0], source)),),
                outcomes=(FileOutcome(uri=f"s3://b/{position}"),),
            )
            for position in shuffled([*part], source)
        ]
        found = match_results({position: selections[position] for position in part}, answer)
        assert {position: each.uri for position, each in found.items()} == {
            position: f"s3://b/{position}" for position in part
        }
        assert [*found] == [*part]


@given(st.lists(st.sampled_from([PDF, BOOK, LINES, TOTALS]), max_size=6))
def test_every_other_list_of_files_is_refused_or_told_as_missing(echoed: list[Any]) -> None:
    answer = [group(selection, f"s3://{n}") for n, selection in enumerate(echoed)]
    strange = BOOK in echoed or len(set(echoed)) != len(echoed)
    if strange:
        with pytest.raises(ResultMismatchError):
            match_results(ASKED, answer)
        return
    for position, outcome in match_results(ASKED, answer).items():
        if ASKED[position] in echoed:
            assert outcome.uri == f"s3://{echoed.index(ASKED[position])}"
        else:
            assert outcome.error and outcome.error.code == "NO_FILE"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([group(LINES), group(LINES)], "result 2 of 2 is a file that another result is already"),
        ([group(BOOK)], "result 1 of 1 is no file that was asked for"),
        ([ResultGroup(files=(), outcomes=())], "result 1 of 1 names 0 files instead of one"),
        (
            [ResultGroup(files=(PDF, LINES), outcomes=(FileOutcome(uri="s3://a"),) * 2)],
            "result 1 of 1 names 2 files instead of one",
        ),
        (
            [ResultGroup(files=(LINES,), outcomes=(FileOutcome(uri="s3://a"),) * 2)],
            "file 2 (CSV) has 2 results instead of one",
        ),
    ],
)
def test_the_reason_says_which_file_and_shows_no_value(
    answer: list[ResultGroup], text: str
) -> None:
    with pytest.raises(ResultMismatchError) as caught:
        match_results(ASKED, answer)
    assert str(caught.value) == text


def test_a_result_without_an_address_is_a_missing_file_and_its_error_stays() -> None:
    denied = ErrorInfo("CAPABILITY_RESTRICTED", "no CSV")
    answer = [
        ResultGroup(files=(PDF,), outcomes=()),
        ResultGroup(files=(LINES,), outcomes=(FileOutcome(error=denied),)),
        ResultGroup(files=(TOTALS,), outcomes=(FileOutcome(),)),
    ]
    found = match_results(ASKED, answer)
    codes = {position: each.error and each.error.code for position, each in found.items()}
    assert codes == {0: "NO_FILE", 2: "CAPABILITY_RESTRICTED", 3: "NO_FILE"}


def test_the_same_file_twice_in_a_request_of_an_older_version_takes_both_results() -> None:
    answer = [group(LINES, "s3://one"), group(PDF), group(LINES, "s3://two")]
    found = match_results({0: LINES, 1: PDF, 2: LINES}, answer)
    assert (found[0].uri, found[2].uri) == ("s3://one", "s3://two")
    with pytest.raises(ResultMismatchError):
        match_results({0: LINES, 1: PDF, 2: LINES}, [*answer, group(LINES)])


def test_visuals_named_beside_all_of_them_make_no_other_file() -> None:
    file = pdf_group()["Files"][0]
    (sheet,) = file["SheetSelections"]
    assert FileSelection.of(file | {"SheetSelections": [sheet | {"VisualIds": []}]}) == PDF
    assert FileSelection.of(file | {"SheetSelections": [sheet | {"VisualIds": ["kpi"]}]}) == PDF
