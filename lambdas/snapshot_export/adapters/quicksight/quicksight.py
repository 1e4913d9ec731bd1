"""QuickSight's operations on snapshot jobs, dashboards and data sets: one paced call each, never
repeated in secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.adapters.quicksight.identities import Identities
from snapshot_export.adapters.table.pacer import MAX_WAIT_SECONDS, Pacer
from snapshot_export.domain.dashboard import Definition, Version
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.domain.ingestions import Ingestion
from snapshot_export.domain.results import FileOutcome, FileSelection, ResultGroup
from snapshot_export.domain.row_level_security import (
    DataSetSecurity,
    TagRules,
    enabled_configurations,
)
from snapshot_export.domain.windows import CONNECT_SECONDS, READ_SECONDS
from snapshot_export.errors import (
    JobExistsError,
    JobNotEndedError,
    JobNotFoundError,
    QuickSightError,
    QuickSightThrottledError,
    QuickSightUnavailableError,
    RefusedError,
    SlotsTakenError,
)
from snapshot_export.metric import Metric

if TYPE_CHECKING:
    from mypy_boto3_quicksight import QuickSightClient

CLIENT_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""No retries by botocore: its standard mode would repeat starts on LimitExceededException."""

RESULT_MEMBERS = ("JobStatus", "Result", "ErrorInfo")
"""Of DescribeDashboardSnapshotJobResult's answer, those that JobResult is made of: JSON."""
MAX_INGESTIONS = 100
"""What ListIngestions answers with at most."""

_ERRORS: dict[str, type[QuickSightError]] = {
    "Throttling": QuickSightThrottledError,
    "LimitExceeded": SlotsTakenError,
    "ResourceExists": JobExistsError,
    "ResourceNotFound": JobNotFoundError,
    "PreconditionNotMet": JobNotEndedError,
    "InternalFailure": QuickSightUnavailableError,
}

logger = Logger(child=True)

_COUNTED: dict[type[QuickSightError], Metric] = {
    QuickSightThrottledError: Metric.QUICKSIGHT_THROTTLED,
    SlotsTakenError: Metric.QUICKSIGHT_LIMIT_EXCEEDED,
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A snapshot job as QuickSight describes it. Times are epoch seconds."""

    status: str
    created_at: float
    updated_at: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Job:
        """As DescribeDashboardSnapshotJob and DescribeDashboardSnapshotJobResult answer it."""
        return cls(
            status=answer["JobStatus"],
            created_at=_epoch(answer["CreatedTime"]),
            updated_at=_epoch(answer["LastUpdatedTime"]),
        )

    @property
    def has_ended(self) -> bool:
        """COMPLETED or FAILED."""
        return self.status in ("COMPLETED", "FAILED")


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job made, in no order (domain/results.py). `error` is the job's own."""

    status: str
    groups: tuple[ResultGroup, ...]
    error: ErrorInfo | None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> JobResult:
        """As DescribeDashboardSnapshotJobResult answers it."""
        result = answer.get("Result", {})
        users = [*result.get("AnonymousUsers", []), *result.get("RegisteredUsers", [])]
        return cls(
            status=answer["JobStatus"],
            groups=tuple(
                _group_of(group) for user in users for group in user.get("FileGroups", [])
            ),
            error=_error_of([answer["ErrorInfo"]] if answer.get("ErrorInfo") else []),
        )


class QuickSight:
    """The operations in one account. Every exception leaves as one of errors.py.

    `client` gives the client to call with: its credentials may end.
    """

    def __init__(
        self,
        client: Callable[[], QuickSightClient],
        account_id: str,
        pacer: Pacer,
        identities: Identities,
        measure: Callable[[Metric, float], None],
        user: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._pacer = pacer
        self._identities = identities
        self._measure = measure
        self._user = user

    def as_user(self, user: Mapping[str, str]) -> QuickSight:
        """The same operations, called with a registered user's credentials."""
        return QuickSight(
            self._client, self._account_id, self._pacer, self._identities, self._measure, user
        )

    def start(
        self, dashboard_id: str, job_id: str, snapshot: dict[str, Any], *, send_by: float
    ) -> None:
        """StartDashboardSnapshotJob. `snapshot` holds its configuration members.

        With a registered user's credentials UserConfiguration is absent. It is sent before
        `send_by` (epoch seconds) or not at all: then NoTurnError.
        """
        sent = {name: value for name, value in snapshot.items() if name != "RegisteredUser"}
        request = self._ids(dashboard_id, job_id) | sent
        self._call("start_dashboard_snapshot_job", request, by=send_by)

    def describe(
        self, dashboard_id: str, job_id: str, *, patience: float = MAX_WAIT_SECONDS
    ) -> Job:
        """DescribeDashboardSnapshotJob. Raises NoTurnError if its turn comes after `patience`."""
        return Job.of(
            self._call("describe_dashboard_snapshot_job", self._ids(dashboard_id, job_id), patience)
        )

    def find(self, dashboard_id: str, job_id: str) -> Job | None:
        """The job, or None if QuickSight knows none of this id."""
        try:
            return self.describe(dashboard_id, job_id)
        except JobNotFoundError:
            return None

    def result(
        self, dashboard_id: str, job_id: str, *, patience: float = MAX_WAIT_SECONDS
    ) -> dict[str, Any]:
        """DescribeDashboardSnapshotJobResult: the job, and every file of every user and file group,
        to be read by `Job.of` and `JobResult.of`.

        Raises JobNotEndedError before the job's end, and NoTurnError if its turn comes after
        `patience`.
        """
        return self._call(
            "describe_dashboard_snapshot_job_result", self._ids(dashboard_id, job_id), patience
        )

    def version(self, dashboard_id: str, *, patience: float) -> Version:
        """DescribeDashboard: the published version.

        Raises NoTurnError if its turn comes after `patience` seconds, JobNotFoundError without
        such a dashboard.
        """
        request = {"AwsAccountId": self._account_id, "DashboardId": dashboard_id}
        return Version.of(self._call("describe_dashboard", request, patience)["Dashboard"])

    def definition(self, dashboard_id: str, version: int, *, patience: float) -> Definition:
        """DescribeDashboardDefinition of this version. Raises as `version` does, and RefusedError
        with the reason where QuickSight answers without a definition."""
        request = {
            "AwsAccountId": self._account_id,
            "DashboardId": dashboard_id,
            "VersionNumber": version,
        }
        answer = self._call("describe_dashboard_definition", request, patience)
        if "Definition" not in answer:
            errors = [each.get("Type") for each in answer.get("Errors", ())]
            raise RefusedError(next(filter(None, errors), answer.get("ResourceStatus", "UNKNOWN")))
        return Definition.of(version, answer["Definition"])

    def data_set_security(self, data_set_id: str, *, patience: float) -> DataSetSecurity:
        """DescribeDataSet: its enabled tag rules. Raises as `version` does."""
        request = {"AwsAccountId": self._account_id, "DataSetId": data_set_id}
        data_set = self._call("describe_data_set", request, patience)["DataSet"]
        enabled = enabled_configurations(data_set)
        return DataSetSecurity(data_set_id=data_set_id, tag_rules=tuple(map(TagRules.of, enabled)))

    def import_mode(self, data_set_id: str, *, patience: float) -> str:
        """DescribeDataSet: SPICE or DIRECT_QUERY. Raises as `version` does."""
        request = {"AwsAccountId": self._account_id, "DataSetId": data_set_id}
        data_set = self._call("describe_data_set", request, patience)["DataSet"]
        return str(data_set.get("ImportMode", "SPICE"))

    def ingestions(self, data_set_id: str, *, patience: float) -> tuple[Ingestion, ...]:
        """ListIngestions: the refreshes on its first page, in no order. Raises as `version` does.

        One user may call it 5 times a second, an account 25 times (API reference,
        "ListIngestions").
        """
        request = {
            "AwsAccountId": self._account_id,
            "DataSetId": data_set_id,
            "MaxResults": MAX_INGESTIONS,
        }
        answer = self._call("list_ingestions", request, patience)
        return tuple(map(Ingestion.of, answer.get("Ingestions", ())))

    def _ids(self, dashboard_id: str, job_id: str) -> dict[str, str]:
        return {
            "AwsAccountId": self._account_id,
            "DashboardId": dashboard_id,
            "SnapshotJobId": job_id,
        }

    def _call(
        self,
        operation: str,
        request: Mapping[str, Any],
        patience: float = MAX_WAIT_SECONDS,
        *,
        by: float | None = None,
    ) -> dict[str, Any]:
        if self._user is None:
            client = self._client()
        else:
            client = self._identities.client_for(self._user, self._pacer)
        self._pacer.take_turn(patience, by=by)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**request)
            return answer
        except ClientError as error:
            known = _translate(error)
            if type(known) in _COUNTED:
                self._measure(_COUNTED[type(known)], 1)
            if isinstance(known, QuickSightThrottledError):
                self._slow_down()
            raise known from None
        except BotoCoreError as error:
            raise QuickSightUnavailableError(type(error).__name__) from None

    def _slow_down(self) -> None:
        if (pace := self._pacer.slow_down()) is not None:
            self._measure(Metric.CALLS_PER_SECOND, pace)
            logger.warning("calls slowed down", reason="throttled", calls_per_second=pace)


def _group_of(group: dict[str, Any]) -> ResultGroup:
    return ResultGroup(
        files=tuple(map(FileSelection.of, group.get("Files", []))),
        outcomes=tuple(
            FileOutcome(
                uri=result.get("S3Uri") or None, error=_error_of(result.get("ErrorInfo", []))
            )
            for result in group.get("S3Results", [])
        ),
    )


def _error_of(infos: list[dict[str, str]]) -> ErrorInfo | None:
    if not infos:
        return None
    messages = "; ".join(info["ErrorMessage"] for info in infos if info.get("ErrorMessage"))
    return ErrorInfo(infos[0].get("ErrorType") or "UNKNOWN", messages)


def _translate(error: ClientError) -> QuickSightError:
    code = error.response["Error"]["Code"].removesuffix("Exception")
    message = error.response["Error"].get("Message") or ""
    http = error.response["ResponseMetadata"]["HTTPStatusCode"]
    known = _ERRORS.get(code)
    if known is None and (http >= 500 or http == 429):
        known = QuickSightThrottledError if http == 429 else QuickSightUnavailableError
    return (known or RefusedError)(code, message)


def _epoch(moment: datetime) -> float:
    return moment.timestamp()
