"""What the operations do to the account's jobs."""

from typing import Any

from local.quicksight.account import Account
from local.quicksight.account_reads import check_access, check_identity_region, read_account
from local.quicksight.answers import describe_output, result_output, start_output
from local.quicksight.api_request import ApiRequest
from local.quicksight.authorization import Caller
from local.quicksight.downloads import DownloadStore
from local.quicksight.errors import ServiceError
from local.quicksight.identities import Identities
from local.quicksight.ingestions import Ingestions
from local.quicksight.jobs import Job
from local.quicksight.planning import apply_switches, plan_job
from local.quicksight.rules import check_plan, check_selections, check_start, invalid
from local.quicksight.service_model import (
    DESCRIBE,
    IDENTITY,
    READS,
    REFRESH,
    REFRESHED,
    REFRESHES,
    RESULT,
    START,
)
from local.quicksight.switches import SwitchBoard
from local.quicksight.validation import read_members

_JOB = "DASHBOARD_SNAPSHOT_JOB"


class Operations:
    """The operations on one account; not thread-safe."""

    def __init__(
        self,
        account: Account,
        switches: SwitchBoard,
        downloads: DownloadStore,
        identities: Identities,
    ) -> None:
        self._account = account
        self._switches = switches
        self._downloads = downloads
        self._identities = identities
        self._ingestions = Ingestions(account, switches)

    def perform(
        self, request: ApiRequest, caller: Caller, request_id: str, now: float
    ) -> dict[str, Any]:
        """The operation's output; raises ServiceError."""
        members = _read_members(request)
        name = request.known_operation().name
        check_access(self._account.settings, name, members["AwsAccountId"], caller.account)
        if name in READS:
            return read_account(name, members, self._account, request_id)
        if name == START:
            return start_output(self._start(members, caller, now), request_id)
        if name == DESCRIBE:
            return describe_output(self._find(members, caller), request_id)
        if name == RESULT:
            job = self._find_ended(members, caller)
            return result_output(job, request_id, self._downloads, now)
        if name == IDENTITY:
            check_identity_region(self._account.settings)
            token = self._identities.give_context(members, now)
            return {"Context": token, "RequestId": request_id, "Status": 200}
        if name == REFRESH:
            return {
                **self._ingestions.create(request, members, now),
                "RequestId": request_id,
                "Status": 201,
            }
        if name == REFRESHED:
            return {
                **self._ingestions.describe(members, now),
                "RequestId": request_id,
                "Status": 200,
            }
        if name == REFRESHES:
            return {**self._ingestions.list(members, now), "RequestId": request_id, "Status": 200}
        raise NotImplementedError(name)

    def refresh(self, data_set_id: str, now: float) -> None:
        """Complete a refresh of a data set, without a call."""
        self._ingestions.complete(data_set_id, now)

    def _start(self, members: dict[str, Any], caller: Caller, now: float) -> Job:
        settings = self._account.settings
        check_plan(members, user=caller.user, settings=settings)
        check_start(members, user=caller.user, settings=settings)
        check_selections(members, self._account.dashboard(members["DashboardId"]))
        self._check_id(members, now)
        if self._account.is_full(now):
            message = f"{settings.limit} snapshot jobs are running in this account."
            raise ServiceError("LimitExceededException", message, resource_type=_JOB)
        job = plan_job(members, caller.user, self._account, now)
        apply_switches(job, self._switches)
        self._account.begin(job)
        return job

    def _check_id(self, members: dict[str, Any], now: float) -> None:
        """An id is in use while its job runs and for 24 hours after [? id-in-use-24h]."""
        job = self._account.book.find(members["DashboardId"], members["SnapshotJobId"])
        if job is None:
            return
        if job.ended is None or now < job.ended + self._account.settings.id_reuse_seconds:
            message = f"Dashboard Snapshot Job with id {job.job_id} already exists."
            raise ServiceError("ResourceExistsException", message, resource_type=_JOB)

    def _find(self, members: dict[str, Any], caller: Caller) -> Job:
        self._account.dashboard(members["DashboardId"])
        job = self._account.book.find(members["DashboardId"], members["SnapshotJobId"])
        if job is None:
            message = f"Dashboard Snapshot Job with id {members['SnapshotJobId']} is not found."
            raise ServiceError("ResourceNotFoundException", message, resource_type=_JOB)
        if job.user != caller.user:
            raise ServiceError("AccessDeniedException", "A different user started the job.")
        return job

    def _find_ended(self, members: dict[str, Any], caller: Caller) -> Job:
        job = self._find(members, caller)
        if job.ended is None:
            message = (
                f"Dashboard Snapshot Job with id {job.job_id} has not reached a terminal state."
            )
            raise ServiceError("PreconditionNotMetException", message)
        return job


def _read_members(request: ApiRequest) -> dict[str, Any]:
    """The validated members.

    Where InvalidParameterValueException is not documented (DescribeDashboardSnapshotJob), an id
    that breaks the model's bounds is not found [? describe-of-bad-id].
    """
    operation = request.known_operation()
    members, violations = read_members(operation.input_shape, request.members)
    if message := request.defect or "; ".join(violations):
        if operation.documents("InvalidParameterValueException"):
            raise invalid(message)
        raise ServiceError("ResourceNotFoundException", message)
    return members
