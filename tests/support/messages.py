"""Messages as users send them."""

from __future__ import annotations

from typing import Any


def pdf_group(sheet: str = "summary") -> dict[str, Any]:
    """One PDF of one sheet."""
    return {
        "Files": [
            {
                "FormatType": "PDF",
                "SheetSelections": [{"SheetId": sheet, "SelectionScope": "ALL_VISUALS"}],
            }
        ]
    }


def visuals_group(kind: str, *visuals: str, sheet: str = "details") -> dict[str, Any]:
    """One CSV or EXCEL file of some visuals of one sheet."""
    return {
        "Files": [
            {
                "FormatType": kind,
                "SheetSelections": [
                    {
                        "SheetId": sheet,
                        "SelectionScope": "SELECTED_VISUALS",
                        "VisualIds": list(visuals),
                    }
                ],
            }
        ]
    }


def csv_groups(count: int) -> list[dict[str, Any]]:
    """So many different CSVs (11 at most) of the dashboard `board-pack`."""
    visuals = ("invoices", "orders", "places", "by-status", "by-product", "by-region")
    every = [visuals_group("CSV", visual, sheet="all-tables") for visual in visuals]
    every += [visuals_group("CSV", "lines", sheet=f"part-{number}") for number in range(1, 6)]
    return every[:count]


def message(
    export_id: str | None = "export-1",
    *,
    customer: str = "cust-0001",
    dashboard: str = "sales-overview",
    groups: list[dict[str, Any]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A valid message; `more` are further top-level members."""
    body: dict[str, Any] = {
        "DashboardId": dashboard,
        "UserConfiguration": {
            "AnonymousUsers": [
                {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": customer}]}
            ]
        },
        "SnapshotConfiguration": {"FileGroups": groups or [pdf_group()]},
        **more,
    }
    return body | {"ExportId": export_id} if export_id else body
