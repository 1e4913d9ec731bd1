"""The files of an export also as one zip: whole, of this export only; or a failure."""

from __future__ import annotations

import io
import json
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from snapshot_export.adapters.s3 import uploads
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import parse_request
from snapshot_export.errors import TransientError
from snapshot_export.flows.export import file_names, zip_export
from snapshot_export.flows.export.cancel import cancel
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient, template
from tests.support.messages import csv_groups, message, pdf_group, visuals_group
from tests.support.rows import customers_in
from tests.support.world import World

GROUPS = [pdf_group(), visuals_group("CSV", "lines"), visuals_group("EXCEL", "lines")]


def asked(export_id: str | None = "all", **more: Any) -> dict[str, Any]:
    return message(export_id, **{"groups": GROUPS, "Name": "pack/{format}"} | more, Zip=True)


def content(world: World, uri: str | None) -> bytes:
    place = ObjectAddress.parse(uri or "")
    answer = world.session.client("s3").get_object(Bucket=place.bucket, Key=place.key)
    return answer["Body"].read()


def archive(world: World, export: Export) -> ZipFile:
    assert export.files[-1].format == "ZIP"
    return ZipFile(io.BytesIO(content(world, export.files[-1].uri)))


def keys(world: World) -> list[str]:
    answer = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix="exports/"
    )
    return [item["Key"] for item in answer.get("Contents", [])]


def test_all_files_are_in_it_and_it_is_the_last_of_them(world: World) -> None:
    world.send(asked())
    world.driver.run()
    export = world.export("all")
    assert export.status is Status.COMPLETED
    assert [file.format for file in export.files] == ["PDF", "CSV", "EXCEL", "ZIP"]
    assert export.files[-1].uri is not None and export.files[-1].uri.endswith("/all/pack/zip.zip")
    with archive(world, export) as zipped:
        assert zipped.testzip() is None
        assert zipped.namelist() == ["pack/pdf.pdf", "pack/csv.csv", "pack/excel.xlsx"]
        assert zipped.getinfo("pack/csv.csv").compress_type == ZIP_DEFLATED
        for name, file in zip(zipped.namelist(), export.files, strict=False):
            assert zipped.read(name) == content(world, file.uri)
    answer = call_api(world.services, "GET", "/exports/all").body["Files"][-1]
    assert answer["FormatType"] == "ZIP" and answer["DownloadUrl"].startswith("https://")
    assert len(world.ledger()["jobs"]) == 1, "a zip is no job"


def test_files_of_several_jobs_are_one_zip_and_a_merged_one_is_among_them(world: World) -> None:
    groups = csv_groups(6)
    world.send(asked("many", dashboard="board-pack", groups=groups, Name=None))
    merge = {"FormatType": "PDF", "Sheets": "ALL"}
    world.send(asked("merged", groups=[GROUPS[1]], Merge=merge, Name="board"))
    world.driver.run()
    with archive(world, world.export("many")) as zipped:
        assert len(zipped.namelist()) == 6
    with archive(world, world.export("merged")) as zipped:
        assert zipped.namelist() == ["board.csv", "board.pdf"]


def test_it_has_no_file_of_another_export_whatever_the_names_are(world: World) -> None:
    body = burst("november", [recipient(1), recipient(2)], Zip=True)
    body["Template"] = template(groups=GROUPS, Name="same") | {"Zip": True}
    world.send({"Burst": body})
    world.driver.run()
    for line, customer in ((1, "cust-0001"), (2, "cust-0002")):
        with archive(world, world.export(f"november-{line}")) as zipped:
            assert len(zipped.namelist()) == 3
            for name, kind in zip(zipped.namelist(), ("PDF", "CSV", "EXCEL"), strict=True):
                assert customers_in(zipped.read(name), kind) == {customer}
    formats = [each["FormatType"] for each in manifest_of(world, "november")["Files"]]
    assert formats.count("ZIP") == 2
    address = f"s3://{world.settings.export_bucket}/bursts/november/files.zip"
    with ZipFile(io.BytesIO(content(world, address))) as zipped:
        assert len(zipped.namelist()) == 6, "the burst's own zip holds no zips"


def test_a_file_that_is_another_by_then_fails_the_export_and_there_is_no_zip(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = file_names.claim_zip

    def replaced(*arguments: Any) -> str:
        place: Any = {"Bucket": world.settings.export_bucket, "Key": "exports/all/pack/csv.csv"}
        world.session.client("s3").put_object(**place, Body=b"other")
        return real(*arguments)

    monkeypatch.setattr(zip_export, "claim_zip", replaced)
    world.send(asked())
    world.driver.run()
    export = world.export("all")
    assert export.status is Status.FAILED
    assert export.error is not None and export.error.code == "ZIP_FAILED"
    assert not [key for key in keys(world) if key.endswith(".zip")]
    assert len(world.ledger()["jobs"]) == 1, "it is not tried again"


def test_more_than_a_function_can_do_is_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_export, "MAX_ZIPPED_BYTES", 5)
    world.send(asked())
    world.driver.run()
    error = world.export("all").error
    assert error is not None and error.code == "ZIP_TOO_LARGE"


def test_a_large_one_goes_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 * 1024 * 1024)
    large = b"x" * (2 * 1024 * 1024)
    monkeypatch.setattr(world.services.files, "stream", lambda _file: iter([large, large, large]))
    world.send(asked(groups=[pdf_group()]))
    world.driver.run()
    with archive(world, world.export("all")) as zipped:
        assert zipped.read("pack/pdf.pdf") == 3 * large


def test_a_write_that_comes_between_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(asked())
    real = uploads.upload

    def raced(client: Any, place: ObjectAddress, *pieces: Any, **more: Any) -> None:
        client.put_object(Bucket=place.bucket, Key=place.key, Body=b"theirs")
        real(client, place, *pieces, **more)

    monkeypatch.setattr("snapshot_export.adapters.s3.files.upload", raced)
    with pytest.raises(TransientError, match="S3: PreconditionFailed"):
        world.driver.run()


def test_a_cancelled_one_leaves_nothing(world: World) -> None:
    world.send(asked("many", dashboard="board-pack", groups=csv_groups(6), Name=None))
    while world.export("many").part == 0:
        world.driver.run(until=world.clock.now() + 1)
    cancel(world.services, "many")
    world.driver.run()
    assert world.export("many").status is Status.CANCELLED and keys(world) == []


def test_without_rows_there_is_none_with_skip_and_one_with_note(world: World) -> None:
    for action in ("SKIP", "NOTE"):
        world.send(asked(action.lower(), customer="cust-9999", IfEmpty=action))
    world.driver.run()
    assert world.export("skip").files == ()
    assert [file.format for file in world.export("note").files][-1] == "ZIP"


def test_beside_other_places_it_is_refused(world: World) -> None:
    body = asked()
    body["SnapshotConfiguration"] |= {"DestinationConfiguration": {}}
    with pytest.raises(InvalidRequestError) as refused:
        parse_request(json.dumps(body), world.services.targets)
    place = "SnapshotConfiguration.DestinationConfiguration"
    assert place in [problem.place for problem in refused.value.problems]
