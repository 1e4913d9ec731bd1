"""S3's notifications in a world on virtual time: when an object comes, and when its hint does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from snapshot_export.domain.hint import Hint, hint_of

if TYPE_CHECKING:
    from tests.support.world import World

Delays = Callable[[int], Sequence[float]]
"""After how many seconds the hint of the n-th object comes: none if it is lost, two if doubled."""


def in_time(_number: int) -> Sequence[float]:
    """Each after 0.7 s."""
    return (0.7,)


def never(_number: int) -> Sequence[float]:
    """All lost."""
    return ()


class Notifications:
    """The hints of a world's own bucket: `due` are those on their way, with their times."""

    def __init__(self, world: World, delays: Delays) -> None:
        self._world = world
        self._delays = delays
        self._objects = 0
        self.due: list[tuple[float, Hint]] = []
        for place in world.quicksight.emulator.places.values():
            client = place.account._destination._s3
            client.meta.events.register("provide-client-params.s3.PutObject", self._note)

    def _note(self, params: dict[str, Any], **_more: object) -> None:
        now = self._world.clock.now()
        hint = hint_of(params["Bucket"], params["Key"], float(int(now)))
        if hint is not None and params["Bucket"] == self._world.settings.export_bucket:
            self.due += [(now + delay, hint) for delay in self._delays(self._objects)]
            self._objects += 1

    def next_at(self) -> float | None:
        """When something moves by itself: an object that comes, or a hint."""
        jobs = [
            job
            for place in self._world.quicksight.emulator.places.values()
            for job in place.account.book._active
        ]
        files = [
            job.ends_at - lead
            for job in jobs
            for position, lead in enumerate(job.leads)
            if position not in job.delivering and job.error is None
        ]
        return min([*files, *(at for at, _ in self.due)], default=None)

    def take_due(self) -> list[Hint]:
        """Bring what is due to the bucket, and answer the hints that come now."""
        self._world.quicksight.emulator.settle()
        now = self._world.clock.now()
        ready = [hint for at, hint in self.due if at <= now]
        self.due = [(at, hint) for at, hint in self.due if at > now]
        return ready


def objects_on_the_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto's objects be written at the world's time."""
    monkeypatch.setattr(
        "moto.s3.models.utcnow",
        lambda: datetime.fromtimestamp(world.clock.now(), UTC).replace(tzinfo=None),
    )
