"""The course that an accepted start will take."""

import math
import random
from typing import Any

from local.quicksight.account import Account
from local.quicksight.durations import draw_job_seconds, name_viewer
from local.quicksight.jobs import Job, JobError
from local.quicksight.settings import Settings
from local.quicksight.switches import (
    CutDownload,
    FailFile,
    FailJob,
    HangJob,
    JobSeconds,
    SlowDownload,
    SwitchBoard,
    WrongResult,
)


def plan_job(members: dict[str, Any], user: str | None, account: Account, now: float) -> Job:
    """A job that is QUEUED for a moment and takes the time drawn for it."""
    settings = account.settings
    dashboard_id, job_id = members["DashboardId"], members["SnapshotJobId"]
    files = [group["Files"][0] for group in members["SnapshotConfiguration"]["FileGroups"]]
    formats = "+".join(sorted({file["FormatType"] for file in files}))
    by_viewer = settings.durations == "by-viewer"
    which = (
        name_viewer(members, user) if by_viewer else account.book.count_alike(dashboard_id, formats)
    )
    drawn = draw_job_seconds(settings.seed, list(account.dashboards), dashboard_id, formats, which)
    seconds = drawn * settings.time_scale
    return Job(
        members=members,
        arn=f"{settings.arn_of_dashboard(dashboard_id)}/snapshot-job/{job_id}",
        formats=formats,
        result_order=_draw_order(len(files), f"{settings.seed}/{dashboard_id}/{job_id}"),
        user=user,
        created=now,
        updated=now,
        seconds=seconds,
        runs_at=now + min(settings.queued_seconds * settings.time_scale, seconds / 4),
        ends_at=now + seconds,
        leads=_draw_leads(
            len(files), f"{settings.seed}/{dashboard_id}/{job_id}", settings, seconds
        ),
    )


def _draw_leads(count: int, seed: str, settings: Settings, seconds: float) -> list[float]:
    """One for each file: they come at different times."""
    random_of_job = random.Random(f"{seed}/leads")
    shortest, longest = settings.shortest_lead_seconds, settings.longest_lead_seconds
    return [min(random_of_job.uniform(shortest, longest), seconds / 2) for _ in range(count)]


def _draw_order(count: int, seed: str) -> list[int]:
    return random.Random(seed).sample(range(count), count)


def apply_switches(job: Job, switches: SwitchBoard) -> None:
    """Fire the switches that change a job's course."""
    if exact := switches.take(JobSeconds, job):
        job.seconds = exact.seconds
        job.runs_at = min(job.runs_at, job.created + exact.seconds / 4)
        job.ends_at = job.created + exact.seconds
        job.leads = [min(lead, exact.seconds / 2) for lead in job.leads]
    if failure := switches.take(FailJob, job):
        job.error = JobError(failure.error_type, failure.error_message)
    for file_failure in switches.take_each(FailFile, job):
        error = JobError(file_failure.error_type, file_failure.error_message)
        job.file_errors[file_failure.file_group] = error
    for wrong in switches.take_each(WrongResult, job):
        job.result_faults[wrong.file_group] = wrong.fault
    if slow := switches.take(SlowDownload, job):
        job.download_seconds = slow.seconds
    job.cuts_downloads = switches.take(CutDownload, job) is not None
    if switches.take(HangJob, job):
        job.ends_at = math.inf
