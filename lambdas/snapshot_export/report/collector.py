"""What the report of a burst, or of a run, shows: collected while its exports pass by.

Memory is bounded: failed exports come first among MAX_ROWS rows, leases are kept up to MAX_SPANS,
and of all exports only numbers. Of a request only ids, formats and times are taken, never tags or
parameters.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from snapshot_export.domain.burst import FailureReason, Refusal, line_of
from snapshot_export.domain.data_wait import DataDecision
from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile, Status
from snapshot_export.domain.parts import formats_of
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.report.lanes import Span, Timeline, lay_out, spans_of

MAX_ROWS = 2000
MAX_REFUSED = 500
MAX_SPANS = 200_000
MAX_NAMED = 8
"""Dashboards that are named; the others are counted."""
MAX_REASONS = 5
"""Reasons of failures that are reported, the most frequent first."""

_ROWS_FIRST = (
    Status.FAILED,
    Status.REJECTED,
    Status.CANCELLED,
    Status.HELD,
    Status.WAITING_FOR_DATA,
    Status.QUEUED,
    Status.RUNNING,
    Status.COMPLETED,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One export. `waited` from acceptance to its first slot, `job_seconds` of all its jobs."""

    export_id: str
    line: int | None
    recipient_id: str | None
    dashboard_id: str
    status: Status
    error: ErrorInfo | None
    files: tuple[ExportedFile, ...]
    attempts: int
    waited: float | None
    job_seconds: float | None
    finished_at: float | None
    is_empty: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordedForecast:
    """What was forecast at `at`: ends as likely earlier as later, and later in one of 20 cases.

    `occasion` says when that was.
    """

    at: float
    p50: float
    p95: float
    occasion: str = "once all were accepted"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that the page shows. Times are epoch seconds, `left_out` counts what it does not show.

    `counts` are of what `each` names. `recipients` is the address of their list, `manifest` of the
    list of everything that came out. `same_rows`: all see the same rows; None where it is no burst.
    `revision` counts a burst's runs, of which the last began at `retried_at` if it is a retry.
    `data` is what was decided of the data that it waited for, `recipients_asked` the query that
    its recipients come from; None where it did not, and where they do not.
    """

    kind: str
    name: str
    each: str
    recipients: str | None
    same_rows: bool | None
    status: str
    error: ErrorInfo | None
    reasons: tuple[FailureReason, ...]
    empty: int
    counts: Mapping[str, int]
    accepted_at: float
    begun_at: float | None
    ended_at: float | None
    deadline: float | None
    dashboards: tuple[tuple[str, int], ...]
    dashboards_left_out: int
    formats: tuple[tuple[str, int], ...]
    files: int
    bytes: int
    median_wait: float | None
    median_job: float | None
    rows: tuple[Row, ...]
    rows_left_out: int
    refused: tuple[Refusal, ...]
    refused_left_out: int
    timeline: Timeline | None
    forecast: RecordedForecast | None
    warnings: tuple[SecurityWarning, ...]
    manifest: str
    revision: int = 1
    retried_at: float | None = None
    weight: int = 1
    data: DataDecision | None = None
    recipients_asked: RecipientsAsked | None = None


@dataclass(frozen=True, kw_only=True)
class RecipientsAsked:
    """The query that the recipients come from: how many it `found`, where so many were `expected`
    (None: nothing was), why the burst was held for that, and when somebody released it."""

    query_id: str
    found: int | None
    expected: int | None
    held: str | None
    released_at: float | None


class ReportCollector:
    """Takes the exports of a burst one by one, in the order of their lines.

    Leases of before `since` (epoch seconds) are not shown: an earlier revision's report did.
    """

    def __init__(self, since: float | None = None) -> None:
        self._since = since or 0.0
        self._rows: dict[Status, list[Row]] = {status: [] for status in _ROWS_FIRST}
        self._exports = 0
        self._spans: list[Span] = []
        self._spans_left_out = 0
        self._slots = 0
        self._waits, self._jobs = array("d"), array("d")
        self._dashboards: Counter[str] = Counter()
        self._formats: Counter[str] = Counter()
        self._files = self._bytes = 0
        self._reasons: Counter[str] = Counter()
        self.empty = 0
        self._messages: dict[str, str] = {}
        self._begun_at: float | None = None
        self._ended_at: float | None = None
        self._deadline: float | None = None

    def add(self, export: Export) -> None:
        """Take one export that has ended."""
        self._exports += 1
        row = _row_of(export)
        rows = self._rows[export.status]
        if len(rows) < MAX_ROWS:
            rows.append(row)
        if export.status is Status.FAILED:
            error = export.error or ErrorInfo("UNKNOWN")
            self._reasons[error.code] += 1
            self._messages.setdefault(error.code, error.message)
        self.empty += export.is_empty and export.status is Status.COMPLETED
        self._add_spans([span for span in spans_of(export) if span.start >= self._since])
        self._slots = max([self._slots, *(lease.slots for lease in export.leases)])
        if row.waited is not None:
            self._waits.append(row.waited)
        if export.job_seconds:
            self._jobs.append(export.job_seconds)
        self._dashboards[export.dashboard_id] += 1
        self._formats.update(formats_of(export.snapshot))
        self._files += sum(file.uri is not None for file in export.files)
        self._bytes += sum(file.size or 0 for file in export.files)
        self._ended_at = max(filter(None, (self._ended_at, export.finished_at)), default=None)
        self._deadline = min(filter(None, (self._deadline, export.deadline)), default=None)

    @property
    def reasons(self) -> tuple[FailureReason, ...]:
        """Why the exports that were taken failed, the most frequent first."""
        return tuple(
            FailureReason(code=code, count=count, message=self._messages[code])
            for code, count in self._reasons.most_common(MAX_REASONS)
        )

    def report(
        self,
        *,
        kind: str,
        name: str,
        each: str,
        status: str,
        counts: Mapping[str, int],
        accepted_at: float,
        slots: int,
        manifest: str,
        recipients: str | None = None,
        same_rows: bool | None = None,
        error: ErrorInfo | None = None,
        forecast: RecordedForecast | None = None,
        refused: Sequence[Refusal] = (),
        refused_left_out: int = 0,
        warnings: Sequence[SecurityWarning] = (),
        revision: int = 1,
        weight: int = 1,
        data: DataDecision | None = None,
        recipients_asked: RecipientsAsked | None = None,
    ) -> Report:
        """The report of what was taken; `slots` is the limit if the leases do not have it."""
        rows = [*chain.from_iterable(self._rows.values())][:MAX_ROWS]
        named = self._dashboards.most_common(MAX_NAMED)
        return Report(
            kind=kind,
            name=name,
            each=each,
            recipients=recipients,
            same_rows=same_rows,
            status=status,
            error=error,
            reasons=self.reasons,
            empty=self.empty,
            counts=counts,
            accepted_at=accepted_at,
            begun_at=self._begun_at,
            ended_at=self._ended_at,
            deadline=self._deadline,
            dashboards=tuple(named),
            dashboards_left_out=len(self._dashboards) - len(named),
            formats=tuple(self._formats.most_common()),
            files=self._files,
            bytes=self._bytes,
            median_wait=median(self._waits) if self._waits else None,
            median_job=median(self._jobs) if self._jobs else None,
            rows=tuple(rows),
            rows_left_out=self._exports - len(rows),
            refused=tuple(refused),
            refused_left_out=refused_left_out,
            timeline=lay_out(
                self._spans, limit=self._slots or slots, left_out=self._spans_left_out
            ),
            forecast=forecast,
            warnings=tuple(warnings),
            manifest=manifest,
            revision=revision,
            retried_at=self._since or None,
            weight=weight,
            data=data,
            recipients_asked=recipients_asked,
        )

    def _add_spans(self, spans: Sequence[Span]) -> None:
        kept = spans[: MAX_SPANS - len(self._spans)]
        self._spans += kept
        self._spans_left_out += len(spans) - len(kept)
        starts = [span.start for span in spans]
        self._begun_at = min(filter(None, (self._begun_at, *starts)), default=None)


def _row_of(export: Export) -> Row:
    first = export.leases[0].admitted_at if export.leases else export.admitted_at
    return Row(
        export_id=export.export_id,
        line=line_of(export.export_id) if export.burst_id else None,
        recipient_id=export.recipient_id,
        dashboard_id=export.dashboard_id,
        status=export.status,
        error=export.error,
        files=export.files,
        attempts=export.attempt,
        waited=max(0.0, first - export.accepted_at) if first is not None else None,
        job_seconds=export.job_seconds or None,
        finished_at=export.finished_at,
        is_empty=export.is_empty,
    )
