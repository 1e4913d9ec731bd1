"""Every record of a manifest is accepted or refused, each recipient stands once in it, and what is
no manifest is refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.flows.burst import expand as expansion
from snapshot_export.flows.burst.recipients import Slice, slices
from snapshot_export.flows.burst.work import work_on_burst
from tests.support.bursts import burst, csv_manifest, manifest_of, recipient, template
from tests.support.world import World

ONCE = "must stand once in a burst, in whatever case: it is that of line"


def found(world: World, burst_id: str = "burst-1") -> Burst:
    record = world.services.bursts.find(burst_id)
    assert record is not None
    return record


def refused(world: World) -> dict[int, list[tuple[str, str]]]:
    return {
        each.line: [(problem.place, problem.rule) for problem in each.problems]
        for each in world.services.bursts.refusals("burst-1")
    }


def of_csv(world: World, text: str | bytes) -> dict[str, Any]:
    return {"Burst": burst(Manifest=csv_manifest(world, text))}


def slice_by_slice(world: World) -> int:
    """Expand the burst by an invocation for each slice; answers how many there were."""
    for number in range(1, 100):
        work_on_burst(world.services, "burst-1", Work.EXPAND, stop_at=0)
        if found(world).status is not BurstStatus.EXPANDING:
            return number
    raise AssertionError("not expanded")


def test_whatever_ends_a_line_no_recipient_is_passed_over(world: World) -> None:
    ends = ["\r", "\n", "\r\n", "\r"]
    lines = "".join(f"r{n},cust-{n:04d}{end}" for n, end in enumerate(ends, start=1))
    world.send(of_csv(world, "RecipientId,tag:customer_id\n" + lines))
    world.driver.run()
    record = found(world)
    assert (record.read, record.accepted, record.refused) == (4, 4, 0)
    ids = [world.export(f"burst-1-{line}").recipient_id for line in range(2, 6)]
    assert ids == ["r1", "r2", "r3", "r4"]


def test_a_recipient_stands_once_however_often_the_reading_begins_again(world: World) -> None:
    lines = [f"r{n},cust-{n:04d}" for n in range(2, 122)]
    lines[70] = "R5,cust-0001"
    lines[110] = "r6,"
    lines[115] = "r113,cust-0001"
    lines[118] = "R6,cust-0001"
    text = "RecipientId,tag:customer_id\n" + "\n".join(lines) + "\n"
    world.send(of_csv(world, text))
    world.burst_queue.sent.clear()
    assert slice_by_slice(world) > 2
    twice = {72: [5], 112: [6], 117: [113], 120: [6]}
    at = {line: [("RecipientId", f"{ONCE} {first}") for first in of] for line, of in twice.items()}
    at[112].append(("tag:customer_id", "must not be empty"))
    at[117] = [("RecipientId", f"{ONCE} 113")]
    assert refused(world) == at
    assert (found(world).read, found(world).accepted) == (120, 116)


def test_the_second_of_two_inline_recipients_is_refused_too(world: World) -> None:
    people = [recipient(1), recipient(2) | {"RecipientId": "R-1"}, recipient(3)]
    world.send({"Burst": burst(recipients=people)})
    world.driver.run()
    assert refused(world) == {2: [("RecipientId", f"{ONCE} 1")]}


def test_the_first_counts_also_where_it_is_refused_itself(world: World) -> None:
    """Which of the two lines is right nobody knows."""
    world.send(of_csv(world, "RecipientId,tag:customer_id\na,\na,cust-0001\n"))
    world.driver.run()
    assert refused(world) == {
        2: [("tag:customer_id", "must not be empty")],
        3: [("RecipientId", f"{ONCE} 2")],
    }


@pytest.mark.parametrize(
    ("text", "code", "cause"),
    [
        ("RecipientId;tag:customer_id\na;secret\n", "MANIFEST_HEADER_INVALID", "semicolons"),
        ("RecipientId,tag:k\nä,ö\n".encode("utf-16"), "MANIFEST_FORMAT_INVALID", "UTF-16"),
        ("", "MANIFEST_EMPTY", "is empty"),
    ],
)
def test_what_is_no_manifest_is_refused_as_a_whole(
    world: World, text: str | bytes, code: str, cause: str
) -> None:
    world.send(of_csv(world, text))
    world.driver.run()
    record = found(world)
    assert record.status is BurstStatus.FAILED and record.error is not None
    assert record.error.code == code and cause in record.error.message
    assert "tag:<key>" in record.error.message and "secret" not in record.error.message
    assert (record.accepted, record.refused, refused(world)) == (0, 0, {})
    assert manifest_of(world, "burst-1")["Error"]["Code"] == code


@pytest.mark.parametrize("lost", ["exports", "refusals"])
def test_a_record_that_is_neither_accepted_nor_refused_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    def lossy(*arguments: Any) -> Iterator[Slice]:
        for part in slices(*arguments):
            getattr(part, lost).pop()
            yield part

    monkeypatch.setattr(expansion, "slices", lossy)
    people = [recipient(1), recipient(2), {"RecipientId": "no-tags"}]
    world.send({"Burst": burst(recipients=people)})
    world.driver.run()
    record = found(world)
    assert record.status is BurstStatus.FAILED and record.error is not None
    assert record.error.code == "MANIFEST_RECORDS_LOST"
    assert record.error.message.startswith("3 records were read, and 2 accepted or refused")
    ended = manifest_of(world, "burst-1")
    assert (ended["Status"], ended["Error"]["Code"]) == ("FAILED", "MANIFEST_RECORDS_LOST")


def test_ids_that_are_taken_and_an_end_by_cancelling_lose_no_record(world: World) -> None:
    from snapshot_export.flows.burst.cancel import cancel_burst
    from tests.support.messages import message

    assert world.send(message("burst-1-2")) is Status.QUEUED
    people = [recipient(number) for number in range(1, 121)]
    world.send({"Burst": burst(recipients=people, Template=template(Name="{recipient}"))})
    world.burst_queue.sent.clear()
    work_on_burst(world.services, "burst-1", Work.EXPAND, stop_at=0)
    cancel_burst(world.services, "burst-1")
    world.driver.run()
    record = found(world)
    assert record.status is BurstStatus.CANCELLED and record.error is None
    assert record.refused == 1 and 1 < record.read == record.accepted + 1 < 120
