"""A manifest is checked before it is uploaded; what another command takes is pointed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from snapshot_export.domain.burst import ManifestFormat
from snapshots.manifests import FORMATS
from tests.support.messages import message
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi

SECRET = "cust-4711"
GOOD = "RecipientId,tag:customer_id\na,1\nb,2\n"


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(message(None)))
    return str(path)


def uploaded() -> list[str]:
    found: Any = boto3.client("s3").list_objects_v2(Bucket="ours")
    return [each["Key"] for each in found.get("Contents", [])]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("list.csv", GOOD.replace(",", ";").encode(), "has semicolons between its cells"),
        ("list.csv", GOOD.encode("utf-16"), "is UTF-16 or UTF-32"),
        ("list.csv", f"Kunde,Größe\n{SECRET},ä\n".encode("cp1252"), "Windows-1252 or Latin-1"),
        ("list.csv", b"PK\x03\x04xl/workbook.xml", "is an Excel workbook"),
        ("list.csv", f"Customer,tag:id\n{SECRET},1\n".encode(), "column 1: is not a column"),
        ("list.csv", b"", "is empty"),
        ("list.csv", b"RecipientId,tag:customer_id\n", "no recipient is accepted"),
        ("list.jsonl", b"[{}]\n", "holds a JSON array"),
        ("list.jsonl", GOOD.encode(), "holds CSV and not JSON"),
        ("list.xlsx", b"", "must end with .csv, .jsonl, .ndjson, .json"),
        ("list.csv", None, "No such file"),
    ],
)
def test_what_is_no_manifest_is_refused_before_it_is_uploaded(
    run: Run,
    api: StubApi,
    aws: dict[str, str],
    tmp_path: Path,
    template: str,
    name: str,
    content: bytes | None,
    why: str,
) -> None:
    manifest = tmp_path / name
    if content is not None:
        manifest.write_bytes(content)
    for command in ("burst", "plan"):
        result = run(command, "--template", template, "--manifest", str(manifest))
        assert result.code == 2 and result.err.count("\n") == 1 and why in result.err
        assert SECRET not in result.err
    assert api.calls == [] and uploaded() == []


def test_lines_that_will_be_refused_are_named_and_the_others_go_on(
    run: Run, api: StubApi, aws: dict[str, str], tmp_path: Path, template: str
) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"{GOOD}A,3\n{SECRET},\n")
    lines = [
        f"warning: {manifest}: line 4: RecipientId: must stand once in a burst, in whatever case: "
        "it is that of line 2",
        f"warning: {manifest}: line 5: tag:customer_id: must not be empty",
        f"warning: {manifest}: 2 of 4 recipients will be refused",
    ]
    planned = run("plan", "--template", template, "--manifest", str(manifest))
    assert planned.code == 0 and planned.err.splitlines() == lines
    assert api.calls[-1][3]["Exports"][0]["Count"] == 2
    result = run("burst", "--template", template, "--manifest", str(manifest))
    assert result.code == 0 and result.err.splitlines() == lines and len(uploaded()) == 1


def test_of_many_lines_the_first_are_named(
    run: Run, aws: dict[str, str], tmp_path: Path, template: str
) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(GOOD + "".join(f"r{number},\n" for number in range(500)))
    shown = run("burst", "--template", template, "--manifest", str(manifest)).err.splitlines()
    assert len(shown) == 22 and shown[-2].endswith("and 480 more")


@pytest.mark.parametrize(
    ("options", "text", "code"),
    [
        ([], "RecipientId\na\n", 2),
        (["--same-rows-for-all"], "RecipientId\na\n", 0),
        (["--same-rows-for-all"], GOOD, 2),
    ],
)
def test_recipients_bring_tags_unless_all_see_the_same_rows(
    run: Run,
    aws: dict[str, str],
    tmp_path: Path,
    template: str,
    options: list[str],
    text: str,
    code: int,
) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(text)
    result = run("burst", "--template", template, "--manifest", str(manifest), *options)
    assert result.code == code and len(uploaded()) == (code == 0)
    assert code == 0 or "RowLevelPermissionTags: " in result.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("customers.csv", GOOD),
        ("customers.csv", GOOD.replace(",", ";")),
        ("customers.jsonl", '{"RecipientId": "a"}\n{"RecipientId": "b"}\n'),
        ("customers.jsonl", '{"RowLevelPermissionTags": []}\n'),
    ],
)
def test_recipients_that_are_submitted_belong_to_a_burst(
    run: Run, api: StubApi, tmp_path: Path, name: str, text: str
) -> None:
    source = tmp_path / name
    source.write_text(text)
    result = run("submit", str(source))
    assert result.code == 2 and result.err.count("\n") == 1
    assert f"snapshots burst --template REQUEST.json --manifest {source}" in result.err
    assert api.calls == []


def test_a_burst_that_is_submitted_is_pointed_to_its_command(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "burst.json"
    source.write_text(json.dumps({"Template": {}, "Recipients": [{}]}))
    result = run("submit", str(source))
    assert result.code == 2 and f"snapshots burst {source}" in result.err


def test_every_suffix_is_of_a_format_that_the_api_knows() -> None:
    assert {*FORMATS.values()} == {kind.value for kind in ManifestFormat}
