"""What the contract tests have in common: requests, and a client of the running emulator."""

import copy
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from local.quicksight import QuickSightServer

ACCOUNT = "000000000000"

FULL: dict[str, Any] = {
    "AwsAccountId": ACCOUNT,
    "DashboardId": "sales-overview",
    "SnapshotJobId": "job-1",
    "UserConfiguration": {
        "AnonymousUsers": [{"RowLevelPermissionTags": [{"Key": "customer_id", "Value": "*"}]}]
    },
    "SnapshotConfiguration": {
        "FileGroups": [
            {
                "Files": [
                    {
                        "SheetSelections": [
                            {
                                "SheetId": "details",
                                "SelectionScope": "SELECTED_VISUALS",
                                "VisualIds": ["lines"],
                            }
                        ],
                        "FormatType": "CSV",
                    }
                ]
            }
        ],
        "DestinationConfiguration": {
            "S3Destinations": [
                {
                    "BucketConfiguration": {
                        "BucketName": "exports",
                        "BucketPrefix": "a",
                        "BucketRegion": "us-east-1",
                    }
                }
            ]
        },
        "Parameters": {
            "StringParameters": [{"Name": "Region", "Values": ["EMEA"]}],
            "IntegerParameters": [{"Name": "Year", "Values": [2024]}],
            "DecimalParameters": [{"Name": "MinAmount", "Values": [0.5]}],
            "DateTimeParameters": [{"Name": "From", "Values": [1_700_000_000]}],
        },
    },
}
"""A start request with every member of the model, to be written as literal JSON types."""


@dataclass
class Clock:
    """A clock that tests move."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass(frozen=True)
class Service:
    """The running emulator with its clock and a client that neither retries nor validates."""

    server: QuickSightServer
    clock: Clock
    client: Any

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client, xform_name(operation))(**members)
        return answer

    def refusal(self, operation: str, members: dict[str, Any]) -> ClientError | None:
        try:
            self.call(operation, members)
        except ClientError as error:
            return error
        return None


def make_client(url: str, **options: Any) -> Any:
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "parameter_validation": False,
    } | options
    return boto3.client(
        "quicksight",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**settings),
    )


def code_of(error: ClientError | None) -> str | None:
    return error.response["Error"]["Code"] if error else None


def request(job_id: str = "job-1", **changes: Any) -> dict[str, Any]:
    """A start request without destination."""
    members = copy.deepcopy(FULL) | {"SnapshotJobId": job_id} | changes
    del members["SnapshotConfiguration"]["DestinationConfiguration"]
    return members


def ids(job_id: str = "job-1") -> dict[str, Any]:
    return {"AwsAccountId": ACCOUNT, "DashboardId": "sales-overview", "SnapshotJobId": job_id}
