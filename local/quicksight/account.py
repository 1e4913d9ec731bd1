"""The account in which snapshot jobs run: its dashboards, its slots and who uses them."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import cached_property

from local.quicksight.catalogue import Dashboard, DataSet
from local.quicksight.destination import Destination
from local.quicksight.errors import ServiceError
from local.quicksight.jobs import Delivery, Job, JobBook, JobError
from local.quicksight.production import deliver_file, render_files
from local.quicksight.settings import Settings


class Account:
    """The jobs of one account and region; not thread-safe.

    `executor` does the jobs' work, and `done_at` tells when a piece of it is done.
    """

    def __init__(
        self,
        settings: Settings,
        dashboards: Sequence[Dashboard],
        data_sets: Sequence[DataSet],
        executor: Executor,
        done_at: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.dashboards = {each.dashboard_id: each for each in dashboards}
        self.data_sets = {each.data_set_id: each for each in data_sets}
        self.unfulfilled_tags = settings.unfulfilled_tags
        self.book = JobBook()
        self._executor = executor
        self._done_at = done_at
        self._occupied: list[tuple[int, float]] = []

    def dashboard(self, dashboard_id: str) -> Dashboard:
        """The dashboard; raises ServiceError if there is none."""
        found = self.dashboards.get(dashboard_id)
        if found is None:
            message = f"Dashboard {dashboard_id} is not found."
            raise ServiceError("ResourceNotFoundException", message)
        return found

    def data_set(self, data_set_id: str) -> DataSet:
        """The data set; raises ServiceError if there is none."""
        found = self.data_sets.get(data_set_id)
        if found is None:
            message = f"Data set {data_set_id} is not found."
            raise ServiceError("ResourceNotFoundException", message)
        return found

    def is_full(self, now: float) -> bool:
        """Whether every slot is in use, by us or by somebody else."""
        return self.book.running + self.others(now) >= self.settings.limit

    def others(self, now: float) -> int:
        """How many slots somebody else uses."""
        return sum(slots for slots, until in self._occupied if until > now)

    def occupy(self, slots: int, seconds: float | None, now: float) -> None:
        """Let somebody else use slots for a while, or until `vacate`."""
        self._occupied.append((slots, math.inf if seconds is None else now + seconds))

    def vacate(self) -> None:
        """Free the slots that somebody else uses."""
        self._occupied = []

    def begin(self, job: Job) -> None:
        """Start a job; its files are rendered early, so that its end is punctual."""
        self.book.add(job)
        dashboard = self.dashboards[job.dashboard_id]
        data_sets = [self.data_sets.get(each) for each in dashboard.data_set_ids]
        if job.error is None and None in data_sets:
            job.error = JobError("DATASET_DELETED", "A data set of the dashboard is not found.")
        if job.error is None:
            job.rendering = self._executor.submit(
                render_files, job.members, job.user, dashboard, data_sets, self.unfulfilled_tags
            )

    def settle(self, now: float) -> None:
        """Advance every job to `now`."""
        self.book.settle(now, deliver=self._deliver)

    def _deliver(self, job: Job, position: int) -> Future[tuple[Delivery, float]]:
        return self._executor.submit(deliver_file, job, position, self._destination, self._done_at)

    @cached_property
    def _destination(self) -> Destination:
        return Destination(self.settings)
