"""Sheets as one PDF: whole, in order, with bookmarks, from one export only; or a failure."""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.adapters.s3.files import Files
from snapshot_export.domain import merge
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.errors import MergeError, TransientError
from snapshot_export.flows.export.cancel import cancel
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient, template
from tests.support.messages import message, visuals_group
from tests.support.rows import bookmarks_of, customers_in
from tests.support.world import World

ALL = {"FormatType": "PDF", "Sheets": "ALL"}
CSV = visuals_group("CSV", "lines")


def whole(export_id: str | None = "whole", sheets: Any = "ALL", **more: Any) -> dict[str, Any]:
    """A request of sheets as one PDF, and of nothing else."""
    body = message(export_id, Merge={"FormatType": "PDF", "Sheets": sheets}, **more)
    if "groups" not in more:
        del body["SnapshotConfiguration"]
    return body


def stored(world: World, uri: str | None) -> bytes:
    place = ObjectAddress.parse(uri or "")
    answer = world.session.client("s3").get_object(Bucket=place.bucket, Key=place.key)
    return answer["Body"].read()


def bookmarks(world: World, export: Export) -> list[tuple[str, int | None]]:
    return bookmarks_of(stored(world, export.files[-1].uri))


def delivered(world: World) -> list[str]:
    answer = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix="exports/"
    )
    return [item["Key"] for item in answer.get("Contents", [])]


def run_to_second_part(world: World, export_id: str) -> None:
    world.services.store.change_gate({"paused_until": 9e9})
    while world.export(export_id).part == 0:
        world.driver.run(until=world.clock.now() + 1)


def test_all_sheets_are_one_pdf_in_their_order_with_bookmarks(world: World) -> None:
    world.send(whole(Name="board"))
    world.driver.run()
    export = world.export("whole")
    assert (export.status, len(export.files)) == (Status.COMPLETED, 1)
    assert delivered(world) == ["exports/whole/board.pdf"]
    titles, pages = zip(*bookmarks(world, export), strict=True)
    assert titles == ("Übersicht #1?", "詳細 50 % + more")
    assert pages[0] == 0 and pages[1] is not None and pages[1] > 0
    assert len(world.ledger()["jobs"]) == 2
    answer = call_api(world.services, "GET", "/exports/whole").body
    assert [each["FormatType"] for each in answer["Files"]] == ["PDF"]


def test_sheets_that_are_named_stand_in_that_order_beside_other_files(world: World) -> None:
    world.send(whole(sheets=["details", "summary"], groups=[CSV]))
    world.driver.run()
    export = world.export("whole")
    assert [file.format for file in export.files] == ["CSV", "PDF"]
    titles = [title for title, _ in bookmarks(world, export)]
    assert titles == ["詳細 50 % + more", "Übersicht #1?"]


def test_no_sheet_is_shown_as_a_file_before_all_are_there(world: World) -> None:
    world.send(whole())
    run_to_second_part(world, "whole")
    assert len(world.export("whole").held) == 1
    assert call_api(world.services, "GET", "/exports/whole").body["Files"] == []
    assert delivered(world) == []


def test_a_sheet_that_fails_is_a_failed_export_without_a_file(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="whole-2", ErrorType="DATASET_DELETED")
    world.send(whole())
    world.driver.run()
    export = world.export("whole")
    assert (export.status, export.files) == (Status.FAILED, ())
    assert export.error is not None and export.error.code == "DATASET_DELETED"
    assert delivered(world) == []


def test_a_sheet_that_fails_once_is_tried_again_and_the_others_are_not(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="whole-2", ErrorType="INTERNAL_FAILURE")
    world.send(whole())
    world.driver.run()
    assert world.export("whole").status is Status.COMPLETED
    assert len(world.ledger()["jobs"]) == 3
    assert len(bookmarks(world, world.export("whole"))) == 2


@pytest.mark.parametrize("fate", ["gone", "another", "no pdf"])
def test_a_sheet_that_is_gone_or_another_object_fails_the_export(world: World, fate: str) -> None:
    world.send(whole())
    run_to_second_part(world, "whole")
    (held,) = world.export("whole").held
    place = ObjectAddress.parse(held.uri or "")
    s3 = world.session.client("s3")
    at: Any = {"Bucket": place.bucket, "Key": place.key}
    if fate == "gone":
        s3.delete_object(**at)
    elif fate == "another":
        s3.put_object(**at, Body=b"%PDF-1.4 of another")
    else:
        s3.put_object(**at, Body=b"no pdf")
        etag = s3.head_object(**at)["ETag"].strip('"')
        key = world.keys.export("whole")
        world.services.store._table._client.update_item(
            TableName=world.settings.table_name,
            Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            UpdateExpression="SET held[0].etag = :etag",
            ExpressionAttributeValues={":etag": {"S": etag}},
        )
    world.services.store.change_gate({"paused_until": None})
    world.driver.run()
    export = world.export("whole")
    assert export.status is Status.FAILED
    assert export.error is not None and export.error.code == "MERGE_FAILED"
    assert "Übersicht" in export.error.message
    assert [file.uri for file in export.files] == [None]
    assert delivered(world) == []


def test_more_bytes_than_the_bound_are_refused_with_the_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot_export.flows.export.merge_sheets.MAX_MERGED_BYTES", 2_000)
    world.send(whole())
    world.driver.run()
    error = world.export("whole").error
    assert error is not None and error.code == "MERGE_TOO_LARGE" and "2,000" in error.message
    assert len(world.ledger()["jobs"]) == 2, "no sheet is asked for again"


def test_more_pages_than_the_bound_are_refused_with_the_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot_export.adapters.s3.merging.MAX_MERGED_PAGES", 1)
    world.send(whole())
    world.driver.run()
    error = world.export("whole").error
    assert error is not None and (error.code, error.message) == (
        "MERGE_TOO_LARGE",
        "more than 1 pages",
    )


def test_a_repeated_merge_writes_the_same_object(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = Files.write, list[bytes]()

    def write(files: Files, kind: str, key: str, data: bytes, *rest: Any) -> Any:
        written.append(data)
        answer = real(files, kind, key, data, *rest)
        if len(written) == 1:
            raise TransientError("died after the upload")
        return answer

    monkeypatch.setattr(Files, "write", write)
    run_step = world.driver._run_step

    def repeated(step: Any) -> None:
        try:
            run_step(step)
        except TransientError:
            run_step(step)

    monkeypatch.setattr(world.driver, "_run_step", repeated)
    world.send(whole())
    world.driver.run()
    assert len(written) == 2 and written[0] == written[1]
    assert len(delivered(world)) == 1


@pytest.mark.parametrize("waits", [True, False])
def test_a_cancelled_one_leaves_no_sheet(world: World, waits: bool) -> None:
    world.send(whole())
    run_to_second_part(world, "whole")
    if not waits:
        world.services.store.change_gate({"paused_until": None})
        world.driver.run(until=world.clock.now() + 1)
    assert cancel(world.services, "whole") is Status.RUNNING
    world.driver.run()
    assert world.export("whole").status is Status.CANCELLED
    left = world.session.client("s3").list_objects_v2(Bucket=world.settings.export_bucket)
    assert left.get("Contents", []) == []


def test_each_recipient_of_a_burst_has_its_own_rows_on_every_page(world: World) -> None:
    body = burst("many", [recipient(1), recipient(2)])
    body["Template"] = template(Name="{recipient}", Merge=ALL)
    del body["Template"]["SnapshotConfiguration"]
    world.send({"Burst": body})
    world.work_on_bursts()
    world.driver.run()
    world.work_on_bursts()
    files = manifest_of(world, "many")["Files"]
    assert [each["FormatType"] for each in files] == ["PDF", "PDF"]
    for number, file in enumerate(files, start=1):
        shown = stored(world, file["S3Uri"])
        assert len(bookmarks_of(shown)) == 2
        assert customers_in(shown, "PDF") == {f"cust-{number:04d}"}


def test_the_sheets_of_a_burst_are_those_of_its_acceptance(world: World) -> None:
    body = burst("many", [recipient(1)])
    body["Template"] = template(Name="{recipient}", Merge=ALL)
    world.send({"Burst": body})
    kept = world.services.bursts.template("many")
    assert kept["Merge"]["Sheets"] == ["summary", "details"]
    assert world.send({"Burst": body}) is Status.QUEUED, "delivered again: the same burst"


def test_the_same_request_again_is_the_same_export_whatever_was_published_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(whole(sheets=["summary"]))
    monkeypatch.setattr(
        "snapshot_export.flows.export.accept.choose_sheets",
        lambda *_: (_ for _ in ()).throw(InvalidRequestError(())),
    )
    assert world.send(whole(sheets=["summary"])) is Status.QUEUED
    assert world.send(whole(sheets=["details"])) is Status.REJECTED


@pytest.mark.parametrize(
    ("body", "place", "rule"),
    [
        (whole(sheets=["summary", "nowhere"]), "Merge.Sheets[1]", "must be a sheet"),
        (whole(sheets=["summary", "summary"]), "Merge.Sheets", "must name each sheet once"),
        (whole(sheets=[]), "Merge.Sheets", "at least 1"),
        (whole() | {"Merge": {"FormatType": "CSV", "Sheets": "ALL"}}, "Merge.FormatType", "PDF"),
        (
            whole() | {"SnapshotConfiguration": {"DestinationConfiguration": {}}},
            "SnapshotConfiguration.DestinationConfiguration",
            "must not stand beside Merge",
        ),
        (
            message("none") | {"SnapshotConfiguration": {}},
            "SnapshotConfiguration",
            "must have FileGroups, unless there is a Merge",
        ),
    ],
)
def test_what_cannot_be_merged_is_refused_by_place_and_rule(
    world: World, body: dict[str, Any], place: str, rule: str
) -> None:
    assert world.send(body) is Status.REJECTED
    problems = world.rejected()[0]["Reason"]["Problems"]
    assert [each for each in problems if place in each["Place"] and rule in each["Rule"]], problems


def test_the_kinds_asked_count_a_pdf_for_each_sheet() -> None:
    body = {"SnapshotConfiguration": {"FileGroups": [CSV]}, "Merge": ALL}
    assert merge.kinds_asked(body, 3) == ("CSV", "PDF", "PDF", "PDF")
    assert merge.kinds_asked({"Merge": ALL | {"Sheets": ["a"]}}, 3) == ("PDF",)
    assert merge.kinds_asked({"SnapshotConfiguration": {"FileGroups": [CSV]}}, 3) == ("CSV",)


def test_a_title_stands_in_the_reason_and_nothing_of_a_page() -> None:
    assert str(MergeError("Sales")) == "the PDF of sheet “Sales” cannot be read"
