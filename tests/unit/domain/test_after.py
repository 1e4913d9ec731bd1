"""Which refreshes count for a request that starts after its data, and how long it waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from snapshot_export.domain.after import After, AfterBody
from snapshot_export.domain.data_wait import DataWait, Otherwise, Outcome, Readiness, decide
from snapshot_export.domain.ingestions import (
    Ingestion,
    judge_direct,
    judge_refreshes,
    judge_unreadable,
)
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import parse_request
from tests.support.messages import message
from tests.support.targets import ONE_TARGET


def window(accepted: str, since: str, until: str, zone: str = "UTC") -> tuple[str, str]:
    after = After.of(AfterBody(Since=since, Until=until, Timezone=zone))
    moments = after.window(datetime.fromisoformat(accepted))
    return tuple(f"{each:%dT%H:%M}" for each in moments)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("accepted", "since", "until", "expected"),
    [
        ("2026-11-23T04:30Z", "05:00", "06:30", ("23T05:00", "23T06:30")),
        ("2026-11-23T05:30Z", "05:00", "06:30", ("23T05:00", "23T06:30")),
        ("2026-11-23T07:00Z", "05:00", "06:30", ("23T05:00", "23T06:30")),
        ("2026-11-23T00:00Z", "00:00", "00:30", ("23T00:00", "23T00:30")),
        ("2026-11-23T21:00Z", "22:00", "01:00", ("23T22:00", "24T01:00")),
        ("2026-11-23T00:30Z", "22:00", "01:00", ("22T22:00", "23T01:00")),
        ("2026-11-23T02:00Z", "22:00", "01:00", ("23T22:00", "24T01:00")),
        ("2026-11-23T07:00:59Z", "PT6H", "PT90M", ("23T01:00", "23T08:30")),
        ("2026-11-23T07:00Z", "PT6H", "06:30", ("23T01:00", "24T06:30")),
        ("2026-11-23T07:00Z", "05:00", "PT1H", ("23T05:00", "23T08:00")),
        ("2026-11-23T04:00Z", "05:00", "PT2H", ("22T05:00", "23T06:00")),
        ("2026-11-23T07:00Z", "P1D", "P7D", ("22T07:00", "30T07:00")),
    ],
)
def test_a_window_belongs_to_the_day_of_acceptance(
    accepted: str, since: str, until: str, expected: tuple[str, str]
) -> None:
    assert window(accepted, since, until) == expected


@pytest.mark.parametrize(
    ("accepted", "since", "until", "expected"),
    [
        # On 2027-03-28 the clocks go from 02:00 to 03:00, on 2026-10-25 from 03:00 back to 02:00.
        ("2027-03-28T00:30Z", "02:30", "05:00", ("28T01:30", "28T03:00")),
        ("2026-10-25T00:10Z", "02:30", "05:00", ("25T00:30", "25T04:00")),
        ("2026-11-22T23:30Z", "05:00", "06:30", ("23T04:00", "23T05:30")),
    ],
)
def test_times_are_those_of_the_zone(
    accepted: str, since: str, until: str, expected: tuple[str, str]
) -> None:
    assert window(accepted, since, until, "Europe/Berlin") == expected


@pytest.mark.parametrize(
    "value", ["", "5:00", "24:00", "P", "PT", "PT0M", "P8D", "1h", "PT1S", "-PT1H"]
)
def test_other_moments_are_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="must be a time of the day"):
        AfterBody(Since=value, Until="PT1H")


@pytest.mark.parametrize(
    "wrong",
    [
        {"DataSets": []},
        {"DataSets": "ALL"},
        {"DataSets": ["a"] * 21},
        {"Otherwise": "WAIT"},
        {"Timezone": "Berlin"},
        {"MaxRowsDropped": -1},
    ],
)
def test_other_members_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AfterBody.model_validate({"Since": "05:00", "Until": "06:00"} | wrong)


def wait(**more: Any) -> DataWait:
    members: dict[str, Any] = {
        "data_sets": ("a",),
        "since": 1000.0,
        "until": 2000.0,
        "otherwise": Otherwise.FAIL,
    }
    return DataWait(**members | more)


def refresh(status: str, at: float, **more: Any) -> Ingestion:
    return Ingestion(status=status, created_at=at, **more)


@pytest.mark.parametrize(
    ("ingestions", "readiness", "reason"),
    [
        ([], "NOT_YET", "no refresh has begun since"),
        ([refresh("COMPLETED", 999)], "NOT_YET", "no refresh has begun since"),
        ([refresh("RUNNING", 999)], "NOT_YET", "a refresh runs that began before"),
        ([refresh("COMPLETED", 1000)], "READY", "it was refreshed"),
        ([refresh("QUEUED", 1001)], "NOT_YET", "its refresh has not ended"),
        ([refresh("INITIALIZED", 1001)], "NOT_YET", "its refresh has not ended"),
        ([refresh("COMPLETED", 1100), refresh("RUNNING", 1200)], "READY", "it was refreshed"),
        ([refresh("FAILED", 1200), refresh("COMPLETED", 1100)], "READY", "it was refreshed"),
        ([refresh("FAILED", 1100, error_type="SQL_EXCEPTION")], "NOT_YET", "SQL_EXCEPTION"),
        ([refresh("CANCELLED", 1100)], "NOT_YET", "its refresh ended CANCELLED"),
    ],
)
def test_a_data_set_is_judged_by_its_refreshes(
    ingestions: list[Ingestion], readiness: str, reason: str
) -> None:
    judged = judge_refreshes("a", wait(), ingestions)
    assert judged.readiness == readiness and reason in judged.reason


def test_rows_that_were_dropped_are_held_against_what_is_allowed() -> None:
    dropped = [refresh("COMPLETED", 1100, rows_dropped=3, seconds=60)]
    lenient = judge_refreshes("a", wait(), dropped)
    assert (lenient.readiness, lenient.rows_dropped, lenient.ready_at) == ("READY", 3, 1160)
    assert judge_refreshes("a", wait(max_rows_dropped=3), dropped).readiness == "READY"
    assert judge_refreshes("a", wait(max_rows_dropped=2), dropped).readiness == "NOT_YET"


def test_what_is_decided_follows_from_all_data_sets_and_the_time() -> None:
    late = judge_refreshes("a", wait(), [])
    gone = judge_unreadable("b", "ListIngestions", "ResourceNotFound")
    ready = judge_direct("c")
    assert decide(wait(), (late, ready), 1999) is None
    assert decide(wait(), (), 1) and decide(wait(), (ready,), 1)
    for otherwise, outcome in zip(Otherwise, ("FAILED", "SENT_ANYWAY", "HELD"), strict=True):
        for states, now in (((late, ready), 2000.0), ((gone, ready), 1.0)):
            decision = decide(wait(otherwise=otherwise), states, now)
            assert decision is not None and decision.outcome == outcome
    assert judge_unreadable("b", "ListIngestions", "AccessDenied").readiness is Readiness.NOT_YET
    sent = decide(wait(otherwise=Otherwise.SEND), (late, ready), 2000)
    assert sent is not None and [each.code for each in sent.warnings] == ["DATA_NOT_READY"]
    failed = decide(wait(), (late,), 2000)
    assert failed is not None and failed.outcome is Outcome.FAILED and not failed.warnings


def test_requests_for_the_same_data_are_one_group_in_the_order_of_until() -> None:
    assert wait().group == wait(since=1000, until=2000).group
    others = [wait(since=1060.0), wait(otherwise=Otherwise.SEND), wait(data_sets=("b",))]
    assert len({each.group for each in [wait(), *others]}) == 4
    assert wait().group < wait(until=20000.0).group


def test_messages_of_quicksights_are_not_kept() -> None:
    item = {
        "IngestionStatus": "FAILED",
        "CreatedTime": datetime.fromtimestamp(5, UTC),
        "ErrorInfo": {"Type": "SQL_EXCEPTION", "Message": "near 'secret'"},
    }
    assert "secret" not in repr(Ingestion.of(item))


@pytest.mark.parametrize(
    ("given", "place", "text"),
    [
        (["invoices", "in voices"], "After.DataSets[1]", "must match pattern"),
        ([5], "After.DataSets[0]", "must be a valid string"),
        ([], "After.DataSets", "must have at least 1 item"),
        ("ALL", "After.DataSets", "must be 'DASHBOARD'"),
        (5, "After.DataSets", "must be 'DASHBOARD'"),
    ],
)
def test_what_is_wrong_of_a_word_or_list_is_said_once_with_its_place(
    given: Any, place: str, text: str
) -> None:
    after = {"DataSets": given, "Since": "05:00", "Until": "06:00"}
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(json.dumps(message("e-1") | {"After": after}), ONE_TARGET)
    (problem,) = caught.value.problems
    assert problem.place == place and problem.rule.startswith(text)
