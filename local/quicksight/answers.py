"""The outputs of the three operations."""

from typing import Any

from local.quicksight.downloads import Download, DownloadStore
from local.quicksight.jobs import Delivery, Job, JobError, ResultFault


def start_output(job: Job, request_id: str) -> dict[str, Any]:
    """StartDashboardSnapshotJob's output."""
    return {
        "Arn": job.arn,
        "SnapshotJobId": job.job_id,
        "RequestId": request_id,
        "Status": 200,
    }


def describe_output(job: Job, request_id: str) -> dict[str, Any]:
    """DescribeDashboardSnapshotJob's output: the request echoed, without the tags' values."""
    output = {
        "AwsAccountId": job.members["AwsAccountId"],
        "DashboardId": job.dashboard_id,
        "SnapshotJobId": job.job_id,
        "SnapshotConfiguration": job.members["SnapshotConfiguration"],
        "Arn": job.arn,
        "JobStatus": job.status,
        "CreatedTime": job.created,
        "LastUpdatedTime": job.updated,
        "RequestId": request_id,
        "Status": 200,
    }
    if "UserConfiguration" in job.members:
        output["UserConfiguration"] = _redact(job.members["UserConfiguration"])
    return output


def result_output(
    job: Job, request_id: str, downloads: DownloadStore, now: float
) -> dict[str, Any]:
    """DescribeDashboardSnapshotJobResult's output, with fresh addresses where there are any.

    A failed job has its `ErrorInfo` and no `Result` [? failed-job-result].
    """
    output = {
        "Arn": job.arn,
        "JobStatus": job.status,
        "CreatedTime": job.created,
        "LastUpdatedTime": job.updated,
        "RequestId": request_id,
        "Status": 200,
    }
    if job.error is not None:
        output["ErrorInfo"] = _describe_error(job.error)
    else:
        viewers = "AnonymousUsers" if job.user is None else "RegisteredUsers"
        output["Result"] = {viewers: [{"FileGroups": _file_groups(job, downloads, now)}]}
    return output


def _redact(configuration: dict[str, Any]) -> dict[str, Any]:
    return {"AnonymousUsers": [_tag_keys(user) for user in configuration["AnonymousUsers"]]}


def _tag_keys(user: dict[str, Any]) -> dict[str, Any]:
    if "RowLevelPermissionTags" not in user:
        return {}
    return {"RowLevelPermissionTagKeys": [tag["Key"] for tag in user["RowLevelPermissionTags"]]}


def _file_groups(job: Job, downloads: DownloadStore, now: float) -> list[dict[str, Any]]:
    """In an order of the job's own: nothing promises that of the request [? result-echo]."""
    configuration = job.members["SnapshotConfiguration"]
    destinations = configuration.get("DestinationConfiguration", {}).get("S3Destinations", [])
    place = {"S3DestinationConfiguration": destinations[0]} if destinations else {}
    groups = []
    for index in job.result_order:
        delivery = _describe_delivery(job, job.deliveries[index], downloads, now)
        group = configuration["FileGroups"][index] | {"S3Results": [{**place, **delivery}]}
        groups += _distort(group, job.result_faults.get(index))
    return groups


def _distort(group: dict[str, Any], fault: ResultFault | None) -> list[dict[str, Any]]:
    """The groups that a result lists in place of one."""
    match fault:
        case None:
            return [group]
        case "MISSING":
            return []
        case "REPEATED":
            return [group, group]
        case "TWO_RESULTS":
            return [group | {"S3Results": group["S3Results"] * 2}]
        case "UNKNOWN":
            (file,) = group["Files"]
            selections = [each | {"SheetId": "another"} for each in file["SheetSelections"]]
            return [group | {"Files": [file | {"SheetSelections": selections}]}]


def _describe_delivery(
    job: Job, delivery: Delivery, downloads: DownloadStore, now: float
) -> dict[str, Any]:
    if delivery.error is not None:
        return {"ErrorInfo": [_describe_error(delivery.error)]}
    if delivery.s3_uri is not None:
        return {"S3Uri": delivery.s3_uri}
    download = Download(
        delivery.name,
        delivery.content,
        expires_at=downloads.expiry_of(now),
        seconds=job.download_seconds,
        is_cut=job.cuts_downloads,
    )
    return {"S3Uri": downloads.make_address(download, now)}


def _describe_error(error: JobError) -> dict[str, str]:
    return {"ErrorType": error.error_type, "ErrorMessage": error.message}
