"""Snapshot jobs and their states: QUEUED, RUNNING, then COMPLETED or FAILED."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["QUEUED", "RUNNING", "COMPLETED", "FAILED"]


ResultFault = Literal["MISSING", "REPEATED", "UNKNOWN", "TWO_RESULTS"]
"""How a result lists a file wrongly: not at all, in two groups, as a file of another sheet, with
two results."""


@dataclass(frozen=True)
class JobError:
    """An error of a job or of one file."""

    error_type: str
    message: str


@dataclass(frozen=True)
class RenderedFile:
    """A file before it is delivered, with the title of what it shows."""

    title: str
    suffix: str
    content: bytes


@dataclass(frozen=True)
class Delivery:
    """Where one file is: in a bucket (`s3_uri`), kept for download (`content`), or nowhere."""

    name: str = ""
    s3_uri: str | None = None
    content: bytes = b""
    error: JobError | None = None


@dataclass(kw_only=True)
class Job:
    """One run of a snapshot job; times in seconds of the emulator's clock.

    `members` is the accepted request. `ends_at` is when QuickSight's work is done, infinite while
    the job hangs; the job turns terminal then, or once its files are delivered if that is later.
    `leads` are how long before that each file's delivery begins.
    `result_order` is the order in which its result lists the request's file groups.
    """

    members: dict[str, Any]
    arn: str
    formats: str
    result_order: Sequence[int]
    user: str | None
    created: float
    seconds: float
    runs_at: float
    ends_at: float
    leads: Sequence[float]
    status: Status = "QUEUED"
    updated: float = 0.0
    ended: float | None = None
    error: JobError | None = None
    file_errors: dict[int, JobError] = field(default_factory=dict)
    result_faults: dict[int, ResultFault] = field(default_factory=dict)
    download_seconds: float = 0.0
    cuts_downloads: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    rendering: Future[list[RenderedFile]] | None = None
    delivering: dict[int, Future[tuple[Delivery, float]]] = field(default_factory=dict)

    @property
    def dashboard_id(self) -> str:
        """The dashboard it is a snapshot of."""
        return str(self.members["DashboardId"])

    @property
    def job_id(self) -> str:
        """The id that the caller gave it."""
        return str(self.members["SnapshotJobId"])

    @property
    def hangs(self) -> bool:
        """Whether it will not end until it is released."""
        return math.isinf(self.ends_at)

    def files_due(self, now: float) -> list[int]:
        """Positions of the files whose delivery shall begin by `now` and has not begun."""
        if self.error is not None:
            return []
        return [
            position
            for position, lead in enumerate(self.leads)
            if position not in self.delivering and now >= self.ends_at - lead
        ]

    def end(self, status: Status, time: float) -> None:
        """Turn terminal."""
        self.status, self.updated, self.ended = status, time, time


class JobBook:
    """All runs of all jobs; not thread-safe."""

    def __init__(self) -> None:
        self.history: list[Job] = []
        self._latest: dict[tuple[str, str], Job] = {}
        self._active: list[Job] = []
        self._alike: Counter[tuple[str, str]] = Counter()

    @property
    def running(self) -> int:
        """How many jobs are QUEUED or RUNNING: both count [? queued-jobs-count]."""
        return len(self._active)

    def find(self, dashboard_id: str, job_id: str) -> Job | None:
        """The latest run of a job id, which is unique to its dashboard."""
        return self._latest.get((dashboard_id, job_id))

    def count_alike(self, dashboard_id: str, formats: str) -> int:
        """How many jobs of the dashboard and set of formats there have been."""
        return self._alike[dashboard_id, formats]

    def add(self, job: Job) -> None:
        """Begin a run."""
        self.history.append(job)
        self._latest[job.dashboard_id, job.job_id] = job
        self._active.append(job)
        self._alike[job.dashboard_id, job.formats] += 1

    def release_hanging(self, now: float) -> None:
        """Let the jobs that hang end, at the time they would have or now."""
        for job in self._active:
            if job.hangs:
                job.ends_at = max(now, job.created + job.seconds)

    def settle(
        self,
        now: float,
        *,
        deliver: Callable[[Job, int], Future[tuple[Delivery, float]]],
    ) -> None:
        """Advance every active job to `now`; `deliver` brings one file to its place."""
        for job in self._active:
            if job.status == "QUEUED" and now >= job.runs_at:
                job.status, job.updated = "RUNNING", job.runs_at
            for position in job.files_due(now):
                job.delivering[position] = deliver(job, position)
            if now >= job.ends_at:
                _end_if_delivered(job)
        self._active = [job for job in self._active if job.ended is None]


def _end_if_delivered(job: Job) -> None:
    if job.error is not None:
        job.end("FAILED", job.ends_at)
        return
    work = [job.delivering[position] for position in sorted(job.delivering)]
    if len(work) < len(job.leads) or not all(each.done() for each in work):
        return
    if failure := next((each.exception() for each in work if each.exception()), None):
        job.error = JobError("INTERNAL_ERROR", f"{type(failure).__name__}: {failure}")
        job.end("FAILED", job.ends_at)
        return
    done = [each.result() for each in work]
    job.deliveries = [delivery for delivery, _ in done]
    job.rendering = None
    job.end("COMPLETED", max(job.ends_at, *(at for _, at in done)))
