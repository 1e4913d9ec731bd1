"""A burst that ended runs again: what failed, or what is named, under the same ids and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from snapshot_export.adapters.events.events import DetailType
from snapshot_export.adapters.table.burst_records import burst_key
from snapshot_export.adapters.table.burst_retries import MAX_REQUEUED
from snapshot_export.adapters.table.dynamodb import put_of
from snapshot_export.adapters.table.record_version import read_record
from snapshot_export.domain.burst import VERSION, Burst, BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.errors import NewerRecordError
from snapshot_export.flows.burst.work import work_on_burst
from snapshot_export.metric import Metric
from snapshot_export.settings import DAY_SECONDS
from tests.support.api import Answered, call_api
from tests.support.bursts import burst, burst_record, manifest_of, recipient, report_of, template
from tests.support.messages import csv_groups
from tests.support.world import World

RETRY = "/bursts/burst-1/retry"
MANY = 52
"""More than one slice of a retry."""
Announced = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def announced(world: World, monkeypatch: pytest.MonkeyPatch) -> Announced:
    """Events sent, as their kind and detail."""
    seen: Announced = []
    real = world.services.events._send

    def send(kind: DetailType, detail: dict[str, Any]) -> None:
        seen.append((kind.value, detail))
        real(kind, detail)

    monkeypatch.setattr(world.services.events, "_send", send)
    return seen


def call(world: World, body: dict[str, Any] | str | None = None) -> Answered:
    return call_api(world.services, "POST", RETRY, body)


def fail(world: World, *lines: int, burst_id: str = "burst-1") -> None:
    """The next jobs of these lines' exports fail for good, once each."""
    for line in lines:
        attempt = 1
        export = world.services.store.export(f"{burst_id}-{line}")
        if export is not None:
            attempt = export.attempt + 1
        job = f"{burst_id}-{line}-{attempt}"
        world.switch("fail_job", SnapshotJobId=job, ErrorType="DATASET_DELETED")


def run_burst(world: World, count: int, *failing: int, **more: Any) -> None:
    """A burst of so many recipients, of whom these fail, to its end."""
    fail(world, *failing)
    world.send({"Burst": burst(recipients=[recipient(n) for n in range(1, count + 1)], **more)})
    world.driver.run()


def refuse_starts(world: World, times: int) -> None:
    """So many starts of jobs are refused for good."""
    operation, error = "StartDashboardSnapshotJob", "AccessDeniedException"
    world.switch("raise_exception", Operation=operation, Exception=error, times=times)


def found(world: World) -> Burst:
    record = world.services.bursts.find("burst-1")
    assert record is not None
    return record


def ends(world: World, count: int) -> list[str]:
    return [world.export(f"burst-1-{line}").status.value for line in range(1, count + 1)]


def jobs(world: World) -> list[str]:
    return sorted(job["SnapshotJobId"].rsplit("-", 2)[0] for job in world.ledger()["jobs"])


def check_counts(world: World) -> None:
    """The burst counts what its exports are, at any moment."""
    record = found(world)
    lines = range(1, record.line)
    exports = world.services.bursts.exports([f"burst-1-{line}" for line in lines])
    counted = {each: sum(e.status is each for e in exports) for each in Status}
    assert (record.completed, record.failed, record.cancelled) == (
        counted[Status.COMPLETED],
        counted[Status.FAILED],
        counted[Status.CANCELLED],
    )


def test_what_failed_runs_again_at_its_place_and_all_that_tells_of_it_follows(
    world: World, announced: Announced
) -> None:
    run_burst(world, 4, 2, 3)
    before = manifest_of(world, "burst-1")
    delivered = world.export("burst-1-1")
    assert (before["Revision"], before["Status"]) == (1, "COMPLETED_WITH_FAILURES")
    announced.clear()

    answer = call(world)

    assert answer.status == 202
    assert answer.body | {"Warnings": []} == {
        "BurstId": "burst-1",
        "Revision": 2,
        "Status": "RUNNING",
        "StatusPath": "/bursts/burst-1",
        "Warnings": [],
    }
    world.driver.run()
    after = manifest_of(world, "burst-1")
    assert (after["Revision"], after["Status"], after["Reasons"]) == (2, "COMPLETED", [])
    assert after["Counts"] == before["Counts"] | {"Completed": 4, "Failed": 0}
    places = {each["RecipientId"]: (each["S3Uri"], each["Revision"]) for each in after["Files"]}
    folder = f"s3://{world.settings.export_bucket}/exports/burst-1"
    assert places == {
        f"r-{n}": (f"{folder}/r-{n}/report.pdf", 2 if n in (2, 3) else 1) for n in (1, 2, 3, 4)
    }
    assert world.export("burst-1-1") == delivered, "nobody touched what was delivered"
    assert jobs(world) == [f"burst-1-{n}" for n in (1, 2, 2, 3, 3, 4)]
    page = report_of(world, "burst-1")
    assert "<dt>Revision</dt><dd>2, run again from <time" in page
    assert page.count('<span class="state completed">') == 5, "four exports, and the burst"
    shown = call_api(world.services, "GET", "/bursts/burst-1").body
    assert (shown["Revision"], shown["Status"], shown["Reasons"]) == (2, "COMPLETED", [])
    (end,) = [detail for kind, detail in announced if kind == DetailType.BURST_COMPLETED]
    assert (end["Revision"], end["Status"]) == (2, "COMPLETED")
    assert end["EventId"] == f"burst-1-{found(world).nonce}-2"
    exports = [detail for kind, detail in announced if kind == DetailType.EXPORT_COMPLETED]
    assert sorted(each["ExportId"] for each in exports) == ["burst-1-2", "burst-1-3"]
    assert {each["Revision"] for each in exports} == {2}
    assert all(each["EventId"].endswith("-2") for each in exports)
    assert world.services.bursts.unfinished_ids() == []


def test_it_may_fail_again_and_be_retried_again(world: World) -> None:
    run_burst(world, 3, 1, 2)
    fail(world, 2)
    assert call(world).status == 202
    world.driver.run()
    assert ends(world, 3) == ["COMPLETED", "FAILED", "COMPLETED"]
    assert (found(world).revision, found(world).failed) == (2, 1)
    assert [each.code for each in found(world).reasons] == ["DATASET_DELETED"]
    assert call(world).body["Revision"] == 3
    world.driver.run()
    assert found(world).status is BurstStatus.COMPLETED
    assert jobs(world) == [f"burst-1-{n}" for n in (1, 1, 2, 2, 2, 3)]


@pytest.mark.nightly
def test_all_of_a_large_burst_run_again_and_the_counts_are_right_at_each_moment(
    world: World,
) -> None:
    refuse_starts(world, MANY)
    run_burst(world, MANY)
    assert found(world).failed == MANY
    world.services.store.change_gate({"limit": 0})
    call(world)
    world.burst_queue.sent.clear()
    for number in (1, 2):
        work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=0)
        check_counts(world)
        assert found(world).open == min(MANY, MAX_REQUEUED * number)
        assert (found(world).work_left is Work.RETRY) == (number == 1)
    work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=0)
    world.services.store.change_gate({"limit": None})
    world.driver.run()
    assert found(world).completed == MANY and found(world).status is BurstStatus.COMPLETED
    check_counts(world)


@pytest.mark.parametrize("body", [{"Revision": 2}, {"Revision": 2, "RecipientIds": ["r-1"]}])
def test_the_same_call_again_changes_nothing_however_late(
    world: World, body: dict[str, Any]
) -> None:
    run_burst(world, 2, 1)
    fail(world, 1)
    first = call(world, body)
    again = call(world, body)
    assert (first.status, again.status) == (202, 202)
    assert first.body == again.body
    world.driver.run()
    assert found(world).failed == 1, "it failed again"
    late = call(world, body)
    assert (late.status, late.body["Revision"], late.body["Status"]) == (
        202,
        2,
        "COMPLETED_WITH_FAILURES",
    )
    world.driver.run()
    assert found(world).revision == 2 and len(world.ledger()["jobs"]) == 3
    other = call(world, body | {"Deadline": "2099-01-01T00:00:00Z"})
    assert (other.status, other.body["Code"]) == (409, "REVISION_CONFLICT")
    assert "revision 2" in other.body["Message"]


def test_without_a_revision_the_same_call_is_the_same_while_it_runs(world: World) -> None:
    run_burst(world, 2, 1)
    assert [call(world).status, call(world).status] == [202, 202]
    other = call(world, {"RecipientIds": ["r-1"]})
    assert (other.status, other.body["Code"]) == (409, "NOT_ENDED")
    world.driver.run()
    assert found(world).revision == 2 and len(world.ledger()["jobs"]) == 3


def test_what_has_not_ended_or_did_not_fail_is_refused_with_a_sentence(world: World) -> None:
    world.send({"Burst": burst(recipients=[recipient(1), {"Colour": "red"}])})
    running = call(world)
    assert (running.status, running.body["Code"]) == (409, "NOT_ENDED")
    assert "has not ended: it is EXPANDING" in running.body["Message"]
    world.driver.run()
    done = call(world)
    assert (done.status, done.body["Code"]) == (409, "NOTHING_FAILED")
    assert "refused go into a burst of their own" in done.body["Message"]
    assert call_api(world.services, "POST", "/bursts/nothing/retry").status == 404
    assert found(world).revision == 1


def test_a_recipient_that_has_its_files_runs_again_only_if_the_call_says_so(world: World) -> None:
    run_burst(world, 4, 2)
    named = {"RecipientIds": ["r-2", "r-3", "R-2", "nobody"]}
    refused = call(world, named)
    assert refused.status == 400
    assert [(each["Place"], each["Rule"]) for each in refused.body["Problems"]] == [
        ("RecipientIds[1]", "r-3 has its files: it runs again with IncludeCompleted only"),
        (
            "RecipientIds[2]",
            "must be a recipient that the burst accepted, in the case that it gave it",
        ),
        (
            "RecipientIds[3]",
            "must be a recipient that the burst accepted, in the case that it gave it",
        ),
    ]
    assert found(world).revision == 1 and found(world).status.is_end
    (alone,) = call(world, {"IncludeCompleted": True}).body["Problems"]
    assert "RecipientIds" in alone["Rule"]
    assert call(world, {"RecipientIds": ["r-3"], "IncludeCompleted": True}).status == 202
    world.driver.run()
    assert jobs(world) == [f"burst-1-{n}" for n in (1, 2, 3, 3, 4)]
    assert ends(world, 4) == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    (file,) = world.export("burst-1-3").files
    assert file.uri and file.uri.endswith("/r-3/report.pdf"), "at the place it had"
    check_counts(world)


def test_another_burst_of_the_same_recipients_stays_as_it_is(world: World) -> None:
    fail(world, 1, burst_id="other")
    world.send({"Burst": burst("other", recipients=[recipient(1)])})
    run_burst(world, 2, 1)
    assert call(world, {"RecipientIds": ["r-1"]}).status == 202
    world.driver.run()
    assert world.export("other-1").status is Status.FAILED
    assert world.export("burst-1-1").status is Status.COMPLETED


def test_what_was_cancelled_runs_again_where_it_is_named(world: World) -> None:
    world.services.store.change_gate({"limit": 0})
    world.send({"Burst": burst(recipients=[recipient(n) for n in (1, 2, 3)])})
    world.work_on_bursts()
    assert call_api(world.services, "DELETE", "/bursts/burst-1").status == 202
    world.services.store.change_gate({"limit": None})
    world.driver.run()
    assert found(world).status is BurstStatus.CANCELLED
    assert call(world).body["Code"] == "NOTHING_FAILED"
    assert call(world, {"RecipientIds": ["r-2"]}).status == 202
    assert call_api(world.services, "GET", "/bursts/burst-1").body["CancelRequested"] is False
    world.driver.run()
    assert ends(world, 3) == ["CANCELLED", "COMPLETED", "CANCELLED"]
    assert found(world).status is BurstStatus.CANCELLED, "others of it were stopped"
    assert manifest_of(world, "burst-1")["Counts"]["Completed"] == 1
    check_counts(world)
    assert call(world, {"RecipientIds": ["r-1", "r-3"]}).status == 202
    world.driver.run()
    assert (found(world).status, found(world).completed) == (BurstStatus.COMPLETED, 3)


def test_a_cancelled_burst_whose_recipients_were_not_all_read_stays_cancelled() -> None:
    ended = burst_record(
        status=BurstStatus.RUNNING,
        manifest_size=100,
        offset=60,
        accepted=1,
        completed=1,
        was_cancelled=True,
    )
    assert ended.final_status is BurstStatus.CANCELLED
    assert replace(ended, offset=100).final_status is BurstStatus.COMPLETED


@pytest.mark.nightly
def test_a_retry_can_be_cancelled_and_retried(world: World) -> None:
    refuse_starts(world, MANY)
    run_burst(world, MANY)
    world.services.store.change_gate({"limit": 0})
    call(world)
    world.burst_queue.sent.clear()
    work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=0)
    assert call_api(world.services, "DELETE", "/bursts/burst-1").status == 202
    world.driver.run()
    record = found(world)
    assert (record.status, record.cancelled, record.failed) == (
        BurstStatus.CANCELLED,
        49,
        MANY - 49,
    )
    check_counts(world)
    world.services.store.change_gate({"limit": None})
    assert call(world).body["Revision"] == 3
    world.driver.run()
    record = found(world)
    assert (record.completed, record.failed) == (MANY - MAX_REQUEUED, 0)
    assert record.cancelled == MAX_REQUEUED
    check_counts(world)


@pytest.mark.parametrize(
    ("ahead", "given", "kept"),
    [(500.0, None, True), (2.0, None, False), (2.0, 900.0, True)],
    ids=["ahead", "passed", "new"],
)
def test_a_deadline_that_has_passed_is_dropped_unless_the_call_brings_a_new_one(
    world: World, at: Callable[[float], str], ahead: float, given: float | None, kept: bool
) -> None:
    run_burst(world, 1, 1, Deadline=at(world.clock.now() + ahead))
    world.measured.clear()
    deadline = world.clock.now() + given if given else None
    assert call(world, {"Deadline": at(deadline)} if deadline else None).status == 202
    world.driver.run()
    expected = deadline or (world.export("burst-1-1").accepted_at + ahead if kept else None)
    assert world.export("burst-1-1").deadline == expected
    assert world.measured[Metric.DEADLINES_MISSED] == ([0] if kept else [])


def test_a_deadline_must_lie_ahead(world: World, at: Callable[[float], str]) -> None:
    run_burst(world, 1, 1)
    (problem,) = call(world, {"Deadline": at(world.clock.now() - 1)}).body["Problems"]
    assert (problem["Field"], problem["Rule"]) == ("Deadline", "must lie in the future")


@pytest.fixture
def at() -> Callable[[float], str]:
    return lambda moment: datetime.fromtimestamp(moment, UTC).isoformat()


def test_days_later_it_keeps_what_it_needs_and_past_retention_it_is_refused(world: World) -> None:
    run_burst(world, 3, 2)
    kept = world.export("burst-1-1")
    world.clock.sleep(30.9 * DAY_SECONDS)
    assert call(world).status == 202
    world.work_on_bursts()
    world.driver.run()
    key = world.keys.export(kept.export_id)
    item = world.services.store._table.get(key)
    assert item and item["expires_at"] > world.clock.now() + 60 * DAY_SECONDS
    assert found(world).status is BurstStatus.COMPLETED
    assert len(manifest_of(world, "burst-1")["Files"]) == 3
    fail(world, 1)
    assert call(world, {"RecipientIds": ["r-1"], "IncludeCompleted": True}).status == 202
    world.driver.run()
    world.clock.sleep(92 * DAY_SECONDS)
    late = call(world)
    assert (late.status, late.body["Code"]) == (409, "PAST_RETENTION")
    assert "are kept until 20" in late.body["Message"]


def test_a_request_of_several_parts_is_made_from_its_first_part_on(world: World) -> None:
    body = template(dashboard="board-pack", groups=csv_groups(6), Name="{recipient}/{number}")
    world.switch("fail_job", SnapshotJobId="burst-1-1-2", ErrorType="DATASET_DELETED")
    world.send({"Burst": burst(recipients=[recipient(1)], Template=body)})
    world.driver.run()
    assert len([each for each in world.export("burst-1-1").files if each.uri]) == 5
    call(world)
    world.driver.run()
    export = world.export("burst-1-1")
    assert export.status is Status.COMPLETED and len(export.files) == 6
    assert len({file.uri for file in export.files}) == 6
    assert jobs(world) == ["burst-1-1"] * 4


def test_a_closing_that_was_overtaken_by_a_whole_retry_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, announced: Announced
) -> None:
    """It read the burst before its end, and writes after the retry began."""
    run_burst(world, 2, 1)
    stale = world.services.bursts.find("burst-1")
    assert stale is not None
    stale = replace(stale, status=BurstStatus.RUNNING)
    world.services.store.change_gate({"limit": 0})
    call(world)
    world.work_on_bursts()
    announced.clear()
    with monkeypatch.context() as patched:
        patched.setattr(world.services.bursts, "find", lambda _: stale)
        work_on_burst(world.services, "burst-1", Work.CLOSE, stop_at=0)
    assert found(world).status is BurstStatus.RUNNING and found(world).open == 1
    assert announced == []
    with monkeypatch.context() as patched:
        patched.setattr(world.services.bursts, "find", lambda _: stale)
        patched.setattr(world.services.bursts, "keep_closing", lambda *_: None)
        work_on_burst(world.services, "burst-1", Work.CLOSE, stop_at=0)
    assert found(world).status is BurstStatus.RUNNING, "nor if it is overtaken later"
    world.services.store.change_gate({"limit": None})
    world.driver.run()
    assert found(world).status is BurstStatus.COMPLETED


def test_a_burst_that_an_older_version_ended_is_retried_and_refused_by_it_from_then_on(
    world: World,
) -> None:
    run_burst(world, 2, 1)
    table = world.services.store._table
    new = ("revision", "retried_to", "was_cancelled")
    for key in (burst_key("burst-1"), *(world.keys.export(f"burst-1-{n}") for n in (1, 2))):
        item = table.get(key) or {}
        kept = {name: value for name, value in item.items() if name not in ("pk", "sk", *new)}
        table.write(put_of(key, kept))
    assert found(world).revision == 1
    world.services.store.change_gate({"limit": 0})
    assert call(world).status == 202
    with pytest.raises(NewerRecordError):
        read_record(table.get(burst_key("burst-1")) or {}, Burst, VERSION)
    world.services.store.change_gate({"limit": None})
    world.driver.run()
    assert (found(world).revision, found(world).status) == (2, BurstStatus.COMPLETED)
    assert {each["Revision"] for each in manifest_of(world, "burst-1")["Files"]} == {1, 2}
