"""Refresh a data set in SPICE, wait for it, then submit a burst of the refreshed data.

python examples/after_refresh.py DATA_SET_ID burst.json

A refresh has the day's id, so running the program again on the same day waits for the same refresh
and submits the same burst: nothing is refreshed or exported twice.
"""

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from send_message import send


def refresh(quicksight: Any, account: str, data_set: str, refresh_id: str) -> None:
    """Start a refresh unless it has been started, and wait for its end.

    Raises RuntimeError if it did not complete. Source: Amazon QuickSight API reference,
    CreateIngestion (32 a day in Enterprise edition) and DescribeIngestion.
    """
    known = {"AwsAccountId": account, "DataSetId": data_set, "IngestionId": refresh_id}
    with suppress(quicksight.exceptions.ResourceExistsException):
        quicksight.create_ingestion(**known)
    while True:
        ingestion = quicksight.describe_ingestion(**known)["Ingestion"]
        status = ingestion["IngestionStatus"]
        if status == "COMPLETED":
            return
        if status in ("FAILED", "CANCELLED"):
            reason = ingestion.get("ErrorInfo", {}).get("Type", "no reason given")
            raise RuntimeError(f"the refresh {refresh_id} is {status}: {reason}")
        time.sleep(5)


def main(data_set: str, burst_file: str) -> None:
    """The burst's id is that of the refresh, with its data set."""
    refresh_id = f"{datetime.now(UTC):%Y-%m-%d}"
    account = boto3.client("sts").get_caller_identity()["Account"]
    refresh(boto3.client("quicksight"), account, data_set, refresh_id)
    burst = json.loads(Path(burst_file).read_text(encoding="utf-8"))
    send([{"Burst": {**burst, "BurstId": f"{data_set}-{refresh_id}"}}])


if __name__ == "__main__":
    main(*sys.argv[1:])
