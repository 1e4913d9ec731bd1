"""An object is the same one for every call that is made about it, whatever its key holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings

from snapshot_export.adapters.s3.files import Files
from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.target_services import s3_client
from snapshot_export.domain.object_address import ObjectAddress
from tests.support.keys import BUCKET, HARD_KEYS, MAX_KEY_BYTES, keys
from tests.support.world import World, make_bucket

OTHERS = "others-bucket"
UNLIMITED = TimeLimit(lambda: 0.0, stop_at=1.0)
REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-south-1", "ap-southeast-3", "il-central-1"]
"""The last three were launched after March 2019, with no redirect from the global host."""


@pytest.fixture
def files(aws: boto3.Session) -> Files:
    for name in (BUCKET, OTHERS):
        make_bucket(aws, name)
    return Files(s3_client(aws), BUCKET)


def body_of(s3: Any, key: str) -> bytes | None:
    try:
        body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body
    except ClientError:
        return None


def neighbours(key: str) -> set[str]:
    """Keys that a key turns into where it is taken for a URL or a path."""
    path = urlsplit(f"s3://{BUCKET}/{key}").path
    found = {path.lstrip("/"), path.removeprefix("/"), key.lstrip("/"), key.replace("//", "/")}
    found |= {unquote(key), key.replace("+", " "), *(key.partition(mark)[0] for mark in "?#")}
    return {each for each in found if each and each != key and not each.endswith("/")}


def test_each_hard_key_is_one_object_from_its_copy_to_its_deletion(
    aws: boto3.Session, files: Files
) -> None:
    for key in HARD_KEYS:
        follow(aws.client("s3"), files, key)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=keys())
def test_any_key_is_one_object_from_its_copy_to_its_deletion(
    aws: boto3.Session, files: Files, key: str
) -> None:
    follow(aws.client("s3"), files, key)


def follow(s3: Any, files: Files, key: str) -> None:
    """Copy, head, signed download and deletion of a key whose neighbours are there too."""
    others = neighbours(key)
    for other in others:
        s3.put_object(Bucket=BUCKET, Key=other, Body=b"another's")
    raw = f"snapshots/one/{key}"
    if len(raw.encode()) > MAX_KEY_BYTES:
        raw = "snapshots/one/short"
    s3.put_object(Bucket=BUCKET, Key=raw, Body=key.encode())
    file = files.collect(str(ObjectAddress(BUCKET, raw)), "PDF", key, UNLIMITED)
    assert file.uri == f"s3://{BUCKET}/{key}" and file.size == len(key.encode())
    assert ObjectAddress.parse(file.uri) == ObjectAddress(BUCKET, key)
    assert body_of(s3, key) == key.encode()
    link = files.download_url(file.uri, 900)
    assert link is not None and requests.get(link, timeout=5).content == key.encode()
    files.discard("snapshots/two/", [file.uri])
    assert body_of(s3, key) is None and body_of(s3, raw) == key.encode()
    assert {body_of(s3, other) for other in others} <= {b"another's"}
    files.discard("snapshots/one/", [str(ObjectAddress(BUCKET, other)) for other in others])
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_a_file_in_another_bucket_is_found_under_its_own_key(
    aws: boto3.Session, files: Files
) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=OTHERS, Key="what", Body=b"another's")
    s3.put_object(Bucket=OTHERS, Key="what?/a#b.pdf", Body=b"ours!")
    file = files.collect(f"s3://{OTHERS}/what?/a#b.pdf", "PDF", "unused", UNLIMITED)
    assert (file.uri, file.size, file.error) == (f"s3://{OTHERS}/what?/a#b.pdf", 5, None)


def test_an_address_without_a_key_is_a_file_that_cannot_be_read(files: Files) -> None:
    file = files.collect(f"s3://{BUCKET}/", "PDF", "k", UNLIMITED)
    assert file.uri is None and file.error is not None and file.error.code == "FILE_UNREADABLE"


def test_only_a_whole_folder_is_discarded(aws: boto3.Session, files: Files) -> None:
    s3 = aws.client("s3")
    for key in (
        "snapshots/a/1.pdf",
        "snapshots/ab/2.pdf",
        "snapshots/a-2/3.pdf",
        "snapshots/a.pdf",
    ):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    with pytest.raises(ValueError, match="whole folder"):
        files.discard("snapshots/a", [])
    files.discard("snapshots/a/", [f"s3://{OTHERS}/snapshots/ab/2.pdf"])
    left = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert left == ["snapshots/a-2/3.pdf", "snapshots/a.pdf", "snapshots/ab/2.pdf"]


@pytest.mark.parametrize("region", REGIONS)
def test_a_download_link_names_the_regions_own_host(region: str) -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=region)
    link = Files(s3_client(session), BUCKET).download_url(f"s3://{BUCKET}/exports/a?b.pdf", 900)
    parts = urlsplit(str(link))
    assert (parts.scheme, parts.netloc) == ("https", f"{BUCKET}.s3.{region}.amazonaws.com")
    assert parts.path == "/exports/a%3Fb.pdf" and f"%2F{region}%2Fs3%2F" in parts.query


@pytest.mark.parametrize("region", REGIONS)
def test_a_target_signs_for_the_region_of_its_own_bucket(region: str) -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
    files = Files(s3_client(session, region), BUCKET)
    link = urlsplit(str(files.download_url(f"s3://{BUCKET}/a.pdf", 900)))
    assert link.netloc == f"{BUCKET}.s3.{region}.amazonaws.com"


def test_the_partitions_have_hosts_of_their_own() -> None:
    for region, domain in (("cn-north-1", "amazonaws.com.cn"), ("us-gov-west-1", "amazonaws.com")):
        session = boto3.Session("AKIDEXAMPLE", "secret", region_name=region)
        link = Files(s3_client(session), BUCKET).download_url(f"s3://{BUCKET}/a.pdf", 900)
        assert urlsplit(str(link)).netloc == f"{BUCKET}.s3.{region}.{domain}"


def test_the_links_of_the_api_are_the_regions_own(world: World) -> None:
    link = world.services.files.download_url(f"s3://{world.settings.export_bucket}/a.pdf", 900)
    assert (
        urlsplit(str(link)).netloc == f"{world.settings.export_bucket}.s3.us-east-1.amazonaws.com"
    )


def test_an_endpoint_that_is_not_s3s_own_is_asked_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://localhost:4566")
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
    link = Files(s3_client(session), BUCKET).download_url(f"s3://{BUCKET}/a?b.pdf", 900)
    assert str(link).startswith(f"https://localhost:4566/{BUCKET}/a%3Fb.pdf?")
