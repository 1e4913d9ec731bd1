"""Retries, names and job ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.adapters.services import random_nonce
from snapshot_export.domain.export import Attempt, snapshot_job_id
from snapshot_export.domain.request import EXPORT_ID
from snapshot_export.domain.retry import PERMANENT, TRANSIENT, judge_failure


@pytest.mark.parametrize("error_type", sorted(PERMANENT))
def test_errors_that_do_not_pass_are_never_tried_again(error_type: str) -> None:
    assert not judge_failure(error_type, 1).again


@pytest.mark.parametrize("error_type", sorted(TRANSIENT))
def test_errors_that_pass_are_tried_three_times(error_type: str) -> None:
    assert [judge_failure(error_type, attempt).again for attempt in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("error_type", ["SOMETHING_NEW", "RLS_CHANGED", "CLS_CHANGED"])
def test_unknown_errors_and_changed_security_are_tried_once_more(error_type: str) -> None:
    assert [judge_failure(error_type, attempt).again for attempt in (1, 2)] == [True, False]


def test_each_failure_waits_twenty_seconds_longer_and_the_last_waits_for_nothing() -> None:
    verdicts = [judge_failure("THROTTLING", failures) for failures in (1, 2, 3)]
    assert [each.delay for each in verdicts] == [20.0, 40.0, 0.0]
    assert judge_failure("DATASET_DELETED", 1).delay == 0.0


@pytest.mark.parametrize(("error_type", "most"), [("TIMEOUT", 3), ("SOMETHING_NEW", 2)])
def test_more_failures_than_attempts_are_not_tried_again(error_type: str, most: int) -> None:
    assert not judge_failure(error_type, most + 1).again


def test_a_job_id_is_of_its_export_attempt_and_nonce() -> None:
    one = snapshot_job_id("e", 1, "abcdef012345")
    assert one == "e-1-abcdef012345"
    assert len(snapshot_job_id("e" * 64, 3, random_nonce())) <= 512
    assert one != snapshot_job_id("e", 2, "abcdef012345")


def test_a_nonce_is_another_each_time_and_no_name_refuses_it() -> None:
    drawn = {random_nonce() for _ in range(1_000)}
    assert len(drawn) == 1_000
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in drawn)


def named(
    export_id: str, admission: int = 1, restarts: int = 0, nonce: str = "abcdef012345"
) -> str:
    return Attempt(
        export_id=export_id,
        attempt=3,
        admission=admission,
        dashboard_id="d",
        snapshot_job_id="j",
        admitted_at=0.0,
        start_by=0.0,
        nonce=nonce,
        restarts=restarts,
    ).execution_name


def test_an_execution_is_named_by_export_admission_nonce_and_restart() -> None:
    assert named("e") == "e-1-abcdef012345"
    assert named("e", 12, 3) == "e-12-abcdef012345-r3"
    assert named("e", 12, 3, nonce="") == "e-12-r3", "as versions without a nonce named it"


IDS = st.from_regex(f"^{EXPORT_ID}$", fullmatch=True)
COUNTS = st.integers(0, 10**9)
NONCES = st.sampled_from(["000000000000", "abcdef012345", ""])


@given(IDS, COUNTS, COUNTS, NONCES)
def test_an_execution_name_fits_step_functions(
    export_id: str, admission: int, restarts: int, nonce: str
) -> None:
    name = named(export_id, admission, restarts, nonce)
    assert re.fullmatch(r"[A-Za-z0-9_\-]{1,80}", name)
    assert name.startswith(export_id[:40]), "a person finds it by the export's id"


@given(IDS, st.tuples(COUNTS, COUNTS, NONCES), st.tuples(COUNTS, COUNTS, NONCES))
def test_each_admission_and_restart_of_an_id_has_a_name_of_its_own(
    export_id: str, one: tuple[int, int, str], other: tuple[int, int, str]
) -> None:
    assert (named(export_id, *one) == named(export_id, *other)) == (one == other)


def test_long_ids_that_begin_alike_have_names_of_their_own() -> None:
    long = "e" * 63
    assert named(f"{long}1") != named(f"{long}2", nonce="000000000000")
