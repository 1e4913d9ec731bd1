"""Files that open with a password: encrypted before they are delivered, or not delivered."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pyzipper import AESZipFile

from snapshot_export.adapters.s3.files import Files
from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.domain.export import Export, ExportedFile, Status
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import parse_request
from snapshot_export.errors import TransientError
from snapshot_export.flows.export import collect as collect_step
from snapshot_export.flows.export import protect
from snapshot_export.flows.export.finish import finish_completed
from tests.support.bursts import burst, csv_manifest, recipient, template
from tests.support.messages import csv_groups, message, pdf_group, visuals_group
from tests.support.rows import customers_in, opened_with
from tests.support.world import PASSWORD_SECRETS, World

PASSWORD = "correct horse battery staple"
SECRET = f"{PASSWORD_SECRETS}cust-1"
PROTECT = {"PasswordSecret": SECRET}
GROUPS = [pdf_group(), visuals_group("CSV", "lines"), visuals_group("EXCEL", "lines")]


def keep(world: World, text: str | bytes = PASSWORD, name: str = SECRET) -> None:
    """Put a secret there."""
    value: Any = {"SecretString" if isinstance(text, str) else "SecretBinary": text}
    world.session.client("secretsmanager").create_secret(Name=name, **value)


def asked(export_id: str | None = "one", **more: Any) -> dict[str, Any]:
    return message(export_id, **{"groups": GROUPS, "Name": "report"} | more, Protect=PROTECT)


def stored(world: World, file: ExportedFile) -> bytes:
    place = ObjectAddress.parse(file.uri or "")
    answer = world.session.client("s3").get_object(Bucket=place.bucket, Key=place.key)
    assert answer["ETag"].strip('"') == file.etag
    assert answer["ContentLength"] == file.size
    return answer["Body"].read()


def customers(content: bytes, kind: str, password: str = PASSWORD) -> set[str]:
    return customers_in(opened_with(password, content, kind), kind)


def keys(world: World, prefix: str = "") -> list[str]:
    answer = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix=prefix
    )
    return [item["Key"] for item in answer.get("Contents", [])]


def run(world: World, export_id: str = "one") -> Export:
    world.driver.run()
    return world.export(export_id)


def test_each_file_opens_with_the_password_of_its_secret_and_no_plain_copy_is_left(
    world: World,
) -> None:
    keep(world)
    world.send(asked())
    export = run(world)
    assert export.status is Status.COMPLETED
    assert keys(world) == [f"exports/one/report.{end}" for end in ("csv.zip", "pdf", "xlsx.zip")]
    for file, kind in zip(export.files, ("PDF", "CSV", "EXCEL"), strict=True):
        content = stored(world, file)
        assert file.format == kind
        assert b"cust-" not in content
        assert customers(content, kind) == {"cust-0001"}
    with AESZipFile(io.BytesIO(stored(world, export.files[1]))) as archive:
        assert archive.namelist() == ["report.csv"]


def test_a_secret_may_be_json_with_a_password_for_each(world: World) -> None:
    keep(world, json.dumps({"cust-0001": PASSWORD, "cust-0002": "another password"}))
    body = asked(groups=[pdf_group()])
    world.send(body | {"Protect": {"PasswordSecret": f"{SECRET}:cust-0001"}})
    assert customers(stored(world, run(world).files[0]), "PDF") == {"cust-0001"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "its secret does not exist, or has no value"),
        (b"\x01", "its secret is no text"),
        ("eleven char", "it must be 12 to 127 characters"),
    ],
)
def test_without_a_usable_password_the_export_fails_and_nothing_is_delivered(
    world: World, text: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        keep(world, text)
    world.send(asked())
    export = run(world)
    assert export.status is Status.FAILED and export.error is not None
    assert export.error.code == "PASSWORD_UNAVAILABLE" and reason in export.error.message
    assert keys(world) == [], "neither a file nor what QuickSight wrote"
    assert len(world.ledger()["jobs"]) == 1, "it is not tried again"
    assert PASSWORD not in capsys.readouterr().out


def test_what_secrets_manager_cannot_answer_now_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world)
    calls = [TransientError("GetSecretValue: ThrottlingException")]
    real = world.services.passwords.read

    def read(secret: str) -> Any:
        if calls:
            raise calls.pop()
        return real(secret)

    monkeypatch.setattr(world.services.passwords, "read", read)
    world.send(asked())
    with pytest.raises(TransientError):
        world.driver.run()
    assert keys(world, "exports/") == []
    ids = world.export("one")
    collect_step.collect(world.services, "one", ids.attempt, ids.admission)
    assert world.export("one").status is Status.COMPLETED


def test_a_merged_file_and_the_files_of_several_jobs_have_it_and_a_zip_of_them_holds_such(
    world: World,
) -> None:
    keep(world)
    world.send(asked("merged", groups=[GROUPS[1]], Merge={"FormatType": "PDF", "Sheets": "ALL"}))
    groups = csv_groups(6)
    world.send(asked("many", dashboard="board-pack", groups=groups, Name="many", Zip=True))
    merged, many = run(world, "merged"), world.export("many")
    assert [file.format for file in merged.files] == ["CSV", "PDF"]
    assert customers(stored(world, merged.files[1]), "PDF") == {"cust-0001"}
    assert many.files[-1].format == "ZIP" and len(many.files) == 7
    with AESZipFile(io.BytesIO(stored(world, many.files[-1]))) as archive:
        for name in archive.namelist():
            opened_with(PASSWORD, archive.read(name), "CSV")
    assert keys(world, "snapshots/") == []


def test_without_rows_and_with_skip_no_plain_file_is_left(world: World) -> None:
    keep(world)
    world.send(asked(customer="cust-9999", IfEmpty="SKIP"))
    assert run(world).files == ()
    assert keys(world) == []


def test_a_file_that_is_none_fails_the_export(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world)
    monkeypatch.setattr(world.services.files, "read", lambda _file: b"no PDF")
    world.send(asked(groups=[pdf_group()]))
    error = run(world).error
    assert error is not None and error.code == "PROTECT_FAILED"
    assert keys(world) == []


def test_a_pdf_that_memory_does_not_take_fails_the_export(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world)
    monkeypatch.setattr(protect, "MAX_PROTECTED_PDF_BYTES", 5)
    world.send(asked(groups=[pdf_group()]))
    error = run(world).error
    assert error is not None and error.code == "PROTECT_TOO_LARGE"


def test_a_step_that_is_repeated_leaves_the_file_that_was_announced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypting draws salts: the same file twice is two files, with two ETags."""
    keep(world)
    world.send(asked())
    real = finish_completed
    found: list[list[str | None]] = []

    def die(services: Any, record: Any, export: Any, files: tuple[ExportedFile, ...]) -> None:
        found.append([file.etag for file in files])
        if len(found) == 1:
            raise TransientError("killed")
        real(services, record, export, files)

    monkeypatch.setattr(collect_step, "finish_completed", die)
    with pytest.raises(TransientError, match="killed"):
        world.driver.run()
    ids = world.export("one")
    collect_step.collect(world.services, "one", ids.attempt, ids.admission)
    assert found[0] == found[1] == [file.etag for file in world.export("one").files]


def test_a_plain_file_at_its_place_is_written_over_and_another_attempt_writes_anew(
    world: World,
) -> None:
    files: Files = world.services.files
    limit = TimeLimit(world.clock.now, world.clock.now() + 60)
    plain = files.write("PDF", "exports/x/a.pdf", b"plain", limit)
    first = files.write_pieces("PDF", "exports/x/a.pdf", [b"one"], limit, mark="1")
    again = files.write_pieces("PDF", "exports/x/a.pdf", [b"two"], limit, mark="1")
    other = files.write_pieces("PDF", "exports/x/a.pdf", [b"two"], limit, mark="2")
    assert plain.etag != first.etag == again.etag != other.etag


def test_what_quicksight_wrote_is_deleted_by_a_repetition_of_the_step_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world)
    world.send(asked())
    real = world.services.files.discard

    def fail(*_arguments: Any) -> None:
        raise TransientError("S3: 503")

    monkeypatch.setattr(world.services.files, "discard", fail)
    with pytest.raises(TransientError, match="503"):
        world.driver.run()
    export = world.export("one")
    assert export.status is Status.COMPLETED and keys(world, "snapshots/") != []
    monkeypatch.setattr(world.services.files, "discard", real)
    collect_step.collect(world.services, "one", export.attempt, export.admission)
    assert keys(world, "snapshots/") == []


def test_in_a_burst_each_line_names_its_secret(world: World) -> None:
    for number in (1, 2):
        keep(world, f"password of {number} only", f"{PASSWORD_SECRETS}{number}")
    people = [recipient(n, PasswordSecret=f"{PASSWORD_SECRETS}{n}") for n in (1, 2)]
    people += [recipient(3), recipient(4, PasswordSecret="elsewhere/4")]
    body = burst("b", people)
    body["Template"] = template(Name="{recipient}", groups=GROUPS) | {"Protect": {}}
    world.send({"Burst": body})
    world.driver.run()
    for number in (1, 2):
        export = world.export(f"b-{number}")
        for file in export.files:
            content = stored(world, file)
            found = customers(content, file.format, f"password of {number} only")
            assert found == {f"cust-{number:04d}"}
    problems = {each.line: each.problems[0] for each in world.services.bursts.refusals("b")}
    assert {line: each.place for line, each in problems.items()} == dict.fromkeys(
        (3, 4), "PasswordSecret"
    )
    assert problems[3].rule.startswith("is required: the template has a Protect")
    assert problems[4].rule.startswith("must begin with snapshot-passwords/")


def test_a_csv_manifest_has_a_column_for_it_and_an_empty_cell_is_no_plain_file(
    world: World,
) -> None:
    keep(world)
    text = f"RecipientId,tag:customer_id,PasswordSecret\na,cust-0001,{SECRET}\nb,cust-0002,\n"
    manifest = csv_manifest(world, text)
    body = burst("b", Manifest=manifest)
    body["Template"] |= {"Protect": {}}
    world.send({"Burst": body})
    world.driver.run()
    assert customers(stored(world, world.export("b-2").files[0]), "PDF") == {"cust-0001"}
    assert world.services.store.export("b-3") is None


@pytest.mark.parametrize(
    ("member", "place", "rule"),
    [
        ({"Protect": {}}, "Protect.PasswordSecret", "is required"),
        ({"Protect": {"PasswordSecret": "other/x"}}, "Protect.PasswordSecret", "must begin with"),
        ({"Protect": {"PasswordSecret": "arn:aws:x"}}, "Protect.PasswordSecret", "must "),
        ({"Protect": {"Password": PASSWORD}}, "Protect.Password", "is not a member"),
        (
            {"Protect": PROTECT, "SnapshotConfiguration": {"DestinationConfiguration": {}}},
            "SnapshotConfiguration.DestinationConfiguration",
            "must not stand beside Protect",
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    world: World, member: dict[str, Any], place: str, rule: str
) -> None:
    body = message("one")
    body["SnapshotConfiguration"] |= member.pop("SnapshotConfiguration", {})
    with pytest.raises(InvalidRequestError) as refused:
        parse_request(json.dumps(body | member), world.services.targets)
    found = {problem.place: problem.rule for problem in refused.value.problems}
    assert found[place].startswith(rule)
    assert PASSWORD not in str(refused.value)
