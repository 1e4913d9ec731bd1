"""Every file opens, and holds only its own customer's rows."""

from __future__ import annotations

from typing import Any

from local.deployed import Deployed
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.rows import customers_in

CUSTOMERS = range(21, 33)


def read(deployed: Deployed, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    content: bytes = deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def three_formats(number: int) -> dict[str, Any]:
    groups = [pdf_group(), visuals_group("EXCEL", "lines"), visuals_group("CSV", "lines")]
    body = message(f"rows-{number}", customer=f"cust-{number:04d}", groups=groups, Name="mine")
    if number % 2:  # an empty destination: QuickSight answers with expiring https addresses
        body["SnapshotConfiguration"]["DestinationConfiguration"] = {}
    return body


def test_pdf_excel_and_csv_show_one_customer_each(deployed: Deployed) -> None:
    deployed.send(*[three_formats(number) for number in CUSTOMERS])
    for number in CUSTOMERS:
        export = deployed.wait_for_export(f"rows-{number}", 120)
        assert export["status"] == "COMPLETED", export
        assert [file["format"] for file in export["files"]] == ["PDF", "EXCEL", "CSV"]
        for file in export["files"]:
            shown = customers_in(read(deployed, file["uri"]), file["format"])
            assert shown == {f"cust-{number:04d}"}, file["uri"]


def test_the_executions_history_holds_ids_only(deployed: Deployed) -> None:
    secret = "cust-0313"
    deployed.send(message("history", customer=secret))
    deployed.wait_for_export("history")
    client = deployed.client("stepfunctions")
    arn = deployed.execution_arn("history")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    history = str([page["events"] for page in pages])
    assert "history" in history
    assert secret not in history and "customer_id" not in history
