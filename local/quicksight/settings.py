"""The settings of one emulator, given at its start."""

from dataclasses import dataclass, replace
from pathlib import Path

from local.quicksight.durations import Durations
from local.quicksight.selection import UnfulfilledTags


@dataclass(frozen=True, kw_only=True)
class OtherPlace:
    """A further account and region that one emulator serves beside its home.

    `dashboards` takes the last so many of the catalogue only. Another account is called with the
    credentials of a role of its own: `role_arn`, which is given for `external_id` only, if set.
    """

    account: str
    region: str
    limit: int = 12
    calls_per_second: int = 10
    dashboards: int | None = None
    role_arn: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one emulator; times in seconds.

    `aws_endpoint` is where the destination buckets are; None lets boto3 choose.
    `state_dir` receives the certificate and `quicksight.json`; None means a temporary folder.
    `time_scale` multiplies drawn job times and `queued_seconds`, no limit and no expiry (1.0 is
    real: a mean of 40 s). `durations` says what a job's time depends on (durations.py);
    `dashboards` takes the first so many of the catalogue only. Each
    file's delivery begins a drawn time before the job's end: `shortest_lead_seconds` to
    `longest_lead_seconds`, but not before half of a short job [? files-before-end].

    What an account can lack: its `edition`, its `subscription` (QuickSight's own words), the
    add-on `pixel_perfect`, `capacity_pricing` for anonymous users, the right to the operations
    `denied`. `home_region` is where its users are, if elsewhere; the dashboards `unpublished` have
    a version whose creation failed. `others` are served too, each with jobs, limits, users and
    dashboards of its own. STS also gives credentials of `athena_role`, a role of the home account.

    A PDF takes up to `sheets_per_pdf` sheets [? sheets-in-one-pdf].

    `unfulfilled_tags`: what a viewer sees of a data set whose tag rules the tags do not fulfil.
    AWS documents neither [? unfulfilled-tags]; the default is the one that does harm.
    """

    account: str = "000000000000"
    region: str = "us-east-1"
    aws_endpoint: str | None = None
    aws_access_key_id: str = "test"
    aws_secret_access_key: str = "test"
    state_dir: Path | None = None
    port: int = 0
    seed: int = 7
    time_scale: float = 1.0
    durations: Durations = "by-arrival"
    dashboards: int | None = None
    limit: int = 12
    calls_per_second: int = 10
    queued_seconds: float = 1.0
    shortest_lead_seconds: float = 0.1
    longest_lead_seconds: float = 3.0
    id_reuse_seconds: float = 24 * 3600.0
    download_expiry_seconds: float = 300.0
    require_bucket_policy: bool = True
    edition: str = "ENTERPRISE"
    subscription: str = "ACCOUNT_CREATED"
    pixel_perfect: bool = True
    capacity_pricing: bool = True
    sheets_per_pdf: int = 1
    home_region: str | None = None
    denied: frozenset[str] = frozenset()
    unpublished: frozenset[str] = frozenset()
    others: tuple[OtherPlace, ...] = ()
    athena_role: str | None = None
    unfulfilled_tags: UnfulfilledTags = "SHOW_EVERYTHING"

    def of_other(self, other: OtherPlace) -> "Settings":
        """The settings as of a further account and region."""
        return replace(
            self,
            account=other.account,
            region=other.region,
            limit=other.limit,
            calls_per_second=other.calls_per_second,
            others=(),
        )

    def arn_of_dashboard(self, dashboard_id: str) -> str:
        """The ARN of a dashboard of this account and region."""
        return self.arn_of("dashboard", dashboard_id)

    def arn_of(self, kind: str, resource_id: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:quicksight:{self.region}:{self.account}:{kind}/{resource_id}"
