"""The adapters of one target: each has a gate, a backlog, a pace and a bucket of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from snapshot_export.adapters.quicksight.assumed_roles import AssumedRole
from snapshot_export.adapters.quicksight.identities import Identities
from snapshot_export.adapters.quicksight.quicksight import CLIENT_CONFIG, QuickSight
from snapshot_export.adapters.s3.files import Files
from snapshot_export.adapters.table.burst_retries import BurstRetries
from snapshot_export.adapters.table.burst_store import BurstStore
from snapshot_export.adapters.table.data_waits import DataWaits
from snapshot_export.adapters.table.durations import DurationStore
from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.adapters.table.fair_order import FairOrder
from snapshot_export.adapters.table.outbox import Outbox
from snapshot_export.adapters.table.pacer import Pacer
from snapshot_export.adapters.table.published_cache import PublishedCache
from snapshot_export.adapters.table.records import Keys
from snapshot_export.adapters.table.refresh_times import RefreshTimes
from snapshot_export.adapters.table.repairs import Repairs
from snapshot_export.adapters.table.store import Store
from snapshot_export.adapters.table.throughput import Throughput
from snapshot_export.domain.target import Target, Targets
from snapshot_export.metric import Metric
from snapshot_export.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_quicksight import QuickSightClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

AWS_CONFIG = Config(
    connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}
)
S3_CONFIG = AWS_CONFIG.merge(
    Config(
        signature_version="s3v4",
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    )
)
"""Downloads are signed with version 4, for the host that the bucket has in its region.

By default boto3 signs for the global host, which answers with a redirect that the signature does
not fit until the bucket is known there, and in regions launched after March 2019 with an error
(S3 user guide, "Virtual hosting of buckets"; botocore.signers._should_use_global_endpoint)
[? region-links].
"""


@dataclass(frozen=True, kw_only=True)
class TargetServices:
    """What of `Services` is a target's own; `settings` are as of it."""

    settings: Settings
    store: Store
    fair_order: FairOrder
    quicksight: QuickSight
    files: Files
    throughput: Throughput
    durations: DurationStore
    refreshes: RefreshTimes
    bursts: BurstStore
    retries: BurstRetries
    published: PublishedCache
    waits: DataWaits
    outbox: Outbox
    repairs: Repairs


@dataclass(frozen=True, kw_only=True)
class TargetMaker:
    """Makes the adapters of targets over one session; `settings` are those of the default."""

    settings: Settings
    session: boto3.Session
    table: Table
    now: Callable[[], float]
    sleep: Callable[[float], None]
    measure: Callable[[Metric, float], None]

    def make(self, name: str) -> TargetServices:
        """The adapters of the target of this name. Raises UnknownTargetError."""
        settings = self.settings.for_target(name)
        keys = Keys(settings.quicksight_account_id, settings.quicksight_region)
        default_seconds = settings.expected_job_seconds
        return TargetServices(
            settings=settings,
            store=Store(self.table, keys),
            fair_order=FairOrder(self.table, keys),
            quicksight=self._quicksight(settings, keys),
            files=self._files(settings),
            throughput=Throughput(self.table, keys),
            durations=DurationStore(
                self.table, keys.durations_partition, default_seconds=default_seconds, now=self.now
            ),
            refreshes=RefreshTimes(self.table, keys, now=self.now),
            bursts=BurstStore(self.table, keys),
            retries=BurstRetries(self.table, keys),
            published=PublishedCache(self.table, keys),
            waits=DataWaits(self.table, keys),
            outbox=Outbox(self.table, keys),
            repairs=Repairs(self.table, keys, self.now),
        )

    def _quicksight(self, settings: Settings, keys: Keys) -> QuickSight:
        account_id, region = settings.quicksight_account_id, settings.quicksight_region
        identity_region = settings.identity_region or region
        sts = self.session.client("sts", config=AWS_CONFIG)
        client = self._caller(settings, sts, region)
        elsewhere = identity_region != region
        pacer = Pacer(
            self.table,
            keys.pacer,
            calls_per_second=settings.calls_per_second,
            now=self.now,
            sleep=self.sleep,
        )
        identities = Identities(
            quicksight=self._caller(settings, sts, identity_region) if elsewhere else client,
            identity_region=identity_region,
            sts=sts,
            account_id=account_id,
            role_arn=settings.snapshot_user_role_arn or "",
            region=region,
            config=CLIENT_CONFIG,
            now=self.now,
        )
        return QuickSight(client, account_id, pacer, identities, self.measure)

    def _caller(
        self, settings: Settings, sts: STSClient, region: str
    ) -> Callable[[], QuickSightClient]:
        """Makes a client in this region, with the function's credentials or the target's role's."""
        if settings.role_arn is None:
            own = self.session.client("quicksight", region_name=region, config=CLIENT_CONFIG)
            return lambda: own
        return AssumedRole(
            sts,
            role_arn=settings.role_arn,
            external_id=settings.external_id,
            region=region,
            config=CLIENT_CONFIG,
            now=self.now,
        ).client

    def _files(self, settings: Settings) -> Files:
        """A bucket of the target's own lies in its region."""
        region = None
        if settings.export_bucket != self.settings.export_bucket:
            region = settings.quicksight_region
        return Files(s3_client(self.session, region), settings.export_bucket)


def s3_client(session: boto3.Session, region: str | None = None) -> S3Client:
    """A client whose download addresses name the region's own host.

    An endpoint that is not S3's own, as the embedded account's, has no host for each bucket.
    """
    client = session.client("s3", region_name=region, config=S3_CONFIG)
    if f"//s3.{client.meta.region_name}." in client.meta.endpoint_url:
        return client
    by_path = S3_CONFIG.merge(Config(s3={"addressing_style": "path"}))
    return session.client("s3", region_name=region, config=by_path)


def targets_of(settings: Settings) -> Targets:
    """What the requests of a deployment may reach; `settings` are those of the default target."""

    def target(name: str) -> Target:
        own = settings.for_target(name)
        return Target(
            name=name,
            account_id=own.quicksight_account_id,
            region=own.quicksight_region,
            export_bucket=own.export_bucket,
            allowed_buckets=own.allowed_buckets,
            takes_users=own.snapshot_user_role_arn is not None,
        )

    return Targets(
        target(settings.target),
        {name: target(name) for name in settings.targets},
        settings.athena_work_groups,
        settings.mail.allowed_domains if settings.mail else None,
        settings.password_prefix,
    )
