"""All adapters of one function, made from the settings once per execution environment."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import boto3

from snapshot_export.adapters import measuring
from snapshot_export.adapters.athena import Athena
from snapshot_export.adapters.collector import Collector
from snapshot_export.adapters.events.events import Events
from snapshot_export.adapters.executions import Executions
from snapshot_export.adapters.mail import Mail
from snapshot_export.adapters.passwords import Passwords
from snapshot_export.adapters.queues import (
    BurstQueue,
    DeliveryQueue,
    IntakeQueue,
    RejectedQueue,
)
from snapshot_export.adapters.s3.manifests import Manifests
from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.adapters.table.judged_schedules import JudgedSchedules
from snapshot_export.adapters.table.links import Links
from snapshot_export.adapters.table.listing import Listing
from snapshot_export.adapters.table.name_claims import NameClaims
from snapshot_export.adapters.table.occurrences import Occurrences
from snapshot_export.adapters.table.recipient_counts import RecipientCounts
from snapshot_export.adapters.table.server_clock import ServerClock
from snapshot_export.adapters.target_services import (
    AWS_CONFIG,
    TargetMaker,
    TargetServices,
    targets_of,
)
from snapshot_export.domain.link import TOKEN_BYTES
from snapshot_export.domain.target import Targets
from snapshot_export.errors import SettingsError
from snapshot_export.metric import Metric
from snapshot_export.settings import Settings

if TYPE_CHECKING:
    from snapshot_export.adapters.schedules import Schedules

Measure = Callable[[Metric, float], None]


@dataclass(frozen=True, kw_only=True)
class Services(TargetServices):
    """What a flow works with. `now` is the clock (epoch seconds); `sleep` waits on it.

    As of one target, the default unless `for_target` gave them: `settings` and the adapters of
    TargetServices are that target's, all others serve every target.
    `measure` adds a value to a metric. `draw_nonce` answers another text each time, which nobody
    can guess, and `draw_token` one that is a right by itself.
    """

    targets: Targets
    of_target: Callable[[str], TargetServices]
    executions: Executions
    collector: Collector
    listing: Listing
    events: Events
    intake: IntakeQueue
    rejected: RejectedQueue
    burst_work: BurstQueue
    delivery_work: DeliveryQueue
    mail: Mail
    links: Links
    passwords: Passwords
    manifests: Manifests
    queries: Athena
    recipient_counts: RecipientCounts
    occurrences: Occurrences
    judged_schedules: JudgedSchedules
    names: NameClaims
    make_schedules: Callable[[], Schedules]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    measure: Measure
    draw_nonce: Callable[[], str]
    draw_token: Callable[[], str]

    def utc_now(self) -> datetime:
        """`now` as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    @property
    def schedules(self) -> Schedules:
        """Made when first used."""
        return self.make_schedules()

    def for_target(self, name: str) -> Services:
        """The same for the target of this name. Raises UnknownTargetError."""
        if name == self.settings.target:
            return self
        return replace(self, **vars(self.of_target(name)))

    def each_target(self) -> Iterator[Services]:
        """The same for every target, the default first."""
        return map(self.for_target, self.targets.names)


@cache
def services_from_env() -> Services:
    """The services of this function; raises SettingsError."""
    session, clock = boto3.Session(), ServerClock(time.time)
    clock.watch(session)
    return make_services(
        Settings.from_env(os.environ), session, now=clock.now, measure=measuring.measure
    )


def prepare_services() -> None:
    """Make the services while Lambda initializes a function, before it has work.

    The processor is not throttled to the function's memory there, in practice, and what fails
    fails again in the first invocation, where it is handled [? init-phase]. Elsewhere, as in tests
    that import a handler, nothing happens. Source of the variable: Lambda Developer Guide,
    "Defined runtime environment variables".
    """
    if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
        with suppress(SettingsError):
            services_from_env()


def measure_nothing(_metric: Metric, _value: float) -> None:
    """For services whose metrics nobody collects."""


def random_nonce() -> str:
    """48 bits, of letters and digits that job ids and names of executions may hold."""
    return secrets.token_hex(6)


def random_token() -> str:
    """As many random bits as nobody guesses, in base64url."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def make_services(
    settings: Settings,
    session: boto3.Session,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    measure: Measure = measure_nothing,
    draw_nonce: Callable[[], str] = random_nonce,
    draw_token: Callable[[], str] = random_token,
) -> Services:
    """Adapters over one session's clients, for the default target; another's are made when used."""
    table = Table(session.client("dynamodb", config=AWS_CONFIG), settings.table_name, sleep)
    maker = TargetMaker(
        settings=settings, session=session, table=table, now=now, sleep=sleep, measure=measure
    )
    of_target = cache(maker.make)
    sqs = session.client("sqs", config=AWS_CONFIG)
    return Services(
        **vars(of_target(settings.target)),
        targets=targets_of(settings),
        of_target=of_target,
        executions=Executions(
            session.client("stepfunctions", config=AWS_CONFIG), settings.state_machine_arn
        ),
        collector=Collector(session, AWS_CONFIG, settings.collect_function_arn),
        listing=Listing(table),
        events=Events(session.client("events", config=AWS_CONFIG), settings.event_bus_name),
        intake=IntakeQueue(sqs, settings.schedule_queue_arn),
        rejected=RejectedQueue(sqs, settings.rejected_queue_url),
        burst_work=BurstQueue(sqs, settings.burst_queue_url),
        delivery_work=DeliveryQueue(sqs, settings.delivery_queue_url),
        links=Links(table),
        passwords=Passwords(session, AWS_CONFIG),
        mail=Mail(session, table, settings.mail, now=now, sleep=sleep),
        manifests=Manifests(session.client("s3", config=AWS_CONFIG), settings.export_bucket),
        queries=Athena(session, role_arn=settings.athena_role_arn, config=AWS_CONFIG, now=now),
        recipient_counts=RecipientCounts(table),
        names=NameClaims(table),
        occurrences=Occurrences(table),
        judged_schedules=JudgedSchedules(table),
        make_schedules=cache(partial(_make_schedules, settings, session)),
        now=now,
        sleep=sleep,
        measure=measure,
        draw_nonce=draw_nonce,
        draw_token=draw_token,
    )


def _make_schedules(settings: Settings, session: boto3.Session) -> Schedules:
    """Imports what reads a schedule's request: no step of an export needs it."""
    from snapshot_export.adapters.schedules import Schedules
    from snapshot_export.domain.schedule import ScheduleTarget

    return Schedules(
        session.client("scheduler", config=AWS_CONFIG),
        ScheduleTarget(
            group=settings.schedule_group,
            role_arn=settings.schedule_role_arn,
            queue_arn=settings.schedule_queue_arn,
            dead_letter_arn=settings.schedule_dead_letter_arn,
        ),
    )
