"""View: where an export is, when it will probably end, and where its files are. Reads only.

An expected end is the median of the forecast: as likely before as after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst, BurstStatus
from snapshot_export.domain.delivery import Delivery
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.forecast import Estimate, estimate_ends
from snapshot_export.domain.link import LinkUse, use_of
from snapshot_export.domain.parts import formats_of_part, later_parts
from snapshot_export.domain.simulation import Group, SimulatedJob, Situation
from snapshot_export.errors import UnknownIdError, UnknownTargetError
from snapshot_export.flows.forecast.forecast import burst_groups, with_kinds
from snapshot_export.flows.forecast.situation import (
    MAX_READ,
    kind_of,
    read_situation,
    read_situation_before,
    read_slots,
)

DOWNLOAD_SECONDS = 900
MAX_COUNTED = 1000
"""A place is counted up to here: a Query of 1000 entries costs about 40 read units."""


@dataclass(frozen=True, kw_only=True)
class ExportView:
    """An export as its user sees it. `place` counts from 1, and is a lower bound if so marked.

    `is_collecting`: its job has ended, its slot is free, and its files are being collected.
    `downloads` has one address (or None) for each of the export's files, `deliveries` its mails,
    and `link_uses` how the links of those that have some were used, by the mail's id.
    """

    export: Export
    place: int | None = None
    place_is_at_least: bool = False
    expected_end: float | None = None
    is_collecting: bool = False
    downloads: tuple[str | None, ...] = ()
    downloads_expire_at: float | None = None
    deliveries: tuple[Delivery, ...] = ()
    link_uses: Mapping[str, LinkUse] = field(default_factory=dict)


def view(services: Services, export_id: str) -> ExportView:
    """The export's view; only the record, if its target is gone. Raises UnknownIdError."""
    export = services.store.export(export_id)
    if export is None:
        raise UnknownIdError("export")
    try:
        services = services.for_target(export.target)
    except UnknownTargetError:
        return ExportView(export=export)
    if export.status is Status.QUEUED:
        return _view_waiting(services, export)
    if export.status is Status.RUNNING:
        return _view_running(services, export)
    expires_at = services.now() + DOWNLOAD_SECONDS
    downloads = tuple(
        services.files.download_url(file.uri, DOWNLOAD_SECONDS) if file.uri else None
        for file in export.files
    )
    deliveries = tuple(services.outbox.of_export(export_id)) if export.mail else ()
    return ExportView(
        export=export,
        downloads=downloads,
        downloads_expire_at=expires_at,
        deliveries=deliveries,
        link_uses=find_link_uses(services, deliveries),
    )


def find_link_uses(services: Services, deliveries: Iterable[Delivery]) -> dict[str, LinkUse]:
    """How the links of mails were used, by the mail's id; mails without links are not in it."""
    links = services.links.of([link_id for each in deliveries for link_id in each.link_ids])
    ids = dict.fromkeys(each.delivery_id for each in links)
    return {name: use_of([each for each in links if each.delivery_id == name]) for name in ids}


def find_collecting(services: Services) -> frozenset[str]:
    """The exports of every target whose files are being collected: one Query of each target."""
    targets = map(services.for_target, services.targets.names)
    attempts = (attempt for target in targets for attempt in target.store.leases())
    return frozenset(attempt.export_id for attempt in attempts if not attempt.holds_slot)


def view_burst_end(services: Services, burst: Burst) -> float | None:
    """When a burst whose recipients were all read will probably be over (epoch seconds).

    None where that is not known: it has ended, nothing is admitted, its exports wait behind the
    first that are read, or its target is gone.
    """
    if burst.status is not BurstStatus.RUNNING:
        return None
    try:
        services = services.for_target(burst.target)
    except UnknownTargetError:
        return None
    seen = read_situation(services, MAX_READ, rest=False)
    group = burst_groups(services, seen).get(burst.burst_id)
    if group is None:
        return services.now() + seen.situation.collecting if seen.is_whole else None
    return _median(estimate_ends(seen.situation, {"": group}))


def _view_waiting(services: Services, export: Export) -> ExportView:
    """Place: the entries of the backlog up to its own. A retry has none until it is due."""
    if export.due_at:
        job = SimulatedJob(
            export_id=export.export_id,
            kind=kind_of(
                export.dashboard_id,
                formats_of_part(export.snapshot, export.part),
                later_parts(export.snapshot, export.part),
            ),
            due_at=export.due_at,
        )
        situation = with_kinds(services, replace(read_slots(services), waiting=[job]), [job.kind])
        return ExportView(export=export, expected_end=_end_of_last(situation))
    seen = read_situation_before(services, export, MAX_COUNTED)
    end = _end_of_last(seen.situation) if seen.is_whole and seen.entries else None
    return ExportView(
        export=export, place=seen.waiting, place_is_at_least=not seen.is_whole, expected_end=end
    )


def _view_running(services: Services, export: Export) -> ExportView:
    """From the slots alone: what waits does not hold up what runs."""
    situation = read_slots(services)
    ids = [job.export_id for job in situation.running]
    if export.export_id not in ids:
        end = services.now() + situation.collecting
        return ExportView(export=export, expected_end=end, is_collecting=True)
    group = Group((ids.index(export.export_id),))
    estimates = estimate_ends(replace(situation, slots=max(1, situation.slots)), {"": group})
    return ExportView(export=export, expected_end=_median(estimates))


def _end_of_last(situation: Situation) -> float | None:
    last = len(situation.running) + len(situation.waiting) - 1
    return _median(estimate_ends(situation, {"": Group((last,))}))


def _median(estimates: dict[str, Estimate]) -> float | None:
    return estimates[""].p50 if estimates else None
