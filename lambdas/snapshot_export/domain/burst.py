"""A burst: many exports from one template, one for each recipient. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snapshot_export.domain.data_wait import DataDecision, DataWait
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.domain.hold import Hold
from snapshot_export.domain.problem import Problem
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.domain.target import DEFAULT_TARGET

VERSION = 2
"""Of the records of bursts. One of version 1 goes on by the rules that it was accepted under: a
recipient without tags sees the rows of the template's user, where the template names one; a
RecipientId may stand twice; what was read is not counted."""
RETRIED_VERSION = 3
"""Of the record of a burst that is run again: older code would close it before its exports are."""
QUERIED_VERSION = 4
"""Of the record of a burst whose recipients come from a query, or that waits
for data: older code knows no such status."""
NEWEST_VERSION = QUERIED_VERSION
BURST_ID = r"[A-Za-z0-9_\-]{1,48}"
"""Leaves room for the line number in an export's id."""
STALLED_SECONDS = 150.0
"""A burst that has work left and did not move for this long has lost its message."""


class BurstStatus(StrEnum):
    """Where a burst is.

    QUERYING: the query for its recipients runs. HELD: somebody must release or cancel it.
    COMPLETED: no recipient failed or was refused. COMPLETED_WITH_FAILURES: some were, others have
    their files. FAILED: no recipient has files, or the manifest could not be read to the end.
    WAITING_FOR_DATA: the data that its request names in After is not there yet.
    """

    WAITING_FOR_DATA = "WAITING_FOR_DATA"
    QUERYING = "QUERYING"
    HELD = "HELD"
    EXPANDING = "EXPANDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_FAILURES = "COMPLETED_WITH_FAILURES"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens to the burst, unless somebody has it run again."""
        return self not in (*BEFORE_RECIPIENTS, BurstStatus.EXPANDING, BurstStatus.RUNNING)


BEFORE_RECIPIENTS = (BurstStatus.WAITING_FOR_DATA, BurstStatus.QUERYING, BurstStatus.HELD)
"""No recipient was read yet."""


def status_of_ends(*, completed: int, failed: int, cancelled: int, refused: int) -> BurstStatus:
    """How a burst ends of whose recipients so many ended so."""
    if failed or refused:
        return BurstStatus.COMPLETED_WITH_FAILURES if completed else BurstStatus.FAILED
    return BurstStatus.CANCELLED if cancelled and not completed else BurstStatus.COMPLETED


@dataclass(frozen=True, kw_only=True)
class FailureReason:
    """Why `count` exports of a burst failed; `message` is that of the first of them."""

    code: str
    count: int
    message: str = ""


class ManifestFormat(StrEnum):
    """How the recipients lie in their manifest."""

    CSV = "CSV"
    JSON_LINES = "JSON_LINES"


class Work(StrEnum):
    """What a message of the burst queue asks for."""

    QUERY = "QUERY"
    EXPAND = "EXPAND"
    DRAIN = "DRAIN"
    CLOSE = "CLOSE"
    KEEP = "KEEP"
    RETRY = "RETRY"


@dataclass(frozen=True, kw_only=True)
class Burst:
    """The record of a burst.

    `nonce` and `digest` as Export has them. `offset` and `line` are where the manifest is read on.
    Of the `read` records each is accepted or refused, and changes both counts in one transaction.
    `accepted` recipients have an export each; `completed`, `failed` and `cancelled` count how those
    ended. `at_risk_at` is when its deadline was announced as at risk.
    Records of what has ended last `retentionDays` beyond `kept_until`
    (flows/burst/keep_records.py), which a pass renews that was asked for at `keep_asked_at`.
    `foretold_p50` and `foretold_p95` are what the forecast of `foretold_at` said of the burst's
    end, None where none was made. With
    `same_rows_for_all` no recipient brings tags, and all see the rows of the template's user.
    `reasons` are why its exports failed, the most frequent first, and `empty` how many completed
    without rows: written at its end.
    `warnings` are what was reported of its dashboard's row-level security. `weight` is its share
    of the slots beside others', and `finish_tag` where its flow has come (domain/fair_share.py).

    `revision` counts how often the burst has come to an end or is to: 1 first, one more with each
    retry (domain/burst_retry.py). Of the last of these, `retry_digest` recognizes a repeated call,
    `retried_at` is when it was asked for, and the exports of all lines before `retried_to` were
    looked at. `was_cancelled`: the burst was cancelled before a retry.

    Of one whose recipients come from a query (flows/burst/query.py): `query_id` is Athena's of the
    query that began at `queried_at`; `found` counts the records of its result, and `expected` is
    what that was held against, within `max_change_share`. `schedule` and `occurred_at` are of which
    occurrence the burst is. `hold` says why it was held, also after it was released, at
    `released_at`.

    With `zip` its files are also made one, of `zipped_files` once it has ended; None if there is
    none. `wait` and `data` as Export has them; one that is held without a `hold` is held for its
    data.
    """

    burst_id: str
    status: BurstStatus
    digest: str
    nonce: str
    manifest_uri: str
    manifest_format: ManifestFormat
    manifest_etag: str
    manifest_size: int
    accepted_at: float
    touched_at: float
    source: str
    version: int = VERSION
    target: str = DEFAULT_TARGET
    same_rows_for_all: bool = False
    weight: int = 1
    finish_tag: float = 0.0
    offset: int = 0
    line: int = 1
    read: int = 0
    accepted: int = 0
    refused: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    expanded_at: float | None = None
    draining_at: float | None = None
    drained_to: int = 1
    at_risk_at: float | None = None
    kept_until: float | None = None
    keep_asked_at: float | None = None
    foretold_at: float | None = None
    foretold_p50: float | None = None
    foretold_p95: float | None = None
    reasons: tuple[FailureReason, ...] = ()
    empty: int = 0
    warnings: tuple[SecurityWarning, ...] = ()
    finished_at: float | None = None
    error: ErrorInfo | None = None
    revision: int = 1
    retry_digest: str | None = None
    retried_at: float | None = None
    retried_to: int = 1
    was_cancelled: bool = False
    schedule: str | None = None
    occurred_at: float | None = None
    query_id: str | None = None
    queried_at: float | None = None
    found: int | None = None
    expected: int | None = None
    max_change_share: float | None = None
    hold: Hold | None = None
    wait: DataWait | None = None
    data: DataDecision | None = None
    released_at: float | None = None
    zip: bool = False
    zipped_files: int | None = None

    @property
    def is_retrying(self) -> bool:
        """Whether exports that shall run again may still lie where they ended."""
        is_asked = self.retried_at is not None and self.draining_at is None
        return is_asked and self.retried_to < self.line

    def hold_is_over(self, now: float) -> bool:
        """Whether it is held and nobody said go in time."""
        return self.status is BurstStatus.HELD and self.hold is not None and now >= self.hold.until

    @property
    def is_over(self) -> bool:
        """Whether every recipient was read and every accepted one has ended."""
        ended = self.completed + self.failed + self.cancelled
        return self.expanded_at is not None and not self.is_retrying and ended >= self.accepted

    @property
    def loss(self) -> ErrorInfo | None:
        """What to report where records were read that are neither accepted nor refused."""
        settled = self.accepted + self.refused
        if self.version == 1 or self.read == settled:
            return None
        text = f"{self.read} records were read, and {settled} accepted or refused: please report it"
        return ErrorInfo("MANIFEST_RECORDS_LOST", text)

    @property
    def runs_since(self) -> float:
        """When its exports were asked for: at its acceptance, or once its data was decided."""
        return self.data.decided_at if self.data else self.accepted_at

    @property
    def open(self) -> int:
        """How many accepted recipients have not ended."""
        return max(0, self.accepted - self.completed - self.failed - self.cancelled)

    @property
    def counts(self) -> dict[str, int]:
        """How many recipients, as answers, events and manifests give it."""
        return {
            "Total": self.accepted + self.refused,
            "Accepted": self.accepted,
            "Refused": self.refused,
            "Completed": self.completed,
            "Failed": self.failed,
            "Cancelled": self.cancelled,
        }

    @property
    def final_status(self) -> BurstStatus:
        """The status that the burst has once it is over."""
        if self.draining_at is not None or (self.was_cancelled and self._is_partial):
            return BurstStatus.CANCELLED
        if self.error:
            return BurstStatus.FAILED
        return status_of_ends(
            completed=self.completed,
            failed=self.failed,
            cancelled=self.cancelled,
            refused=self.refused,
        )

    @property
    def _is_partial(self) -> bool:
        """Whether an export is cancelled, or the manifest was not read to its end."""
        return self.cancelled > 0 or self.offset < self.manifest_size

    @property
    def failure_summary(self) -> str:
        """The reasons in words: `3 of 5 failed: 2 ACCESS_DENIED, 1 TIMEOUT`."""
        if not self.failed:
            if self.error is not None:
                return f"the burst itself failed: {self.error.code}"
            return "no export failed"
        counted = [f"{reason.count} {reason.code}" for reason in self.reasons]
        if rest := self.failed - sum(reason.count for reason in self.reasons):
            counted.append(f"{rest} other")
        return f"{self.failed} of {self.accepted} failed: {', '.join(counted)}"

    @property
    def work_left(self) -> Work | None:
        """The work that a message should be under way for, or None while exports run."""
        if self.status.is_end or self.status is BurstStatus.WAITING_FOR_DATA:
            return None
        if self.status is BurstStatus.QUERYING:
            return Work.QUERY
        if self.status is BurstStatus.HELD:
            return Work.QUERY if self.hold and not self.hold.announced else None
        if self.status is BurstStatus.EXPANDING:
            return Work.EXPAND
        if self.is_retrying:
            return Work.RETRY
        if self.is_over:
            return Work.CLOSE
        drains = self.draining_at is not None and self.drained_to < self.line
        return Work.DRAIN if drains else None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A recipient that was refused: its line and why, without values."""

    line: int
    problems: tuple[Problem, ...]


def export_id_of(burst_id: str, line: int) -> str:
    """The id of a recipient's export: the same however often the burst is expanded."""
    return f"{burst_id}-{line}"


def line_of(export_id: str) -> int:
    """The line in its manifest of the recipient of an export of a burst."""
    return int(export_id.rpartition("-")[2])
