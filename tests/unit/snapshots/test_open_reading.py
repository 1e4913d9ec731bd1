"""What the live page reads, how often, and what it keeps when the API does not answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from snapshots.errors import UnreachableError
from snapshots.open.reading import BURSTS_SHOWN, SINGLES_SHOWN, Reader
from tests.support.live_page import serving_page
from tests.support.live_states import burst, fill_morning, held, iso, single
from tests.unit.snapshots.stub import StubApi


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(api: StubApi, clock: Clock) -> Iterator[Reader]:
    fill_morning(api)
    with serving_page(api) as server:
        yield Reader(server.api, "SnapshotExport eu-west-1", None, clock)


def read(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reader.read().body)
    return found


def asked(api: StubApi) -> Counter[str]:
    """Which calls were made since this was asked last."""
    found = Counter(
        f"{path}?{query['Status']}" if "Status" in query else path
        for _, path, query, _ in api.calls
    )
    api.calls.clear()
    return found


def refuse(api: StubApi, refused: str, status: int = 403) -> None:
    answer = api.answer

    def answer_or_refuse(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path == refused:
            return status, {"Code": "SOME_CODE", "Message": f"{path} is refused"}
        return answer(method, path, query, body)

    api.answer = answer_or_refuse  # type: ignore[method-assign]


def test_a_reading_has_the_apis_answers(reader: Reader, api: StubApi) -> None:
    found = read(reader)
    assert found["Slots"] == api.slots and found["Capacity"] == api.capacity
    assert found["Forecast"] == api.forecast and found["Title"] == "SnapshotExport eu-west-1"
    assert found["Schedules"] == [*api.schedules.values()] and found["Errors"] == []
    assert {each["Status"] for each in found["Failures"]["Exports"]} == {"FAILED"}
    names = [each["BurstId"] for each in found["Bursts"]]
    assert names == ["statements-2026-11", "onboarding-pack"], "open ones first"


def test_a_burst_that_is_held_is_shown_although_no_export_names_it(
    reader: Reader, api: StubApi
) -> None:
    api.bursts["held"] = {"BurstId": "held", "Status": "HELD", "Hold": {"Message": "Many more."}}
    api.stands_still = True
    shown = {each["BurstId"]: each for each in read(reader)["Bursts"]}
    assert shown["held"]["Hold"]["Message"] == "Many more."


def test_single_exports_before_the_backlog_are_shown_with_why(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    api.exports["waits"] = single("waits", "WAITING_FOR_DATA")
    api.exports["held"] = single("held", "HELD", "its refresh failed")
    api.exports["of-a-burst"] = single("of-a-burst", "HELD", BurstId="statements-2026-11")
    found = read(reader)
    assert [each["ExportId"] for each in found["Singles"]] == ["held", "waits"]
    assert found["Singles"][0]["Data"]["DataSets"][0]["Reason"] == "its refresh failed"
    assert not found["MoreSingles"]
    asked(api)
    clock.time += 2
    read(reader)
    assert not {"/exports?HELD", "/exports/held"} & {*asked(api)}, "every ten seconds"
    api.exports["held"]["Status"] = "QUEUED"
    reader.forget()
    assert [each["ExportId"] for each in read(reader)["Singles"]] == ["waits"]


def test_of_many_single_exports_before_the_backlog_some_are_shown(
    reader: Reader, api: StubApi
) -> None:
    for number in range(SINGLES_SHOWN + 1):
        api.exports[f"held-{number}"] = single(f"held-{number}", "HELD", "late")
    found = read(reader)
    assert len(found["Singles"]) == SINGLES_SHOWN and found["MoreSingles"]


def test_a_deployment_from_before_open_bursts_were_listed_is_no_error(
    reader: Reader, api: StubApi
) -> None:
    refuse(api, "/bursts", 404)
    assert read(reader)["Errors"] == []


def test_what_is_asked_for_at_once_is_read_once(reader: Reader, api: StubApi) -> None:
    first = reader.read()
    asked(api)
    assert reader.read() is first and not asked(api)


def test_each_answer_is_read_as_often_as_it_is_worth(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    totals: Counter[str] = Counter()
    for _ in range(30):
        read(reader)
        totals += asked(api)
        clock.time += 2
    for path in ("/slots", "/capacity", "/forecast", "/bursts/statements-2026-11"):
        assert totals[path] >= 28, (path, totals)
    assert totals["/exports?FAILED"] == 15
    assert totals["/schedules"] <= 2 and totals["/bursts/onboarding-pack"] == 1
    assert totals["/exports"] <= 8


def test_while_many_wait_what_reads_the_backlog_is_read_less_often(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    api.capacity["Waiting"] = 9000
    read(reader)
    totals = asked(api)
    for _ in range(20):
        clock.time += 2
        read(reader)
        totals += asked(api)
    assert totals["/slots"] == 21, "the slots cost the same however many wait"
    for path in ("/capacity", "/forecast", "/bursts/statements-2026-11"):
        assert totals[path] <= 6, (path, totals)


def test_an_answer_that_fails_leaves_the_one_before_and_is_an_error(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    before = read(reader)["Slots"]
    refuse(api, "/slots")
    api.slots = {}
    clock.time += 2
    found = read(reader)
    assert found["Slots"] == before
    (error,) = found["Errors"]
    assert error == {"Code": "SOME_CODE", "Of": ["Slots"],
                     "Message": "/slots is refused (GET /slots: 403)"}  # fmt: skip


def test_a_first_reading_that_fails_has_the_rest(reader: Reader, api: StubApi) -> None:
    refuse(api, "/capacity")
    found = read(reader)
    assert found["Capacity"] is None and found["Slots"] and len(found["Errors"]) == 1
    assert reader.targets == ()


def test_one_burst_that_is_gone_is_no_error_and_one_that_is_refused_is(
    reader: Reader, api: StubApi
) -> None:
    del api.bursts["onboarding-pack"]
    refuse(api, "/bursts/statements-2026-11")
    found = read(reader)
    assert found["Bursts"] == []
    assert [each["Of"] for each in found["Errors"]] == [["Bursts"]]


def test_a_burst_that_ended_stays_while_there_is_room(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    read(reader)
    api.slots |= {"Held": [], "Collecting": [], "Waiting": []}
    api.forecast["Bursts"], api.exports = [], {}
    clock.time += 12
    assert "statements-2026-11" in [each["BurstId"] for each in read(reader)["Bursts"]]
    for number in range(20):
        name = f"b-{number}"
        api.bursts[name] = burst(name, "RUNNING")
        api.slots["Held"].append(held(number, age=1, left=1, BurstId=name))
    clock.time += 12
    names = [each["BurstId"] for each in read(reader)["Bursts"]]
    assert names == [f"b-{number}" for number in range(BURSTS_SHOWN)]


def test_a_burst_that_somebody_retries_is_read_again_soon(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    read(reader)
    api.bursts["onboarding-pack"] |= {"Status": "RUNNING", "Revision": 2}
    api.slots["Held"].append(held(1, age=1, left=1, BurstId="onboarding-pack"))
    clock.time += 12
    statuses = {each["BurstId"]: each["Status"] for each in read(reader)["Bursts"]}
    assert statuses["onboarding-pack"] == "RUNNING"


def test_the_version_is_of_what_is_shown_not_of_when(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    first = reader.read().version
    api.slots["At"], api.forecast["At"] = iso(2), iso(2)
    clock.time += 2
    assert reader.read().version == first
    api.capacity["CompletedLastHour"] += 1
    clock.time += 2
    assert reader.read().version != first


def test_the_pace_is_told_once_there_is_enough_to_tell(
    reader: Reader, api: StubApi, clock: Clock
) -> None:
    assert read(reader)["ExportsPerSecond"] is None
    for _ in range(10):
        clock.time += 2
        api.capacity["CompletedLastHour"] += 1
        found = read(reader)
    assert found["ExportsPerSecond"] == 0.5


def test_one_reason_for_all_is_one_error_that_names_each_once(
    reader: Reader, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(reader)

    def fail(*_: Any, **__: Any) -> None:
        raise UnreachableError("cannot reach the API")

    monkeypatch.setattr(reader.api, "get", fail)
    clock.time += 700
    (error,) = read(reader)["Errors"]
    assert error["Message"] == "cannot reach the API"
    assert error["Of"] == ["Slots", "Capacity", "Forecast", "Open", "Failures", "Recent",
                           "Schedules", "HELD", "WAITING_FOR_DATA", "Bursts"]  # fmt: skip
