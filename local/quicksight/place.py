"""The service in one account and region: its jobs and dashboards, its pace, its users."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from local.quicksight.account import Account
from local.quicksight.api_request import ApiRequest
from local.quicksight.catalogue import Dashboard, DataSet
from local.quicksight.downloads import DownloadStore
from local.quicksight.identities import Identities
from local.quicksight.ledger import Call, write_ledger
from local.quicksight.operations import Operations
from local.quicksight.settings import Settings
from local.quicksight.switches import SwitchBoard
from local.quicksight.throttle import CallWindow

PlaceKey = tuple[str, str]
"""Account and region."""


class Place:
    """One account and region, which knows nothing of the others; not thread-safe."""

    def __init__(
        self,
        settings: Settings,
        dashboards: Sequence[Dashboard],
        data_sets: Sequence[DataSet],
        *,
        executor: Executor,
        done_at: Callable[[], float],
        switches: SwitchBoard,
        downloads: DownloadStore,
    ) -> None:
        self.settings = settings
        self.account = Account(settings, dashboards, data_sets, executor, done_at)
        self.identities = Identities(settings.account, settings.region)
        self.window = CallWindow(settings.calls_per_second)
        self.operations = Operations(self.account, switches, downloads, self.identities)
        self._calls: list[Call] = []

    @property
    def key(self) -> PlaceKey:
        """Its account and region."""
        return self.settings.account, self.settings.region

    def record(self, request: ApiRequest, now: float, outcome: str, lost: bool) -> None:
        """Write a call into the ledger."""
        call = Call(
            time=now,
            operation=request.operation.name if request.operation else "Unknown",
            dashboard_id=request.dashboard_id,
            job_id=request.job_id,
            outcome=outcome,
            lost=lost,
            running=self.account.book.running,
            others=self.account.others(now),
        )
        self._calls.append(call)

    def ledger(self) -> dict[str, Any]:
        """Every call and job, and their summary."""
        return write_ledger(self._calls, self.account.book.history, self.settings.limit)
