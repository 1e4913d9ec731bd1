"""What a request waits for that starts after its data, and what was decided of it.

Requests that wait for the same data sets, since and until the same minutes, are one group: they are
judged together, so that a hundred thousand of them cost what one does until the data is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snapshot_export.domain.json_text import digest_of
from snapshot_export.domain.security_warning import SecurityWarning

NOT_READY = "DATA_NOT_READY"
"""The code of the error, and of the warning, of a request whose data was not there by Until."""


class Otherwise(StrEnum):
    """What becomes of a request whose data is not there by Until."""

    FAIL = "FAIL"
    SEND = "SEND"
    HOLD = "HOLD"


class Outcome(StrEnum):
    """What was decided of a request that waited for data. SENT_ANYWAY: with what data there was."""

    READY = "READY"
    FAILED = "FAILED"
    SENT_ANYWAY = "SENT_ANYWAY"
    HELD = "HELD"
    RELEASED = "RELEASED"

    @classmethod
    def of(cls, otherwise: Otherwise) -> Outcome:
        """That of a request whose data was not there by Until."""
        return {
            Otherwise.FAIL: cls.FAILED,
            Otherwise.SEND: cls.SENT_ANYWAY,
            Otherwise.HOLD: cls.HELD,
        }[otherwise]


class Readiness(StrEnum):
    """Whether a data set is ready. NEVER: it will not be, however long one waits."""

    READY = "READY"
    NOT_YET = "NOT_YET"
    NEVER = "NEVER"


@dataclass(frozen=True, kw_only=True)
class DataWait:
    """The data sets that a request waits for. Times are epoch seconds, whole minutes."""

    data_sets: tuple[str, ...]
    since: float
    until: float
    otherwise: Otherwise
    max_rows_dropped: int | None = None

    @property
    def group(self) -> str:
        """Names all requests that wait for the same; sorts by Until."""
        moments = (round(self.since), round(self.until))
        members = [self.data_sets, *moments, self.otherwise, self.max_rows_dropped]
        return f"{round(self.until):011d}#{digest_of(members)[:32]}"


@dataclass(frozen=True, kw_only=True)
class DataSetState:
    """A data set as it was judged. `refreshed_at` is when the refresh that is shown began (epoch
    seconds), `ready_at` when it was over; None without one."""

    data_set_id: str
    readiness: Readiness
    reason: str
    refreshed_at: float | None = None
    ready_at: float | None = None
    rows_dropped: int | None = None

    @property
    def refresh_seconds(self) -> float | None:
        """How long the refresh took that made it ready; None of one that is not, or was not said
        to."""
        if self.readiness is not Readiness.READY or self.ready_at is None:
            return None
        return self.ready_at - (self.refreshed_at or self.ready_at) or None

    @property
    def text(self) -> str:
        """The judgement in words."""
        dropped = f", {self.rows_dropped} rows dropped" if self.rows_dropped else ""
        return f"data set {self.data_set_id}: {self.reason}{dropped}"


@dataclass(frozen=True, kw_only=True)
class DataDecision:
    """What was decided of a request that waited for data, and by what."""

    decided_at: float
    outcome: Outcome
    since: float
    until: float
    data_sets: tuple[DataSetState, ...] = ()

    @property
    def text(self) -> str:
        """Which data sets were not ready, in words."""
        late = [each.text for each in self.data_sets if each.readiness is not Readiness.READY]
        return "; ".join(late) or "the data sets were not judged"

    @property
    def warnings(self) -> tuple[SecurityWarning, ...]:
        """What a reader of the files must know."""
        found = []
        for each in self.data_sets:
            resource = f"dataset/{each.data_set_id}"
            if each.readiness is not Readiness.READY and self.outcome is not Outcome.FAILED:
                message = f"The data was not ready: {each.reason}."
                found.append(SecurityWarning(code=NOT_READY, resource=resource, message=message))
            elif each.rows_dropped:
                message = f"The refresh dropped {each.rows_dropped} rows."
                found.append(
                    SecurityWarning(code="ROWS_DROPPED", resource=resource, message=message)
                )
        return tuple(found)


def decide(wait: DataWait, states: tuple[DataSetState, ...], now: float) -> DataDecision | None:
    """What becomes of those that wait, or None while the data may still come.

    What will never be ready is decided at once, as at Until.
    """
    kinds = {each.readiness for each in states}
    if kinds <= {Readiness.READY}:
        outcome = Outcome.READY
    elif Readiness.NEVER in kinds or now >= wait.until:
        outcome = Outcome.of(wait.otherwise)
    else:
        return None
    return DataDecision(
        decided_at=now, outcome=outcome, since=wait.since, until=wait.until, data_sets=states
    )
