"""The emulated service without HTTP: one call in, one answer out, everything on one clock."""

import math
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from local.quicksight.account import Account
from local.quicksight.api_request import ApiRequest
from local.quicksight.authorization import authorize
from local.quicksight.catalogue import Dashboard
from local.quicksight.downloads import DownloadStore
from local.quicksight.errors import ServiceError
from local.quicksight.identities import Credentials, Identities
from local.quicksight.ledger import Call, write_ledger
from local.quicksight.operations import Operations
from local.quicksight.production import InlineExecutor
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from local.quicksight.serializing import HttpAnswer, write_error, write_output
from local.quicksight.settings import Settings
from local.quicksight.switches import LoseResponse, RaiseException, SwitchBoard
from local.quicksight.throttle import CallWindow


class Emulator:
    """The service; thread-safe. `now` gives epoch seconds, `executor` does the work of jobs.

    Without an executor the work is done within the call that needs it and takes no time, so that
    a test on a virtual clock sees the same in every run.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float] = time.time,
        executor: Executor | None = None,
        dashboards: Sequence[Dashboard] = SAMPLE_DASHBOARDS,
    ) -> None:
        self.settings = settings
        self.now = now
        self.downloads = DownloadStore(settings.download_expiry_seconds)
        self._executor = executor or InlineExecutor()
        self._done_at = now if executor else _immediately
        self._dashboards = dashboards[: settings.dashboards]
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget every job, call, switch, address and occupied slot."""
        with self._lock:
            self.downloads.clear()
            self._calls: list[Call] = []
            self._switches = SwitchBoard()
            self._window = CallWindow(self.settings.calls_per_second)
            self._account = Account(self.settings, self._dashboards, self._executor, self._done_at)
            self._identities = Identities(self.settings.account, self.settings.region)
            self._operations = Operations(
                self._account, self._switches, self.downloads, self._identities
            )

    def call(self, request: ApiRequest) -> HttpAnswer | None:
        """Answer one call and write it into the ledger; None is an answer that is lost."""
        request_id = str(uuid.uuid4())
        with self._lock:
            now = self.now()
            self._account.settle(now)
            outcome, lost = "OK", False
            try:
                output = self._perform(request, request_id, now)
                answer = write_output(request.known_operation(), output, request_id)
                lost = self._switches.take(LoseResponse, request) is not None
            except ServiceError as error:
                outcome = error.code
                answer = write_error(request.operation, error, request_id)
            self._record(request, now, outcome, lost)
            return None if lost else answer

    def assume_role(self, form: Mapping[str, str]) -> Credentials:
        """STS's AssumeRole with a context of this service; raises StsError."""
        with self._lock:
            return self._identities.assume_role(form, self.now())

    def settle(self) -> None:
        """Advance the jobs to the present, as every call does."""
        with self._lock:
            self._account.settle(self.now())

    def add_switch(self, description: Mapping[str, Any]) -> None:
        """Set a switch (see switches.py); raises SwitchError if it could never fire."""
        with self._lock:
            self._switches.add(description)

    def list_switches(self) -> list[dict[str, Any]]:
        """Every switch with how often it fired."""
        with self._lock:
            return self._switches.list()

    def clear_switches(self) -> None:
        """Remove every switch and let the jobs that hang end."""
        with self._lock:
            self._switches.clear()
            self._account.book.release_hanging(self.now())

    def occupy(self, slots: int, seconds: float | None = None) -> None:
        """Let somebody else's jobs take slots, for some seconds or until `vacate`."""
        with self._lock:
            self._account.occupy(slots, seconds, self.now())

    def vacate(self) -> None:
        """End somebody else's jobs."""
        with self._lock:
            self._account.vacate()

    def ledger(self) -> dict[str, Any]:
        """Every call and job, and their summary."""
        with self._lock:
            self._account.settle(self.now())
            return write_ledger(self._calls, self._account.book.history, self.settings.limit)

    def _perform(self, request: ApiRequest, request_id: str, now: float) -> dict[str, Any]:
        self._window.admit(now)
        caller = authorize(
            request.authorization,
            request.session_token,
            region=self.settings.region,
            identities=self._identities,
            now=now,
        )
        if switch := self._switches.take(RaiseException, request):
            raise ServiceError(switch.exception, switch.message)
        try:
            return self._operations.perform(request, caller, request_id, now)
        except ServiceError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ServiceError("InternalFailureException", "Internal failure.") from error

    def _record(self, request: ApiRequest, now: float, outcome: str, lost: bool) -> None:
        call = Call(
            time=now,
            operation=request.operation.name if request.operation else "Unknown",
            dashboard_id=request.dashboard_id,
            job_id=request.job_id,
            outcome=outcome,
            lost=lost,
            running=self._account.book.running,
            others=self._account.others(now),
        )
        self._calls.append(call)


def _immediately() -> float:
    return -math.inf
