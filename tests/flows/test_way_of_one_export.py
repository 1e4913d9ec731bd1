"""An accepted message becomes files under the user's name, and leaves nothing behind."""

from __future__ import annotations

import io
import json

import pytest
from pypdf import PdfReader

from snapshot_export.domain.export import Status
from tests.support.messages import csv_groups, message, pdf_group, visuals_group
from tests.support.world import World, make_bucket


def read(world: World, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return world.session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def test_three_formats_in_one_job_are_all_collected_under_the_users_name(world: World) -> None:
    groups = [pdf_group(), visuals_group("EXCEL", "lines"), visuals_group("CSV", "lines")]
    world.send(message("all-formats", groups=groups, Name="reports/Monday"))
    world.driver.run()
    export = world.export("all-formats")
    assert export.status is Status.COMPLETED, export.error
    bucket = world.settings.export_bucket
    assert [file.uri for file in export.files] == [
        f"s3://{bucket}/exports/all-formats/reports/Monday{suffix}"
        for suffix in (".pdf", ".xlsx", ".csv")
    ]
    assert all(file.size for file in export.files)


def test_five_csvs_keep_five_files(world: World) -> None:
    world.send(message("five", dashboard="board-pack", groups=csv_groups(5)))
    world.driver.run()
    assert [file.uri and file.uri.rsplit("/", 1)[1] for file in world.export("five").files] == [
        f"board-pack-{number}.csv" for number in range(1, 6)
    ]


HEADERS = (
    "customer_id,customer,invoice_id,date,status,amount",
    "customer_id,invoice_id,date,product,quantity,amount",
    "customer_id,customer,region,amount",
    "customer_id,status,2023,2024,2025",
    "customer_id,product,2023,2024,2025",
    "customer_id,region,2023,2024,2025",
)
"""Of `csv_groups(6)`: no two of them look alike."""


@pytest.mark.parametrize("to", ["bucket", "addresses"])
def test_every_file_has_the_name_of_what_it_holds_in_whatever_order_they_come(
    world: World, to: str
) -> None:
    body = message("named", dashboard="board-pack", groups=csv_groups(6))
    if to == "addresses":
        body["SnapshotConfiguration"]["DestinationConfiguration"] = {}
    world.send(body)
    world.driver.run()
    export = world.export("named")
    assert export.status is Status.COMPLETED, export.error
    texts = [read(world, file.uri or "").decode() for file in export.files]
    assert tuple(text.splitlines()[0] for text in texts) == HEADERS
    assert [file.uri and file.uri.rsplit("/", 1)[1] for file in export.files] == [
        f"board-pack-{number}.csv" for number in range(1, 7)
    ]


def test_a_finished_export_leaves_no_lease_no_attempt_and_an_expiry(world: World) -> None:
    world.send(message("clean"))
    world.driver.run()
    gate, attempts = world.services.store.in_flight()
    assert (gate.running, attempts) == (0, ())
    item = world.services.store._table.get(world.keys.export("clean"))
    assert item is not None
    assert item["expires_at"] == pytest.approx(item["finished_at"] + 30 * 86_400, abs=2)


def test_results_behind_expiring_addresses_are_copied_out(world: World) -> None:
    body = message("presigned")
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {}
    world.send(body)
    world.driver.run()
    export = world.export("presigned")
    assert export.status is Status.COMPLETED, export.error
    (file,) = export.files
    assert file.uri is not None
    assert file.uri.startswith(f"s3://{world.settings.export_bucket}/exports/presigned/")
    assert "cust-0001" in PdfReader(io.BytesIO(read(world, file.uri))).pages[0].extract_text()


def test_files_for_an_allowed_bucket_stay_where_quicksight_put_them(world: World) -> None:
    make_bucket(world.session, "allowed-bucket")
    body = message("elsewhere")
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {
        "S3Destinations": [
            {
                "BucketConfiguration": {
                    "BucketName": "allowed-bucket",
                    "BucketPrefix": "mine",
                    "BucketRegion": "us-east-1",
                }
            }
        ]
    }
    world.send(body)
    world.driver.run()
    (file,) = world.export("elsewhere").files
    assert file.uri is not None
    assert file.uri.startswith("s3://allowed-bucket/mine/")
    assert file.size == len(read(world, file.uri))


def test_every_customer_gets_only_their_own_rows(world: World) -> None:
    for number in range(1, 6):
        customer = f"cust-{number:04d}"
        groups = [visuals_group("CSV", "lines")]
        world.send(message(f"rows-{number}", customer=customer, groups=groups))
    world.driver.run()
    for number in range(1, 6):
        (file,) = world.export(f"rows-{number}").files
        assert file.uri is not None
        lines = read(world, file.uri).decode().splitlines()[1:]
        assert lines
        assert all(f"cust-{number:04d}" in line for line in lines)


def test_the_input_of_executions_is_ids_only(world: World) -> None:
    world.send(message("ids-only", customer="cust-0042"))
    client = world.session.client("stepfunctions")
    (execution,) = client.list_executions(stateMachineArn=world.settings.state_machine_arn)[
        "executions"
    ]
    text = client.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(text) == {"ExportId": "ids-only", "Attempt": 1, "Admission": 1}


def test_nine_csvs_are_two_jobs_and_one_export(world: World) -> None:
    world.send(message("nine", dashboard="board-pack", groups=csv_groups(9), Name="pack"))
    world.driver.run()
    export = world.export("nine")
    assert (export.status, export.attempt) == (Status.COMPLETED, 2)
    assert [file.uri and file.uri.rsplit("/", 1)[1] for file in export.files] == [
        f"pack-{number}.csv" for number in range(1, 10)
    ]
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1, 1]


def test_a_part_that_fails_once_is_repeated_alone(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="again-2", ErrorType="INTERNAL_FAILURE")
    world.send(message("again", dashboard="board-pack", groups=csv_groups(9)))
    world.driver.run()
    export = world.export("again")
    assert (export.status, export.attempt, len(export.files)) == (Status.COMPLETED, 3, 9)
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1, 1, 1]


def test_a_part_that_fails_for_good_keeps_the_files_of_the_parts_before(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="half-2", ErrorType="DATASET_DELETED")
    world.send(message("half", dashboard="board-pack", groups=csv_groups(9)))
    world.driver.run()
    export = world.export("half")
    assert export.status is Status.FAILED
    assert [bool(file.uri) for file in export.files] == [True] * 5
