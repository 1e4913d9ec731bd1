"""Zip: the files of a burst as one, whole or not at all."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

import pytest

from snapshot_export.adapters.s3 import uploads
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.retry_request import parse_retry
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.burst import zip_files
from snapshot_export.flows.burst.retry import retry_burst
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient, template
from tests.support.messages import pdf_group, visuals_group
from tests.support.world import World

GROUPS = [pdf_group(), visuals_group("CSV", "lines")]


def sent(world: World, count: int = 3, **more: Any) -> Burst:
    body = burst("many", [recipient(number) for number in range(1, count + 1)], Zip=True)
    body["Template"] = template(groups=GROUPS, Name="{recipient}/report")
    world.send({"Burst": body | more})
    world.driver.run()
    return found(world)


def found(world: World) -> Burst:
    record = world.services.bursts.find("many")
    assert record is not None
    return record


def object_of(world: World, key: str) -> bytes:
    answer = world.session.client("s3").get_object(Bucket=world.settings.export_bucket, Key=key)
    content: bytes = answer["Body"].read()
    return content


def archive(world: World) -> ZipFile:
    return ZipFile(io.BytesIO(object_of(world, "bursts/many/files.zip")))


def test_all_files_are_in_it_under_the_names_that_recipients_have(world: World) -> None:
    done = sent(world)
    with archive(world) as zipped:
        assert zipped.testzip() is None
        names = {f"r-{number}/report.{end}" for number in (1, 2, 3) for end in ("pdf", "csv")}
        assert {*zipped.namelist()} == names
        for name in names:
            assert zipped.read(name) == object_of(world, f"exports/many/{name}")
    assert done.zipped_files == 6 and not done.warnings
    manifest = manifest_of(world, "many")
    address = f"s3://{world.settings.export_bucket}/bursts/many/files.zip"
    assert manifest["Zip"] == {"S3Uri": address, "Files": 6}
    answer = call_api(world.services, "GET", "/bursts/many").body
    assert answer["ZipS3Uri"] == address and answer["ZipDownloadUrl"].startswith("https://")


def test_without_a_word_of_it_there_is_none(world: World) -> None:
    assert sent(world, Zip=False).zipped_files is None
    assert "Zip" not in manifest_of(world, "many")
    assert call_api(world.services, "GET", "/bursts/many").body["ZipS3Uri"] is None


def test_a_large_one_goes_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 * 1024 * 1024)
    large = b"x" * (2 * 1024 * 1024)
    monkeypatch.setattr(world.services.files, "stream", lambda _file: iter([large, large, large]))
    sent(world, 2)
    with archive(world) as zipped:
        assert zipped.testzip() is None and len(zipped.namelist()) == 4
        assert zipped.read("r-1/report.pdf") == 3 * large


def test_a_file_that_is_another_by_then_leaves_no_zip_and_a_warning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.services.bursts.keep_closing

    def replaced(record: Burst, now: float) -> None:
        world.session.client("s3").put_object(
            Bucket=world.settings.export_bucket, Key="exports/many/r-2/report.pdf", Body=b"other"
        )
        real(record, now)

    with monkeypatch.context() as patches:
        patches.setattr(world.services.bursts, "keep_closing", replaced)
        done = sent(world)
    assert done.status.value == "COMPLETED" and done.zipped_files is None
    assert [each.code for each in done.warnings] == ["ZIP_NOT_MADE"]
    (warning,) = manifest_of(world, "many")["Warnings"]
    assert warning["Resource"] == "burst/many"
    with pytest.raises(world.session.client("s3").exceptions.NoSuchKey):
        archive(world)


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_BYTES"])
def test_more_than_a_function_can_do_is_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(zip_files, limit, 5)
    done = sent(world)
    assert [each.code for each in done.warnings] == ["ZIP_NOT_MADE"]


def test_after_a_retry_it_has_the_files_of_both(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="many-2", ErrorType="DATASET_DELETED")
    assert sent(world).zipped_files == 4
    retry_burst(world.services, "many", parse_retry("{}"))
    world.driver.run()
    done = found(world)
    assert (done.revision, done.zipped_files) == (2, 6)
    with archive(world) as zipped:
        assert len(zipped.namelist()) == 6


def test_a_closing_that_stalled_overwrites_nothing_of_a_later_revision(world: World) -> None:
    sent(world)
    manifests = world.services.manifests
    manifests.write("many", 2, ["later"])
    for write in (manifests.write, manifests.write_report):
        write("many", 2, ["later"])
        with pytest.raises(ConditionFailedError):
            write("many", 1, ["stalled"])
    manifests.write_zip("many", 2, [b"later"])
    with pytest.raises(ConditionFailedError):
        manifests.write_zip("many", 1, [b"stalled"])
    for name in ("manifest.json", "report.html", "files.zip"):
        assert object_of(world, f"bursts/many/{name}") == b"later"


def test_a_zip_that_another_closing_writes_meanwhile_is_left_to_it(world: World) -> None:
    sent(world)
    manifests = world.services.manifests

    def pieces() -> Any:
        manifests.write_zip("many", 1, [b"theirs"])
        yield b"ours"

    with pytest.raises(ConditionFailedError):
        manifests.write_zip("many", 1, pieces())
    assert object_of(world, "bursts/many/files.zip") == b"theirs"


def test_files_elsewhere_are_refused(world: World) -> None:
    body = burst("many", [recipient(1)], Zip=True)
    bucket = {"BucketConfiguration": {"BucketName": "allowed", "BucketPrefix": "x/",
                                      "BucketRegion": "us-east-1"}}  # fmt: skip
    body["Template"]["SnapshotConfiguration"] |= {
        "DestinationConfiguration": {"S3Destinations": [bucket]}
    }
    world.send({"Burst": body})
    (rejected,) = world.rejected()
    assert "must not be given beside a DestinationConfiguration" in str(rejected["Reason"])
