"""The emulated service without HTTP: one call in, one answer out, everything on one clock."""

import math
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from local.quicksight.account import Account
from local.quicksight.api_request import ApiRequest
from local.quicksight.authorization import authorize, region_of
from local.quicksight.catalogue import Dashboard, DataSet
from local.quicksight.downloads import DownloadStore
from local.quicksight.errors import ServiceError
from local.quicksight.identities import Context
from local.quicksight.place import Place, PlaceKey
from local.quicksight.production import InlineExecutor
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS, SAMPLE_DATA_SETS
from local.quicksight.selection import UnfulfilledTags
from local.quicksight.serializing import HttpAnswer, write_error, write_output
from local.quicksight.settings import OtherPlace, Settings
from local.quicksight.sts import Credentials, Sts
from local.quicksight.switches import LoseResponse, RaiseException, SwitchBoard


class Emulator:
    """The service; thread-safe. `now` gives epoch seconds, `sleep` waits on that clock, `executor`
    does the work of jobs.

    Without an executor the work is done within the call that needs it and takes no time, so that
    a test on a virtual clock sees the same in every run.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        executor: Executor | None = None,
        dashboards: Sequence[Dashboard] = SAMPLE_DASHBOARDS,
        data_sets: Sequence[DataSet] = SAMPLE_DATA_SETS,
    ) -> None:
        self.settings = settings
        self.now = now
        self.sleep = sleep
        self.downloads = DownloadStore(settings.download_expiry_seconds)
        self._executor = executor or InlineExecutor()
        self._done_at = now if executor else _immediately
        self._dashboards = dashboards[: settings.dashboards]
        self._data_sets = data_sets
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget every job, call, switch, address, session, occupied slot and changed data set."""
        with self._lock:
            self.downloads.clear()
            self._switches = SwitchBoard()
            self._home = self._make_place(self.settings, self._dashboards)
            others = [self._make_other(each) for each in self.settings.others]
            self.places = {place.key: place for place in (self._home, *others)}
            roles = {each.role_arn: each.external_id for each in self.settings.others
                     if each.role_arn}  # fmt: skip
            if self.settings.athena_role:
                roles[self.settings.athena_role] = None
            self._sts = Sts(self.settings.account, roles, self._context_of)

    def call(self, request: ApiRequest) -> HttpAnswer | None:
        """Answer one call and write it into the ledger; None is an answer that is lost."""
        request_id = str(uuid.uuid4())
        with self._lock:
            now = self.now()
            place = self._place_of(request)
            place.account.settle(now)
            outcome, lost = "OK", False
            try:
                output = self._perform(place, request, request_id, now)
                answer = write_output(request.known_operation(), output, request_id)
                lost = self._switches.take(LoseResponse, request) is not None
            except ServiceError as error:
                outcome = error.code
                answer = write_error(request.operation, error, request_id)
            place.record(request, now, outcome, lost)
            return None if lost else answer

    def assume_role(self, form: Mapping[str, str]) -> Credentials:
        """STS's AssumeRole; raises StsError."""
        with self._lock:
            return self._sts.assume_role(form, self.now())

    def settle(self) -> None:
        """Advance the jobs to the present, as every call does."""
        with self._lock:
            for place in self.places.values():
                place.account.settle(self.now())

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
            for place in self.places.values():
                place.account.book.release_hanging(self.now())

    def occupy(
        self, slots: int, seconds: float | None = None, place: PlaceKey | None = None
    ) -> None:
        """Let somebody else's jobs take slots, for some seconds or until `vacate`."""
        with self._lock:
            self._at(place).account.occupy(slots, seconds, self.now())

    def vacate(self, place: PlaceKey | None = None) -> None:
        """End somebody else's jobs."""
        with self._lock:
            self._at(place).account.vacate()

    def others_call(self, per_second: float, seconds: float, place: PlaceKey | None = None) -> None:
        """Let somebody else's applications call QuickSight evenly, for some seconds."""
        with self._lock:
            now = self.now()
            self._at(place).window.others_call(per_second, begin=now, until=now + seconds)

    def put_data_set(self, data_set: DataSet, place: PlaceKey | None = None) -> None:
        """Publish a data set, with other tag rules than before; jobs that run are not affected."""
        with self._lock:
            self._at(place).account.data_sets[data_set.data_set_id] = data_set

    def delete_data_set(self, data_set_id: str, place: PlaceKey | None = None) -> None:
        """Delete a data set, which dashboards go on naming."""
        with self._lock:
            self._at(place).account.data_sets.pop(data_set_id, None)

    def refresh(self, data_set_id: str, place: PlaceKey | None = None) -> None:
        """Complete a refresh of a data set, as one that QuickSight makes by its own schedule."""
        with self._lock:
            self._at(place).operations.refresh(data_set_id, self.now())

    def put_dashboard(self, dashboard: Dashboard, place: PlaceKey | None = None) -> None:
        """Publish a dashboard, newly or in another version, which gets the next number."""
        with self._lock:
            dashboards = self._at(place).account.dashboards
            before = dashboards.get(dashboard.dashboard_id)
            version = before.version + 1 if before else 1
            dashboards[dashboard.dashboard_id] = replace(dashboard, version=version)

    def set_unfulfilled_tags(self, shows: UnfulfilledTags) -> None:
        """What tags show from now on that fulfil no rule, in every place."""
        with self._lock:
            for place in self.places.values():
                place.account.unfulfilled_tags = shows

    def ledger(self, place: PlaceKey | None = None) -> dict[str, Any]:
        """Every call and job of a place, the home unless another is named, and their summary."""
        with self._lock:
            found = self._at(place)
            found.account.settle(self.now())
            return found.ledger()

    @property
    def _account(self) -> Account:
        return self._home.account

    def _at(self, place: PlaceKey | None) -> Place:
        return self._home if place is None else self.places[place]

    def _make_place(self, settings: Settings, dashboards: Sequence[Dashboard]) -> Place:
        return Place(
            settings,
            dashboards,
            self._data_sets,
            executor=self._executor,
            done_at=self._done_at,
            switches=self._switches,
            downloads=self.downloads,
        )

    def _make_other(self, other: OtherPlace) -> Place:
        last = len(self._dashboards) - (other.dashboards or len(self._dashboards))
        return self._make_place(self.settings.of_other(other), self._dashboards[last:])

    def _place_of(self, request: ApiRequest) -> Place:
        """Where a call goes: by the region it is signed for, and the account that it is about.

        Who asks about an account that is not there is refused by one that is.
        """
        region = region_of(request.authorization)
        key = (str(request.members.get("AwsAccountId")), region)
        there = [place for place in self.places.values() if place.key[1] == region]
        return self.places.get(key) or next(iter(there), self._home)

    def _context_of(self, token: str, now: float) -> Context | None:
        found = (place.identities.context_of(token, now) for place in self.places.values())
        return next((context for context in found if context), None)

    def _perform(
        self, place: Place, request: ApiRequest, request_id: str, now: float
    ) -> dict[str, Any]:
        place.window.admit(now)
        caller = authorize(
            request.authorization,
            request.session_token,
            region=place.settings.region,
            sts=self._sts,
            now=now,
        )
        if switch := self._switches.take(RaiseException, request):
            raise ServiceError(switch.exception, switch.message)
        try:
            return place.operations.perform(request, caller, request_id, now)
        except ServiceError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ServiceError("InternalFailureException", "Internal failure.") from error


def _immediately() -> float:
    return -math.inf
