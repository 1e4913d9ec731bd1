"""An export and its attempts: the records that the table keeps. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from snapshot_export.domain.backlog import DEFAULT_PRIORITY
from snapshot_export.domain.data_wait import DataDecision, DataWait
from snapshot_export.domain.emptiness import EmptyRule
from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.merge import Merge
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.domain.target import DEFAULT_TARGET


class Status(StrEnum):
    """Where an export is. The last four are ends.

    HELD: its data was not there in time, and it waits for somebody to release it.
    """

    WAITING_FOR_DATA = "WAITING_FOR_DATA"
    HELD = "HELD"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens to the export, unless its burst is retried."""
        return self not in (*BEFORE_BACKLOG, Status.QUEUED, Status.RUNNING)


BEFORE_BACKLOG = (Status.WAITING_FOR_DATA, Status.HELD)
"""Where an export that starts after its data is, before it has a place in the backlog."""


class Phase(StrEnum):
    """What the state machine does next; docs/architecture.md has the table."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    ENDED = "ENDED"
    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class ErrorInfo:
    """Why something failed: a code that programs may match, and a text for people."""

    code: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """One file of an export, or why it is missing. `size` in bytes."""

    format: str
    uri: str | None = None
    size: int | None = None
    etag: str | None = None
    error: ErrorInfo | None = None


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A slot that an export held, from `admitted_at` to `released_at`.

    `started_at` and `ended_at` are those of its snapshot job, None where none ran. `attempt` as
    Attempt has it, `slots` the limit under which it was admitted.
    """

    attempt: int
    admitted_at: float
    released_at: float
    started_at: float | None = None
    ended_at: float | None = None
    slots: int = 0


MAX_LEASES = 24
"""Kept on an export; one that others in the account keep from starting may have any number."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One request of a user's, from accepted to its end.

    `nonce` is random, drawn at acceptance: ids that leave this software are made from it, so none
    of them can be guessed from the request, and none is that of another export of the same id, be
    it one of the past or another deployment's. It is empty in the record of a refused message.
    `digest` is the request's: it recognizes a repeated delivery and stays in the table.
    `part` is the part of the request (domain/parts.py) that the present attempt makes, `failures`
    how many attempts of this part failed; `files` are those collected so far.
    `due_at` is when a waiting export's next attempt is due, 0 if it waits in the backlog by `rank`;
    `entry_key` is the sort key of its entry, None in records from before it was kept.
    `cancel_requested_at` marks a running export whose files shall not be delivered; `ending` is the
    end that is being announced since `ending_at`, with `files` and `error`: it stays, whatever a
    repeated step finds, and no mark is taken any more. `at_risk_at` marks one of which it
    was announced as at risk. `leases` are those that were given back, the
    last MAX_LEASES of them. `allows` are the allowances of its row-level-security tags (of
    domain/request.ALLOWANCES), None if it was accepted before they were judged or is a
    registered user's; `warnings` are what was reported when they were. `revision` is that of its
    burst in which it ran last (domain/burst.py), 1 of a single export.
    `merge` says which of its files become one, `held` are those that were made so far, where
    QuickSight left them: they are no files of the export's, and are delivered in the merged one.
    `if_empty` says by which files it is judged whether there is anything to say, `is_empty` that
    there was not.
    `wait` is what data it waits for or waited for, `data` what was decided of it then, None before
    and without.
    `mail` is what is sent of its files, to whom.
    With `zip` its files are also made one, which is the last of them. `password_secret` names the
    secret with the password that its files open with; None: they have none.
    """

    export_id: str
    status: Status
    digest: str
    nonce: str
    dashboard_id: str
    snapshot: dict[str, Any]
    rank: str
    accepted_at: float
    source: str
    target: str = DEFAULT_TARGET
    burst_id: str | None = None
    recipient_id: str | None = None
    name: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    allows: tuple[str, ...] | None = None
    warnings: tuple[SecurityWarning, ...] = ()
    priority: int = DEFAULT_PRIORITY
    deadline: float | None = None
    attempt: int = 1
    part: int = 0
    failures: int = 0
    admission: int = 0
    due_at: float = 0.0
    entry_key: str | None = None
    admitted_at: float | None = None
    cancel_requested_at: float | None = None
    ending: Status | None = None
    ending_at: float | None = None
    at_risk_at: float | None = None
    finished_at: float | None = None
    job_seconds: float | None = None
    files: tuple[ExportedFile, ...] = ()
    leases: tuple[Lease, ...] = ()
    error: ErrorInfo | None = None
    revision: int = 1
    merge: Merge | None = None
    held: tuple[ExportedFile, ...] = ()
    if_empty: EmptyRule | None = None
    is_empty: bool = False
    wait: DataWait | None = None
    data: DataDecision | None = None
    mail: MailOrder | None = None
    zip: bool = False
    password_secret: str | None = None

    @property
    def burst_since(self) -> float | None:
        """When its burst was accepted, with which it was; None for a single export."""
        return self.accepted_at if self.burst_id else None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One admission of an export, from admission to finish.

    It is the lease as long as `holds_slot`. `attempt` counts snapshot jobs, `admission` counts how
    often the export was admitted (an export handed back before its job began is admitted again with
    the same attempt), `restarts` counts executions begun anew by the reconciler. `formats` is what
    its job makes and `later` what those behind it do (domain/parts.py), `slots` the limit under
    which it was admitted. `nonce` is the export's; a version without one wrote those where it is
    empty.

    `call_until` is noted while a start may be under way, `unsure_until` once one was not answered:
    until then it may arrive (domain/windows.py). `first_unknown_at` is since when QuickSight, at
    each question, has not known the job that was started.

    `files` is how many objects its job brings to the raw prefix, of each of which S3 gives a hint
    (domain/hint.py); 0 for a job of which none comes. `asking_until` is noted once they came:
    until then who noted it asks QuickSight closely.
    """

    export_id: str
    attempt: int
    admission: int
    dashboard_id: str
    snapshot_job_id: str
    admitted_at: float
    start_by: float
    nonce: str = ""
    registered: bool = False
    formats: str = ""
    later: str | None = None
    files: int = 0
    slots: int = 0
    burst_id: str | None = None
    deadline: float | None = None
    at_risk: bool = False
    restarts: int = 0
    restarted_at: float | None = None
    holds_slot: bool = True
    call_until: float | None = None
    unsure_until: float | None = None
    started_at: float | None = None
    first_unknown_at: float | None = None
    asking_until: float | None = None
    job_status: str | None = None
    job_ended_at: float | None = None
    released_at: float | None = None

    @property
    def is_readable(self) -> bool:
        """False for one that stands in for a record that cannot be read."""
        return self.attempt > 0

    @property
    def held_idle(self) -> float | None:
        """Seconds that its slot was held beyond its job; None before it is released."""
        if self.started_at is None or self.job_ended_at is None or self.released_at is None:
            return None
        job = self.job_ended_at - self.started_at
        return max(0.0, self.released_at - self.admitted_at - job)

    @property
    def execution_name(self) -> str:
        """Name of the execution that watches this admission, at most 80 characters.

        `<ExportId>-<admission>-<nonce>`, then `-r<restarts>` if it was begun anew. A long id stands
        there as far as there is room: the nonce tells exports apart. Step Functions keeps a name
        for 90 days after its execution, which a record may outlive.
        """
        end = f"-{self.admission}"
        if self.nonce:
            end += f"-{self.nonce}"
        if self.restarts:
            end += f"-r{self.restarts}"
        return self.export_id[: MAX_NAME_CHARACTERS - len(end)] + end


def leases_after(export: Export, attempt: Attempt, until: float | None = None) -> tuple[Lease, ...]:
    """The export's leases once this attempt is over; its slot is held to `until` if not freed."""
    lease = Lease(
        attempt=attempt.attempt,
        admitted_at=attempt.admitted_at,
        released_at=attempt.released_at or until or attempt.admitted_at,
        started_at=attempt.started_at,
        ended_at=attempt.job_ended_at,
        slots=attempt.slots,
    )
    return (*export.leases, lease)[-MAX_LEASES:]


MAX_NAME_CHARACTERS = 80
"""Of the name of an execution of Step Functions."""

LOST = "LOST"
"""Job status of ours: QuickSight knows no such job, and its start can no longer arrive."""


def snapshot_job_id(export_id: str, attempt: int, nonce: str) -> str:
    """The id of an attempt's snapshot job: the same however often the start is repeated.

    The export's nonce keeps two deployments in one account, or an id used again after its record
    expired, from taking each other's job for their own.
    """
    return f"{export_id}-{attempt}-{nonce}"
