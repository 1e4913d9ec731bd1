"""What the emulator's tests have in common: a clock, requests, and calls without HTTP."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.quicksight import Emulator
from local.quicksight.api_request import ApiRequest
from local.quicksight.service_model import DESCRIBE, RESULT, START, load_operations

ACCOUNT = "000000000000"
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/quicksight/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)

PDF = {
    "FormatType": "PDF",
    "SheetSelections": [{"SheetId": "details", "SelectionScope": "ALL_VISUALS"}],
}


@dataclass
class Clock:
    """A clock that a test sets."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@dataclass(frozen=True)
class Answer:
    """An answer, or the name of its exception."""

    status: int
    error: str | None
    body: dict[str, Any]


def tabular(file_format: str, *visual_ids: str, sheet: str = "details") -> dict[str, Any]:
    """A CSV or EXCEL file of visuals of one sheet."""
    selection = {"SheetId": sheet, "SelectionScope": "SELECTED_VISUALS"}
    return {
        "FormatType": file_format,
        "SheetSelections": [{**selection, "VisualIds": list(visual_ids or ["lines"])}],
    }


def start_members(
    job_id: str = "job-1",
    *,
    dashboard_id: str = "sales-overview",
    files: tuple[dict[str, Any], ...] = (PDF,),
    tags: tuple[tuple[str, str], ...] = (("customer_id", "cust-0007"),),
    bucket: str | None = None,
    prefix: str = "reports/",
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of a start request; without a bucket there is no destination."""
    configuration: dict[str, Any] = {"FileGroups": [{"Files": [file]} for file in files]}
    if bucket:
        place = {"BucketName": bucket, "BucketPrefix": prefix, "BucketRegion": "us-east-1"}
        destinations = [{"BucketConfiguration": place}]
        configuration["DestinationConfiguration"] = {"S3Destinations": destinations}
    if parameters:
        configuration["Parameters"] = parameters
    permission = {"RowLevelPermissionTags": [{"Key": k, "Value": v} for k, v in tags]}
    return {
        "AwsAccountId": ACCOUNT,
        "DashboardId": dashboard_id,
        "SnapshotJobId": job_id,
        "UserConfiguration": {"AnonymousUsers": [permission if tags else {}]},
        "SnapshotConfiguration": configuration,
    }


def groups_of(answer: Answer, files: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The file groups of a result that stand for these files, in their order."""
    (user,) = answer.body["Result"]["AnonymousUsers"]
    groups = [*user["FileGroups"]]
    return [groups.pop([group["Files"] for group in groups].index([file])) for file in files]


@dataclass
class Caller:
    """Signed calls to an emulator in this process."""

    emulator: Emulator
    session_token: str | None = None
    dashboard_id: str = field(default="sales-overview")

    def call(self, operation: str, members: dict[str, Any]) -> Answer:
        """One call; its answer must not be lost."""
        request = ApiRequest(
            operation=load_operations()[operation],
            members=members,
            authorization=SIGNED,
            session_token=self.session_token,
        )
        answer = self.emulator.call(request)
        assert answer is not None
        return Answer(
            answer.status, answer.headers.get("x-amzn-errortype"), json.loads(answer.body)
        )

    def start(self, job_id: str = "job-1", **changes: Any) -> Answer:
        """Start a job of `start_members`."""
        changes.setdefault("dashboard_id", self.dashboard_id)
        return self.call(START, start_members(job_id, **changes))

    def describe(self, job_id: str = "job-1") -> Answer:
        """Describe a job."""
        return self.call(DESCRIBE, self._ids(job_id))

    def result(self, job_id: str = "job-1") -> Answer:
        """Ask for a job's result."""
        return self.call(RESULT, self._ids(job_id))

    def _ids(self, job_id: str) -> dict[str, Any]:
        return {
            "AwsAccountId": ACCOUNT,
            "DashboardId": self.dashboard_id,
            "SnapshotJobId": job_id,
        }
