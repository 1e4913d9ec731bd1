"""Finished files lie under the name that the user chose, and no name takes another's place."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from pypdf import PdfReader

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.table.dynamodb import put_of
from snapshot_export.domain.export import ExportedFile, Status
from snapshot_export.domain.naming import fold
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.collect import collect
from snapshot_export.flows.export.file_names import claim_keys
from snapshot_export.flows.view import view
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import REGION, World, make_bucket


def burst(*recipients: dict[str, Any], **template: Any) -> dict[str, Any]:
    tags = [{"Key": "customer_id", "Value": "cust-0001"}]
    people = [{"RowLevelPermissionTags": tags} | recipient for recipient in recipients]
    return {"Burst": {"BurstId": "b", "Template": message(None, **template), "Recipients": people}}


def keys_in(world: World, prefix: str) -> list[str]:
    listed = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix=prefix
    )
    return sorted(item["Key"].removeprefix(prefix) for item in listed.get("Contents", []))


def test_a_name_is_a_template_over_export_sheet_format_date_and_tags(world: World) -> None:
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    name = "{tag:team}/{date:%Y-%m-%d}/{sheet}-{format}"
    world.send(message("named", groups=groups, Name=name, Tags={"team": "north"}))
    world.driver.run()
    assert world.export("named").status is Status.COMPLETED
    day = "2027-01-15"
    assert keys_in(world, "exports/named/") == [
        f"north/{day}/details-csv.csv",
        f"north/{day}/summary-pdf.pdf",
    ]


def test_a_name_that_would_leave_its_folder_is_refused_when_the_message_comes(
    world: World,
) -> None:
    secret = "../../other"
    refused = message("bad", Name="x/{tag:t}", Tags={"t": secret})
    assert world.send(refused, "message-1") is Status.REJECTED
    (kept,) = world.rejected()
    (problem,) = kept["Reason"]["Problems"]
    assert problem["Field"] == problem["Place"] == "Name"
    assert "'..'" in problem["Rule"] and secret not in problem["Rule"]
    assert world.send(message("bad", Name="{custumer}"), "message-2") is Status.REJECTED


def test_recipients_of_a_burst_lie_side_by_side_under_their_names(world: World) -> None:
    people = ({"RecipientId": "ada"}, {"RecipientId": "bob"})
    world.send(burst(*people, Name="{recipient}/report"))
    world.driver.run()
    assert keys_in(world, "exports/b/") == ["ada/report.pdf", "bob/report.pdf"]


def test_two_recipients_of_one_name_do_not_overwrite_each_other(world: World) -> None:
    world.send(burst({}, {}, {}, Name="report"))
    world.driver.run()
    keys = keys_in(world, "exports/b/")
    assert len(keys) == 3 and "report.pdf" in keys
    found = [world.export(f"b-{line}").files[0].uri for line in (1, 2, 3)]
    bucket = world.settings.export_bucket
    assert sorted(found, key=str) == [f"s3://{bucket}/exports/b/{key}" for key in keys]


def test_a_repeated_collect_writes_the_same_keys_again(world: World) -> None:
    world.send(burst({}, {}, Name="report"))
    world.driver.run()
    for name in ("b-1", "b-2"):
        export = world.export(name)
        keys = claim_keys(world.services, export, [0])
        assert [address(world, key) for key in keys] == [file.uri for file in export.files]


def test_each_link_opens_the_file_of_its_own_recipient(world: World) -> None:
    """The names of a public report: as a URL, the second is the first, and the third is none."""
    names = {"cust-0001": "x", "cust-0002": "x.pdf?b", "cust-0003": "Invoice #3"}
    people = [{"Name": name} | tagged(customer) for customer, name in names.items()]
    world.send(burst(*people))
    world.driver.run()
    for line, (customer, name) in enumerate(names.items(), start=1):
        (file,) = view(world.services, f"b-{line}").export.files
        assert file.uri == address(world, f"exports/b/{name}.pdf")
        assert customer in text_of(download(world, f"b-{line}"))


def test_cancelling_a_recipient_deletes_no_other_recipients_file(world: World) -> None:
    people = ({"Name": "x"} | tagged("cust-0001"), {"Name": "x.pdf?b"} | tagged("cust-0002"))
    cancel_when_copied(world, "b-2", burst(*people), "exports/b/x.pdf?b")
    assert keys_in(world, "exports/") == ["b/x.pdf"]
    assert "cust-0001" in text_of(download(world, "b-1"))


@pytest.mark.parametrize("first", ["burst", "export"])
def test_an_export_and_a_burst_of_one_id_share_no_file(world: World, first: str) -> None:
    single = message("b", customer="cust-0002", Name="x")
    several = burst({"Name": "x"} | tagged("cust-0001"))
    for body in (several, single) if first == "burst" else (single, several):
        world.send(body)
        world.driver.run()
    assert len(keys_in(world, "exports/b/")) == 2
    assert "cust-0001" in text_of(download(world, "b-1"))
    assert "cust-0002" in text_of(download(world, "b"))


def test_names_that_are_one_file_on_some_disk_are_kept_apart(world: World) -> None:
    names = ["Übersicht", "u\u0308BERSICHT", "übersicht"]
    people = [{"Name": name} | tagged(f"cust-000{n}") for n, name in enumerate(names, start=1)]
    world.send(burst(*people))
    world.driver.run()
    keys = keys_in(world, "exports/b/")
    assert len({fold(key) for key in keys}) == len(keys) == 3
    for line in (1, 2, 3):
        assert f"cust-000{line}" in text_of(download(world, f"b-{line}"))


@pytest.mark.parametrize("is_claimed", [True, False])
def test_an_id_that_is_used_again_after_its_record_is_gone_gets_keys_of_its_own(
    world: World, is_claimed: bool
) -> None:
    """S3 and DynamoDB remove what expired when they come to it; the claim may go first too."""
    for customer in ("cust-0001", "cust-0002", "cust-0003"):
        world.send(message("again", customer=customer, Name="x"))
        world.driver.run()
        assert customer in text_of(download(world, "again"))
        world.clock.sleep(90_000)
        forget(world, "EXPORT#again", *(() if is_claimed else ("OBJECT#",)))
    texts = [text_of(read(world, key)) for key in sorted(keys_in(world, ""), key=len)]
    finished = [text for text in texts if "cust-" in text]
    assert {customer for text in finished for customer in CUSTOMERS if customer in text} == {
        *CUSTOMERS
    }
    assert "x.pdf" in keys_in(world, "exports/again/")
    assert "cust-0001" in text_of(read(world, "exports/again/x.pdf"))
    assert len(keys_in(world, "exports/again/")) == 3


def test_a_later_export_of_the_same_id_discards_no_raw_file_of_the_earlier_one(
    world: World,
) -> None:
    world.send(message("again", Name="x"))
    world.driver.run()
    raw = keys_in(world, "snapshots/again/")
    world.clock.sleep(90_000)
    forget(world, "EXPORT#again")
    cancel_when_copied(world, "again", message("again", Name="x"), "exports/again/x-")
    assert keys_in(world, "snapshots/again/") == raw and len(raw) == 1
    assert keys_in(world, "exports/again/") == ["x.pdf"]


def test_what_a_step_copied_before_it_died_is_taken_back_with_the_export(world: World) -> None:
    """The step dies behind the copy; then the export is cancelled."""
    world.send(burst({"Name": "x"} | tagged("cust-0001")))
    world.driver.run()
    body = message("b", customer="cust-0002", Name="x")
    cancel_when_copied(world, "b", body, "exports/b/x-")
    assert keys_in(world, "exports/") == ["b/x.pdf"]
    assert keys_in(world, "snapshots/b/") == []


def test_the_claim_of_an_older_version_stands(world: World) -> None:
    table = world.services.names._table
    table.write(put_of(("NAMES#b", "exports/b/x.pdf"), {"export_id": "b-2", "expires_at": 2**31}))
    world.send(burst({}, {}, Name="x"))
    world.driver.run()
    found = [world.export(f"b-{line}").files[0].uri for line in (1, 2)]
    assert found == [address(world, "exports/b/x-b-1.pdf"), address(world, "exports/b/x.pdf")]


def test_a_claim_outlives_its_object(world: World) -> None:
    """S3 expires an object at the first midnight UTC after its last day, and not at once."""
    written = world.clock.now()
    expiry = (written // 86_400 + 1 + world.settings.retention_days) * 86_400
    assert world.settings.claim_expires_at(written) >= expiry + 5 * 86_400
    world.send(message("one", Name="x"))
    world.driver.run()
    place = ObjectAddress(world.settings.export_bucket, "exports/one/x.pdf")
    (claim,) = [item for item in items_of(world) if item["pk"]["S"].startswith("OBJECT#")]
    assert int(claim["expires_at"]["N"]) >= expiry
    assert str(world.services.names.owner_of(place)).startswith("one#")


def test_each_file_costs_one_claim(world: World) -> None:
    world.send(message("two", groups=[pdf_group(), visuals_group("CSV", "lines")], Name="x"))
    world.driver.run()
    claims = [item for item in items_of(world) if item["pk"]["S"].startswith("OBJECT#")]
    assert len(claims) == 2


def test_a_prefix_that_is_no_url_is_found_under_its_real_key(world: World) -> None:
    make_bucket(world.session, "allowed-bucket")
    destination = {"BucketName": "allowed-bucket", "BucketPrefix": "what?/", "BucketRegion": REGION}
    body = message("prefix-1")
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {
        "S3Destinations": [{"BucketConfiguration": destination}]
    }
    world.send(body)
    world.driver.run()
    (file,) = world.export("prefix-1").files
    assert file.uri is not None and file.uri.startswith("s3://allowed-bucket/what?/")
    s3 = world.session.client("s3")
    (found,) = s3.list_objects_v2(Bucket="allowed-bucket")["Contents"]
    assert (file.uri, file.size) == (f"s3://allowed-bucket/{found['Key']}", found["Size"])


CUSTOMERS = ("cust-0001", "cust-0002", "cust-0003")


def tagged(customer: str) -> dict[str, Any]:
    return {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": customer}]}


def address(world: World, key: str) -> str:
    return str(ObjectAddress(world.settings.export_bucket, key))


def read(world: World, key: str) -> bytes:
    s3 = world.session.client("s3")
    body: bytes = s3.get_object(Bucket=world.settings.export_bucket, Key=key)["Body"].read()
    return body


def download(world: World, export_id: str) -> bytes:
    """The first file by its signed link."""
    (link, *_) = view(world.services, export_id).downloads
    assert link is not None
    return requests.get(link, timeout=5).content


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def items_of(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.session.client("dynamodb").scan(
        TableName=world.settings.table_name
    )["Items"]
    return found


def forget(world: World, *prefixes: str) -> None:
    """Remove items as their TTL would."""
    for item in items_of(world):
        if item["pk"]["S"].startswith(prefixes):
            world.session.client("dynamodb").delete_item(
                TableName=world.settings.table_name, Key={"pk": item["pk"], "sk": item["sk"]}
            )


class DiedError(Exception):
    """The function was killed."""


def cancel_when_copied(world: World, export_id: str, body: dict[str, Any], copied: str) -> None:
    """Send a request; the step dies that has copied a file to a key that begins with `copied`.

    Then the export is cancelled, and the step repeated.
    """
    files = world.services.files
    collect_file = files.collect

    def dying(uri: str, kind: str, key: str, limit: TimeLimit) -> ExportedFile:
        file = collect_file(uri, kind, key, limit)
        if key.startswith(copied):
            raise DiedError
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "collect", dying)
        world.send(body)
        with pytest.raises(DiedError):
            world.driver.run()
    assert any(key.startswith(copied) for key in keys_in(world, ""))
    cancel(world.services, export_id)
    attempt = world.services.store.attempt(export_id)
    assert attempt is not None
    collect(world.services, export_id, attempt.attempt, attempt.admission)
    world.driver.run()
    assert world.export(export_id).status is Status.CANCELLED
