"""What starts after its data: on the stack, by the clock's own passes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from local.account.environment import ACCOUNT
from local.deployed import Deployed
from tests.e2e.test_pages import wait_for
from tests.e2e.test_rows import read
from tests.support.bursts import burst, recipient
from tests.support.deployed_api import call_api
from tests.support.messages import message
from tests.support.rows import customers_in

SECONDS = 150.0
"""A pass is made each minute; a job takes some seconds."""


def after(data_sets: Any, otherwise: str) -> dict[str, Any]:
    return {"DataSets": data_sets, "Since": "PT5M", "Until": "PT1H", "Otherwise": otherwise}


def has_status(deployed: Deployed, path: str, status: str) -> bool:
    return bool(call_api(deployed, "GET", path)["Status"] == status)


@pytest.mark.nightly
def test_exports_and_bursts_start_once_their_data_is_refreshed_or_somebody_says_go(
    deployed: Deployed,
) -> None:
    awaited = after("DASHBOARD", "FAIL")
    late = after(["never-made"], "HOLD")
    call_api(deployed, "POST", "/exports", message("awaits", customer="cust-0041", After=awaited))
    call_api(deployed, "POST", "/exports", message("late", customer="cust-0042", After=late))
    people = [recipient(43), recipient(44)]
    call_api(deployed, "POST", "/bursts", burst("people-await", people, After=awaited, Zip=True))
    call_api(deployed, "POST", "/bursts", burst("people-late", [recipient(45)], After=late))
    for path in ("/exports/awaits", "/bursts/people-await"):
        assert has_status(deployed, path, "WAITING_FOR_DATA")
    waiting = call_api(deployed, "GET", "/forecast")["WaitingForData"]
    assert [each["Requests"] for each in waiting if each["DataSetIds"] == ["sales"]] == [2]

    for path in ("/exports/late", "/bursts/people-late"):
        wait_for(partial(has_status, deployed, path, "HELD"), SECONDS)
        call_api(deployed, "POST", f"{path}/release", {})
    deployed.client("quicksight").create_ingestion(
        AwsAccountId=ACCOUNT, DataSetId="sales", IngestionId="this-morning"
    )

    for export_id, customer, outcome in (
        ("late", "cust-0042", "RELEASED"),
        ("awaits", "cust-0041", "READY"),
    ):
        export = deployed.wait_for_export(export_id, SECONDS)
        assert export["status"] == "COMPLETED", export
        (file,) = export["files"]
        assert customers_in(read(deployed, file["uri"]), "PDF") == {customer}
        answer = call_api(deployed, "GET", f"/exports/{export_id}")
        assert answer["Data"]["Outcome"] == outcome
        codes = ["DATA_NOT_READY"] if outcome == "RELEASED" else []
        assert [each["Code"] for each in answer["Warnings"]] == codes
    for burst_id, outcome in (("people-late", "RELEASED"), ("people-await", "READY")):
        wait_for(partial(has_status, deployed, f"/bursts/{burst_id}", "COMPLETED"), SECONDS)
        ended = call_api(deployed, "GET", f"/bursts/{burst_id}")
        assert (ended["Status"], ended["Data"]["Outcome"]) == ("COMPLETED", outcome)
    assert ended["ZipS3Uri"] and read(deployed, ended["ZipS3Uri"])[:2] == b"PK"
