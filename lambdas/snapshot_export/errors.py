"""The project's exceptions. Where `is_transient`, the same call may work later.

Messages carry ids, codes and places, never values of a request: they reach logs and the history
of executions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar


class SnapshotExportError(Exception):
    """Root of what this software raises on purpose."""

    is_transient: ClassVar[bool] = False


class SettingsError(SnapshotExportError):
    """The function's environment lacks a variable or holds an unusable one."""


class TransientError(SnapshotExportError):
    """Something outside did not answer or was busy; the same call may work later."""

    is_transient = True


class TransferTooSlowError(TransientError):
    """A file did not reach its place within the time that one invocation has for it."""


class MergeError(SnapshotExportError):
    """The PDF of a sheet is gone, or is none: there is no merged file without it."""

    def __init__(self, title: str) -> None:
        super().__init__(f"the PDF of sheet “{title}” cannot be read")


class MergeTooLargeError(SnapshotExportError):
    """Sheets that are more than one file may hold."""


class ProtectError(SnapshotExportError):
    """A file that cannot be encrypted, or is none."""


class NoTurnError(TransientError):
    """Too many calls wait for their turn."""


class PermanentError(SnapshotExportError):
    """What leaves a step as not transient: the one name that the state machine does not retry."""


class WriteRefusedError(TransientError):
    """DynamoDB does not take a write as it is. `failed` are the positions, where they are known."""

    def __init__(self, what: str, failed: tuple[int, ...] = ()) -> None:
        super().__init__(what)
        self.failed = failed


class UnexpectedError(SnapshotExportError):
    """An exception nobody expected, reduced to its type and place."""

    is_transient = True


class NewerRecordError(SnapshotExportError):
    """A record was written by newer code, which this one must not guess at: deploy that again."""

    is_transient = True

    def __init__(self, kind: str, version: int, known: int) -> None:
        super().__init__(
            f"{kind} record of version {version}, this code reads up to {known}: "
            "deploy the newer version again"
        )


class UnreadableRecordError(SnapshotExportError):
    """A record lacks a member, or holds one that cannot be: no function of ours wrote that."""

    def __init__(self, kind: str, member: str) -> None:
        super().__init__(f"{kind} record cannot be read: its {member} is missing or cannot be")


class ConditionFailedError(SnapshotExportError):
    """A conditional write found another state than it expected. `failed` are the positions."""

    is_transient = True

    def __init__(self, what: str, failed: tuple[int, ...] = ()) -> None:
        super().__init__(what)
        self.failed = failed


class IdConflictError(SnapshotExportError):
    """The id already names another request, or burst, which was accepted at `accepted_at`."""

    def __init__(
        self, an_id: str, accepted_at: float, member: str = "ExportId", what: str = "request"
    ) -> None:
        accepted = datetime.fromtimestamp(accepted_at, UTC).isoformat(timespec="seconds")
        super().__init__(
            f"{member} {an_id} already names another {what}, accepted at {accepted[:19]}Z"
        )
        self.member = member


class ManifestError(SnapshotExportError):
    """A burst's manifest cannot be read (further). `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class FileChangedError(SnapshotExportError):
    """A file that was delivered is gone, or is another one by now."""


class UnknownIdError(SnapshotExportError):
    """Nothing of this kind has this id."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no such {kind}.")


class UnknownTargetError(SnapshotExportError):
    """A record names a target that this deployment has no more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Target {name} is not of this deployment any more: put it back, and deploy the stack."
        )


class MissingScopeError(SnapshotExportError):
    """The caller's token does not have the scope that its call needs."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This call needs a token with the scope {scope}.")


class UnreadableDashboardError(SnapshotExportError):
    """QuickSight does not let a dashboard be read; the text says which operation it refused."""


class DeclaredScheduleError(SnapshotExportError):
    """The schedule is declared in a file and belongs to the stack."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Schedule {name} is declared: change schedules/{name}.json and deploy the stack."
        )


class AlreadyEndedError(SnapshotExportError):
    """What ended cannot be cancelled. `status` is how it ended."""

    def __init__(self, kind: str, status: str) -> None:
        super().__init__(f"The {kind} has ended: it is {status}.")
        self.status = status


class NotHeldError(SnapshotExportError):
    """What is not held cannot be released."""

    def __init__(self, kind: str, status: str) -> None:
        super().__init__(f"The {kind} is not held: it is {status}.")


class NoLinksError(SnapshotExportError):
    """An export has no mail that brought links, or may still bring some."""

    def __init__(self) -> None:
        super().__init__("no mail of this export has links")


class NotResendableError(SnapshotExportError):
    """An export has no mail that can be sent again."""

    def __init__(self) -> None:
        super().__init__(
            "The export has no mail that failed, bounced or is held: nothing is sent again."
        )


class MailError(SnapshotExportError):
    """SES answered SendEmail with an error, or not at all. `code` is its name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class MailLaterError(MailError):
    """The account's rate or daily quota is used up; the mail was not taken."""

    is_transient = True


class MailStoppedError(MailError):
    """SES takes no mail of this account or sender: a person has to see to that."""


class MailRefusedError(MailError):
    """SES does not take this mail."""


class MailDoubtError(MailError):
    """SES may or may not have taken the mail."""

    is_transient = True


class RetryRefusedError(SnapshotExportError):
    """A burst cannot be run again, as it is now. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class QuickSightError(SnapshotExportError):
    """QuickSight answered with an exception. `code` is its name without the word Exception."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class QuickSightThrottledError(QuickSightError):
    """More than 10 calls in a second in this account: wait; it is no failure."""

    is_transient = True


class QuickSightUnavailableError(QuickSightError):
    """No answer, or a 5xx: the call may or may not have taken effect."""

    is_transient = True


class SlotsTakenError(QuickSightError):
    """LimitExceededException: others in the account use the slots."""

    is_transient = True


class JobExistsError(QuickSightError):
    """ResourceExistsException: a job of this id was started already."""

    is_transient = True


class JobNotFoundError(QuickSightError):
    """ResourceNotFoundException for a snapshot job or its dashboard."""


class JobNotEndedError(QuickSightError):
    """PreconditionNotMetException: the result was asked for before the job's end."""

    is_transient = True


class RefusedError(QuickSightError):
    """QuickSight refuses for a reason that the same request cannot overcome."""
