"""The exports of a benchmark: the same in every row, so that their job times are the same."""

from __future__ import annotations

from typing import Any

from local.quicksight.dataset import CUSTOMERS
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS

DASHBOARDS = 10
MOST = DASHBOARDS * CUSTOMERS
_SHEET = {"SheetId": "summary", "SelectionScope": "ALL_VISUALS"}


def make_requests(count: int) -> list[dict[str, Any]]:
    """`count` bodies: one PDF each, dashboards in turn, every one for a customer of its own; after
    the last customer each has another dashboard.

    What the emulator draws a job's time from (dashboard, formats, tags) says nothing of the row,
    the order or the time. Raises ValueError for more exports than that makes.
    """
    if not 1 <= count <= MOST:
        raise ValueError(f"from 1 to {MOST} exports, not {count}")
    return [
        {
            "DashboardId": SAMPLE_DASHBOARDS[
                (index + index // CUSTOMERS) % DASHBOARDS
            ].dashboard_id,
            "UserConfiguration": {
                "AnonymousUsers": [
                    {
                        "RowLevelPermissionTags": [
                            {"Key": "customer_id", "Value": f"cust-{index % CUSTOMERS + 1:04}"}
                        ]
                    }
                ]
            },
            "SnapshotConfiguration": {
                "FileGroups": [{"Files": [{"FormatType": "PDF", "SheetSelections": [_SHEET]}]}]
            },
        }
        for index in range(count)
    ]


def as_start(
    body: dict[str, Any], *, account: str, region: str, bucket: str, job_id: str
) -> dict[str, Any]:
    """The arguments of `start_dashboard_snapshot_job` for a body, with its files in a bucket."""
    place = {"BucketName": bucket, "BucketPrefix": "snapshots/", "BucketRegion": region}
    destination = {"S3Destinations": [{"BucketConfiguration": place}]}
    return body | {
        "AwsAccountId": account,
        "SnapshotJobId": job_id,
        "SnapshotConfiguration": body["SnapshotConfiguration"]
        | {"DestinationConfiguration": destination},
    }
