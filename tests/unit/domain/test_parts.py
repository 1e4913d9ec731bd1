"""Requests with more files than one job makes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.formats import MAX_FILES_PER_JOB
from snapshot_export.domain.parts import snapshot_of_part, split_file_groups
from tests.support.messages import message, visuals_group

FORMATS = st.lists(st.sampled_from(["PDF", "EXCEL", "CSV"]), min_size=1, max_size=50)


def test_nine_csvs_are_two_jobs() -> None:
    assert split_file_groups(("CSV",) * 9) == ((0, 1, 2, 3, 4), (5, 6, 7, 8))


@given(FORMATS)
def test_every_file_is_in_one_part_and_no_part_breaks_a_limit(formats: list[str]) -> None:
    parts = split_file_groups(tuple(formats))
    assert sorted(position for part in parts for position in part) == list(range(len(formats)))
    for part in parts:
        counts = Counter(formats[position] for position in part)
        assert all(counts[kind] <= most for kind, most in MAX_FILES_PER_JOB.items())
        assert list(part) == sorted(part)


@given(FORMATS)
def test_there_are_no_more_parts_than_needed(formats: list[str]) -> None:
    counts = Counter(formats)
    needed = max(-(-counts[kind] // most) for kind, most in MAX_FILES_PER_JOB.items())
    assert len(split_file_groups(tuple(formats))) == needed


def test_a_part_is_sent_with_its_own_groups_and_everything_else() -> None:
    groups = [visuals_group("CSV", f"v{n}") for n in range(7)]
    body = message(groups=groups)
    snapshot = {name: body[name] for name in ("UserConfiguration", "SnapshotConfiguration")}
    part = snapshot_of_part(snapshot, 1)
    assert part["SnapshotConfiguration"]["FileGroups"] == groups[5:]
    assert part["UserConfiguration"] == body["UserConfiguration"]
