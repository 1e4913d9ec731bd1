"""A whole dashboard is one PDF: on the stack, with the functions as they are bundled."""

from __future__ import annotations

from typing import Any

from local.deployed import Deployed
from tests.e2e.test_rows import read
from tests.support.messages import message
from tests.support.rows import bookmarks_of, customers_in


def whole(export_id: str, customer: str, **more: Any) -> dict[str, Any]:
    merge = {"FormatType": "PDF", "Sheets": "ALL"}
    body = message(export_id, customer=customer, Merge=merge, Name="board", **more)
    del body["SnapshotConfiguration"]
    return body


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
