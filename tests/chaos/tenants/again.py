"""Exports of bursts that ended run again: the failed ones, or those that somebody names.

Before it one dashboard loses all of its rows, so that of what was delivered once nothing is left to
say. What ran before is kept as it was, for the witness to compare.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from snapshot_export.domain.burst import export_id_of
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.retry_request import parse_retry
from snapshot_export.flows.burst.retry import retry_burst
from tests.chaos.tenants.cast import EMPTIED, Burst, Cast
from tests.support.world import World

FAIL_FOR_GOOD = "DATASET_DELETED"


@dataclass(frozen=True, kw_only=True)
class Again:
    """Exports as they had ended: those `before` that ran again, and `others` of the same bursts.

    `emptied` are those that ran again when their dashboard had no rows any more. All of it was
    asked for `at` that time.
    """

    before: Mapping[str, Export]
    others: Mapping[str, Export]
    emptied: Collection[str]
    at: float


def run_again(world: World, cast: Cast) -> Again:
    """The first burst is asked for what failed, the others for recipients by their names."""
    (emptied,) = (each for each in SAMPLE_DASHBOARDS if each.dashboard_id == EMPTIED)
    world.quicksight.emulator.put_dashboard(replace(emptied, only={"status": "gone"}))
    before: dict[str, Export] = {}
    others: dict[str, Export] = {}
    gone: set[str] = set()
    at = world.clock.now()
    for burst in cast.bursts:
        ends = {export.export_id: export for export in _ends_of(world, burst)}
        failed = {name for name, each in ends.items() if each.status is Status.FAILED}
        if burst is cast.bursts[0]:
            meant, body = failed, "{}"
        else:
            rest = [name for name in ends if name not in failed]
            meant = failed | {*(rest if burst.template["DashboardId"] == EMPTIED else rest[::3])}
            names = [ends[name].recipient_id for name in ends if name in meant]
            body = json.dumps({"RecipientIds": names, "IncludeCompleted": True})
        retry_burst(world.services, burst.burst_id, parse_retry(body))
        before |= {name: ends[name] for name in meant}
        others |= {name: each for name, each in ends.items() if name not in meant}
        if burst.template["DashboardId"] == EMPTIED:
            gone |= meant
    world.driver.run()
    return Again(before=before, others=others, emptied=frozenset(gone), at=at)


def compare(again: Again, exports: Mapping[str, Export]) -> Iterator[str]:
    """What is wrong with what ran again, or did not."""
    for name, before in again.before.items():
        after = exports[name]
        if after.revision != before.revision + 1 or after.status is not Status.COMPLETED:
            yield f"{name}: run again, and it is {after.status}, revision {after.revision}"
        if before.status is Status.COMPLETED and after.files and _places(after) != _places(before):
            yield f"{name}: run again, and its files are not where they were"
    for name, before in again.others.items():
        if exports[name] != before:
            yield f"{name}: nobody asked for it to run again, and it changed"


def _places(export: Export) -> list[str | None]:
    return [file.uri for file in export.files]


def _ends_of(world: World, burst: Burst) -> Iterator[Export]:
    for line in range(1, len(burst.recipients) + 2):
        export = world.services.store.export(export_id_of(burst.burst_id, line))
        if export is not None and export.burst_id == burst.burst_id:
            yield export
