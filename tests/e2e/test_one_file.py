"""A whole dashboard is one PDF: on the stack, with the functions as they are bundled."""

from __future__ import annotations

from typing import Any

from local.deployed import Deployed
from tests.e2e.test_pages import wait_for
from tests.e2e.test_rows import read
from tests.support.bursts import recipient
from tests.support.deployed_api import call_api
from tests.support.messages import message
from tests.support.rows import bookmarks_of, customers_in


def whole(export_id: str, customer: str, **more: Any) -> dict[str, Any]:
    merge = {"FormatType": "PDF", "Sheets": "ALL"}
    body = message(export_id, customer=customer, Merge=merge, Name="board", **more)
    del body["SnapshotConfiguration"]
    return body


def test_a_customer_without_rows_gets_no_file_and_the_burst_says_so(deployed: Deployed) -> None:
    probe = {"SheetId": "details", "VisualId": "lines"}
    body = message(None, IfEmpty="SKIP", Probe=probe, Name="{recipient}")
    del body["UserConfiguration"]
    recipients = [recipient(41), recipient(9999)]
    deployed.send({"Burst": {"BurstId": "quiet", "Template": body, "Recipients": recipients}})
    for line in (1, 2):
        deployed.wait_for_export(f"quiet-{line}", 180)
    wait_for(lambda: call_api(deployed, "GET", "/bursts/quiet")["FinishedAt"])
    burst = call_api(deployed, "GET", "/bursts/quiet")
    assert (burst["Status"], burst["Counts"]["Completed"], burst["Empty"]) == ("COMPLETED", 2, 1)
    counts = {line: deployed.wait_for_export(f"quiet-{line}")["files"] for line in (1, 2)}
    (file,) = counts[1]
    assert customers_in(read(deployed, file["uri"]), "PDF") == {"cust-0041"}
    assert counts[2] == []


def test_all_sheets_of_a_dashboard_are_one_pdf_of_one_customer(deployed: Deployed) -> None:
    customers = {"merged-1": "cust-0041", "merged-2": "cust-0042"}
    deployed.send(*[whole(*each) for each in customers.items()])
    for export_id, customer in customers.items():
        export = deployed.wait_for_export(export_id, 180)
        assert export["status"] == "COMPLETED", export
        (file,) = export["files"]
        assert file["uri"].endswith(f"/exports/{export_id}/board.pdf")
        content = read(deployed, file["uri"])
        titles = [title for title, _ in bookmarks_of(content)]
        assert titles == ["Übersicht #1?", "詳細 50 % + more"]
        assert customers_in(content, "PDF") == {customer}
