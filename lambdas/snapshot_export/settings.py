"""What a deployment sets: read from the environment, in the handler, never at import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from snapshot_export.domain.scopes import Scope
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.errors import SettingsError, UnknownTargetError

DAY_SECONDS = 86_400
CLAIM_MARGIN_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """What another target than the default has of its own, by the names of Settings.

    Without an `export_bucket` its files go where the default's go; without a `role_arn` its
    registered users are acted for as the default's are.
    """

    quicksight_account_id: str
    quicksight_region: str
    snapshot_job_limit: int
    reserved_slots: int
    calls_per_second: float
    identity_region: str | None = None
    export_bucket: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    snapshot_user_role_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """How mails are sent, by the names of the deployment parameter `email`.

    What stays in doubt for `in_doubt_minutes` is sent again (`in_doubt` SEND) or held (HOLD). With
    `link_days` mails link to the files that they do not carry, for so long.
    """

    sender: str
    configuration_set: str
    allowed_domains: frozenset[str]
    in_doubt: str
    in_doubt_minutes: float
    max_per_second: float
    link_days: int | None = None

    @property
    def sends_again(self) -> bool:
        """Whether a mail that may have been sent is sent again."""
        return self.in_doubt == "SEND"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployment, as of its default target unless `target` says otherwise.

    Durations in seconds unless named otherwise. QuickSight is called with the credentials of
    `role_arn` if there is one, else with the function's own. `identity_region` is where the users
    of the QuickSight account are, unless that is `quicksight_region`. `jwt_scopes` are the names of
    the API's scopes (domain/scopes.py) where callers have tokens, and none where IAM authorizes
    them. Queries for recipients run in `athena_work_groups` with the credentials of
    `athena_role_arn`. `collect_function_arn` is known to the function that follows hints up. `mail`
    and `delivery_queue_url` are there where mails are sent, and `links_url`, where links in mails
    begin, where these have some. Secrets with passwords of files begin with `password_prefix`. A
    job makes up to `sheets_per_job` sheets of a merged PDF.
    """

    table_name: str
    export_bucket: str
    rejected_queue_url: str
    burst_queue_url: str
    schedule_group: str
    schedule_role_arn: str
    schedule_queue_arn: str
    schedule_dead_letter_arn: str
    snapshot_user_role_arn: str | None
    state_machine_arn: str
    event_bus_name: str
    quicksight_account_id: str
    quicksight_region: str
    identity_region: str | None = None
    snapshot_job_limit: int
    reserved_slots: int = 0
    calls_per_second: float
    expected_job_seconds: float
    allowed_buckets: frozenset[str]
    retention_days: int
    unreadable_row_level_security: str = "REFUSE"
    sheets_per_job: int = 1
    target: str = DEFAULT_TARGET
    role_arn: str | None = None
    external_id: str | None = None
    targets: Mapping[str, TargetSettings] = field(default_factory=dict)
    jwt_scopes: Mapping[str, str] = field(default_factory=dict)
    athena_work_groups: frozenset[str] = frozenset()
    athena_role_arn: str | None = None
    collect_function_arn: str | None = None
    mail: MailSettings | None = None
    delivery_queue_url: str | None = None
    links_url: str | None = None
    password_prefix: str | None = None

    @property
    def open_slots(self) -> int:
        """How many slots exports may use, unless the gate says otherwise."""
        return self.snapshot_job_limit - self.reserved_slots

    @property
    def refuses_unreadable(self) -> bool:
        """Whether a request is refused if its row-level security cannot be read."""
        return self.unreadable_row_level_security == "REFUSE"

    @property
    def retention_seconds(self) -> int:
        """How long what has ended is kept."""
        return self.retention_days * DAY_SECONDS

    def expires_at(self, ended_at: float, *, burst_since: float | None = None) -> int:
        """When the record of what ended then leaves the table (epoch seconds, for its TTL).

        What belongs to a burst, accepted at `burst_since`, must outlive it: it is kept as much
        longer as the burst has taken so far, a day at least (flows/burst/keep_records.py).
        """
        more = 0.0 if burst_since is None else max(DAY_SECONDS, ended_at - burst_since)
        return int(ended_at + more) + self.retention_seconds

    def claim_expires_at(self, written_at: float, *, burst_since: float | None = None) -> int:
        """When the claim of an object that is written then may go (epoch seconds, for its TTL).

        An object of an open burst may expire before the burst's manifest names it; its claim stays.

        S3 expires an object at the midnight UTC after its retention and removes it some time later
        (S3 user guide, "Expiring objects"), and a step may be repeated for hours.
        """
        return (
            self.expires_at(written_at, burst_since=burst_since) + CLAIM_MARGIN_DAYS * DAY_SECONDS
        )

    def for_target(self, name: str) -> Settings:
        """The settings as of another target. Raises UnknownTargetError.

        To be asked of those of the default target only.
        """
        if name == DEFAULT_TARGET:
            return self
        if name not in self.targets:
            raise UnknownTargetError(name)
        own = vars(self.targets[name])
        if own["export_bucket"] is None:
            own = own | {"export_bucket": self.export_bucket}
        if own["role_arn"] is None:
            own = own | {"snapshot_user_role_arn": self.snapshot_user_role_arn}
        return replace(self, target=name, **own)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """Read all settings. Raises SettingsError naming every missing or unusable variable."""
        reader = _Reader(environment)
        settings = cls(
            table_name=reader.text("TABLE_NAME"),
            export_bucket=reader.text("EXPORT_BUCKET"),
            rejected_queue_url=reader.text("REJECTED_QUEUE_URL"),
            burst_queue_url=reader.text("BURST_QUEUE_URL"),
            schedule_group=reader.text("SCHEDULE_GROUP"),
            schedule_role_arn=reader.text("SCHEDULE_ROLE_ARN"),
            schedule_queue_arn=reader.text("SCHEDULE_QUEUE_ARN"),
            schedule_dead_letter_arn=reader.text("SCHEDULE_DEAD_LETTER_ARN"),
            snapshot_user_role_arn=reader.text("SNAPSHOT_USER_ROLE_ARN"),
            state_machine_arn=reader.text("STATE_MACHINE_ARN"),
            event_bus_name=reader.text("EVENT_BUS_NAME"),
            quicksight_account_id=reader.text("QUICKSIGHT_ACCOUNT_ID"),
            quicksight_region=reader.text("QUICKSIGHT_REGION"),
            identity_region=environment.get("IDENTITY_REGION") or None,
            snapshot_job_limit=int(reader.number("SNAPSHOT_JOB_LIMIT")),
            reserved_slots=reader.count("RESERVED_SLOTS"),
            calls_per_second=reader.number("CALLS_PER_SECOND"),
            expected_job_seconds=reader.number("EXPECTED_JOB_SECONDS"),
            allowed_buckets=reader.names("ALLOWED_BUCKETS"),
            retention_days=int(reader.number("RETENTION_DAYS")),
            unreadable_row_level_security=reader.text("UNREADABLE_ROW_LEVEL_SECURITY"),
            sheets_per_job=int(environment.get("SHEETS_PER_JOB") or 1),
            targets=reader.targets("TARGETS"),
            jwt_scopes=reader.scopes("JWT_SCOPES"),
            athena_work_groups=reader.names("ATHENA_WORK_GROUPS"),
            athena_role_arn=environment.get("ATHENA_ROLE_ARN") or None,
            collect_function_arn=environment.get("COLLECT_FUNCTION_ARN") or None,
            mail=reader.mail("EMAIL"),
            delivery_queue_url=environment.get("DELIVERY_QUEUE_URL") or None,
            links_url=environment.get("LINKS_URL") or None,
            password_prefix=environment.get("PASSWORD_SECRETS") or None,
        )
        reader.raise_problems()
        return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def text(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            self._problems.append(f"{name} is not set")
        return value

    def number(self, name: str) -> float:
        text = self.text(name)
        try:
            value = float(text or 1)
        except ValueError:
            value = 0
        if value <= 0:
            self._problems.append(f"{name} must be a positive number")
        return value

    def count(self, name: str) -> int:
        text = self.text(name)
        if text and not (text.isascii() and text.isdigit()):
            self._problems.append(f"{name} must be a whole number, 0 or more")
            return 0
        return int(text or 0)

    def names(self, name: str) -> frozenset[str]:
        """Names with commas between; it may be absent."""
        return frozenset(each for each in self._environment.get(name, "").split(",") if each)

    def targets(self, name: str) -> dict[str, TargetSettings]:
        """Those besides the default, as a JSON object; it may be absent."""
        text = self._environment.get(name, "") or "{}"
        try:
            found: dict[str, dict[str, Any]] = json.loads(text)
            return {each: TargetSettings(**members) for each, members in found.items()}
        except (ValueError, TypeError, AttributeError):
            self._problems.append(f"{name} must be a JSON object of targets")
            return {}

    def scopes(self, name: str) -> dict[str, str]:
        """What each scope is called, as a JSON object; it may be absent."""
        try:
            found: dict[str, str] = json.loads(self._environment.get(name, "") or "{}")
            if not found or set(found) == set(Scope):
                return found
        except ValueError:
            pass
        self._problems.append(f"{name} must be a JSON object of {', '.join(Scope)}")
        return {}

    def mail(self, name: str) -> MailSettings | None:
        """How mails are sent, as a JSON object; absent where none are."""
        text = self._environment.get(name, "")
        if not text:
            return None
        try:
            found: dict[str, Any] = json.loads(text)
            domains = frozenset(map(str.lower, found["allowed_domains"]))
            return MailSettings(**found | {"allowed_domains": domains})
        except (ValueError, TypeError, KeyError):
            self._problems.append(f"{name} must be a JSON object of how mails are sent")
            return None

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsError("environment: " + "; ".join(self._problems))
