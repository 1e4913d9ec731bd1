"""Several sheets in one job, where a deployment asks for it: the same file by fewer jobs."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfWriter

from snapshot_export.adapters.s3.merging import merge_pdfs
from snapshot_export.domain.export import Status
from snapshot_export.domain.merge import Merge, expand, kinds_asked
from snapshot_export.domain.parts import formats_of_part, later_parts
from tests.flows.test_merge import ALL, bookmarks, stored, whole
from tests.support.rows import bookmarks_of, customers_in
from tests.support.world import World

SHEETS = [(f"sheet-{number}", f"Sheet {number}") for number in range(1, 8)]


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Up to five sheets in a job, of an account that takes them."""
    settings = replace(world.settings, sheets_per_job=5)
    world.services = replace(world.services, settings=settings)
    takes(world, monkeypatch, 5)
    return world


def takes(world: World, monkeypatch: pytest.MonkeyPatch, sheets: int) -> None:
    account = world.quicksight.emulator._account
    monkeypatch.setattr(account, "settings", replace(account.settings, sheets_per_pdf=sheets))


@pytest.mark.parametrize(
    ("sheets", "jobs", "titles"),
    [
        ([f"part-{number}" for number in range(1, 6)], 1, [f"ملحق #{n}" for n in range(1, 6)]),
        ("ALL", 2, ["All tables & 100 %?, ملحق #1, ملحق #2, ملحق #3, ملحق #4", "ملحق #5"]),
    ],
)
def test_sheets_are_one_pdf_with_a_job_for_five_of_them(
    world: World, sheets: Any, jobs: int, titles: list[str]
) -> None:
    world.send(whole(sheets=sheets, DashboardId="board-pack"))
    world.driver.run()
    export = world.export("whole")
    assert (export.status, len(export.files)) == (Status.COMPLETED, 1)
    assert len(world.ledger()["jobs"]) == jobs
    found, pages = zip(*bookmarks(world, export), strict=True)
    assert list(found) == titles, "a sheet of several pages hides where those behind it begin"
    assert list(pages) == sorted(set(pages))
    assert customers_in(stored(world, export.files[0].uri), "PDF") == {"cust-0001"}


def test_an_account_that_takes_one_sheet_fails_the_export_in_its_own_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes(world, monkeypatch, 1)
    world.send(whole())
    world.driver.run()
    export = world.export("whole")
    assert (export.status, export.files) == (Status.FAILED, ())
    assert export.error is not None and "a PDF takes 1 " in export.error.message


def test_files_of_several_sheets_keep_the_order_and_the_names() -> None:
    snapshot: dict[str, Any] = {"SnapshotConfiguration": {"FileGroups": []}}
    expanded, merge = expand(snapshot, SHEETS, 5)
    groups = expanded["SnapshotConfiguration"]["FileGroups"]
    ids = [[sheet["SheetId"] for sheet in group["Files"][0]["SheetSelections"]] for group in groups]
    assert ids == [[f"sheet-{number}" for number in range(1, 6)], ["sheet-6", "sheet-7"]]
    assert merge is not None and merge.titles[1] == "Sheet 6, Sheet 7"
    assert [each for names in merge.bookmarks for each in names] == [name for _, name in SHEETS]
    labels = formats_of_part(expanded, 0), later_parts(expanded, 0)
    assert labels == ("PDF of 5 sheets", "PDF of 2 sheets")
    assert kinds_asked({"Merge": ALL}, 7, 5) == labels


def test_one_sheet_a_job_is_written_as_it_always_was() -> None:
    snapshot: dict[str, Any] = {"SnapshotConfiguration": {"FileGroups": []}}
    _, merge = expand(snapshot, SHEETS[:2])
    assert merge == Merge(first=0, titles=("Sheet 1", "Sheet 2"))
    assert merge.bookmarks == (("Sheet 1",), ("Sheet 2",))


@pytest.mark.parametrize(
    ("pages", "expected"),
    [(2, [("A", 1), ("B", 2)]), (3, [("A, B", 1)]), (1, [("A, B", 1)])],
)
def test_where_sheets_begin_is_known_only_of_as_many_pages(
    pages: int, expected: list[tuple[str, int]]
) -> None:
    merged = merge_pdfs([(("First",), blank(1)), (("A", "B"), blank(pages))])
    assert bookmarks_of(merged) == [("First", 0), *expected]


def blank(pages: int) -> bytes:
    writer, file = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.write(file)
    return file.getvalue()
