"""All adapters of one function, made from the settings once per execution environment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import boto3
from botocore.config import Config

from snapshot_export.adapters import measuring
from snapshot_export.adapters.burst_store import BurstStore
from snapshot_export.adapters.durations import DurationStore
from snapshot_export.adapters.dynamodb import Table
from snapshot_export.adapters.events import Events
from snapshot_export.adapters.executions import Executions
from snapshot_export.adapters.files import Files
from snapshot_export.adapters.identities import Identities
from snapshot_export.adapters.listing import Listing
from snapshot_export.adapters.manifests import Manifests
from snapshot_export.adapters.name_claims import NameClaims
from snapshot_export.adapters.pacer import Pacer
from snapshot_export.adapters.queues import BurstQueue, IntakeQueue, RejectedQueue
from snapshot_export.adapters.quicksight import CLIENT_CONFIG, QuickSight
from snapshot_export.adapters.records import Keys
from snapshot_export.adapters.schedules import Schedules
from snapshot_export.adapters.store import Store
from snapshot_export.adapters.throughput import Throughput
from snapshot_export.domain.metric import Metric
from snapshot_export.domain.schedule import ScheduleTarget
from snapshot_export.settings import Settings

_AWS_CONFIG = Config(
    connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}
)
_S3_CONFIG = _AWS_CONFIG.merge(Config(signature_version="s3v4"))
"""Addresses for downloads must be signed with version 4 everywhere."""


Measure = Callable[[Metric, float], None]


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a flow works with. `now` is the clock (epoch seconds); `sleep` waits on it.

    `measure` adds a value to a metric.
    """

    settings: Settings
    store: Store
    quicksight: QuickSight
    executions: Executions
    files: Files
    listing: Listing
    throughput: Throughput
    durations: DurationStore
    events: Events
    intake: IntakeQueue
    rejected: RejectedQueue
    bursts: BurstStore
    burst_work: BurstQueue
    manifests: Manifests
    schedules: Schedules
    names: NameClaims
    now: Callable[[], float]
    sleep: Callable[[float], None]
    measure: Measure


@cache
def services_from_env() -> Services:
    """The services of this function; raises SettingsError."""
    return make_services(Settings.from_env(os.environ), boto3.Session(), measure=measuring.measure)


def measure_nothing(_metric: Metric, _value: float) -> None:
    """For services whose metrics nobody collects."""


def make_services(
    settings: Settings,
    session: boto3.Session,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    measure: Measure = measure_nothing,
) -> Services:
    """Adapters over one session's clients."""
    keys = Keys(settings.quicksight_account_id, settings.quicksight_region)
    table = Table(session.client("dynamodb", config=_AWS_CONFIG), settings.table_name, sleep)
    pacer = Pacer(
        table, keys.pacer, calls_per_second=settings.calls_per_second, now=now, sleep=sleep
    )
    quicksight = session.client(
        "quicksight", region_name=settings.quicksight_region, config=CLIENT_CONFIG
    )
    identities = Identities(
        quicksight=quicksight,
        sts=session.client("sts", config=_AWS_CONFIG),
        account_id=settings.quicksight_account_id,
        role_arn=settings.snapshot_user_role_arn,
        config=CLIENT_CONFIG,
        now=now,
    )
    return Services(
        settings=settings,
        store=Store(table, keys),
        quicksight=QuickSight(
            quicksight, settings.quicksight_account_id, pacer, identities, measure
        ),
        executions=Executions(
            session.client("stepfunctions", config=_AWS_CONFIG), settings.state_machine_arn
        ),
        files=Files(session.client("s3", config=_S3_CONFIG), settings.export_bucket),
        listing=Listing(table),
        throughput=Throughput(table, keys),
        durations=DurationStore(
            table, keys, default_seconds=settings.expected_job_seconds, now=now
        ),
        events=Events(session.client("events", config=_AWS_CONFIG), settings.event_bus_name),
        intake=IntakeQueue(session.client("sqs", config=_AWS_CONFIG), settings.schedule_queue_arn),
        rejected=RejectedQueue(
            session.client("sqs", config=_AWS_CONFIG), settings.rejected_queue_url
        ),
        bursts=BurstStore(table, keys),
        burst_work=BurstQueue(session.client("sqs", config=_AWS_CONFIG), settings.burst_queue_url),
        manifests=Manifests(session.client("s3", config=_AWS_CONFIG), settings.export_bucket),
        names=NameClaims(table),
        schedules=Schedules(
            session.client("scheduler", config=_AWS_CONFIG),
            ScheduleTarget(
                group=settings.schedule_group,
                role_arn=settings.schedule_role_arn,
                queue_arn=settings.schedule_queue_arn,
                dead_letter_arn=settings.schedule_dead_letter_arn,
            ),
        ),
        now=now,
        sleep=sleep,
        measure=measure,
    )
