"""What goes wrong with a job decides by its class: wait, adopt, hand back, retry, or fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import World


def test_a_start_whose_answer_was_lost_is_adopted_and_not_repeated(world: World) -> None:
    world.switch("lose_response", Operation="StartDashboardSnapshotJob")
    world.send(message("lost-answer"))
    world.driver.run()
    assert world.export("lost-answer").status is Status.COMPLETED
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1]


def test_a_job_that_fails_for_good_is_not_repeated(world: World) -> None:
    world.switch("fail_job", ErrorType="DATASET_DELETED", ErrorMessage="gone")
    world.send(message("for-good"))
    world.driver.run()
    export = world.export("for-good")
    assert export.status is Status.FAILED
    assert export.error is not None
    assert (export.error.code, export.error.message) == ("DATASET_DELETED", "gone")
    assert len(world.ledger()["jobs"]) == 1
    assert [*world.driver.ends.values()] == ["FAILED"]


def test_a_job_that_fails_once_is_done_by_its_second_attempt(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    world.send(message("once"))
    world.driver.run()
    export = world.export("once")
    assert (export.status, export.attempt) == (Status.COMPLETED, 2)
    assert export.error is None
    assert len(world.ledger()["jobs"]) == 2
    assert [*world.driver.ends.values()] == ["DONE", "DONE"]


def test_a_failure_that_keeps_coming_ends_after_three_attempts(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE", times=9)
    world.send(message("always"))
    world.driver.run()
    assert world.export("always").status is Status.FAILED
    assert len(world.ledger()["jobs"]) == 3


def test_a_file_that_fails_fails_the_export_and_the_others_are_kept(world: World) -> None:
    world.switch("fail_file", FileGroup=1, ErrorType="DATASET_DELETED", ErrorMessage="no data")
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    world.send(message("one-file", groups=groups))
    world.driver.run()
    export = world.export("one-file")
    assert export.status is Status.FAILED
    assert export.error is not None
    assert (export.error.code, export.error.message) == (
        "DATASET_DELETED",
        "file 1 (CSV): no data",
    )
    assert [bool(file.uri) for file in export.files] == [True, False]


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        ("AccessDeniedException", "AccessDenied"),
        ("InvalidParameterValueException", "InvalidParameterValue"),
        ("UnsupportedPricingPlanException", "UnsupportedPricingPlan"),
        ("UnsupportedUserEditionException", "UnsupportedUserEdition"),
    ],
)
def test_a_start_that_is_refused_fails_the_export_and_frees_the_slot(
    world: World, exception: str, code: str
) -> None:
    world.switch(
        "raise_exception", Operation="StartDashboardSnapshotJob", Exception=exception, times=9
    )
    world.send(message("refused"))
    world.driver.run()
    export = world.export("refused")
    assert (export.status, export.error and export.error.code) == (Status.FAILED, code)
    assert world.services.store.gate().running == 0
    assert [*world.driver.ends.values()] == ["FAILED"]


def test_an_unknown_dashboard_is_refused(world: World) -> None:
    assert world.send(message("no-dashboard", dashboard="nowhere")) is Status.REJECTED
    error = world.export("no-dashboard").error
    assert error is not None
    assert "dashboard/nowhere could not be read" in error.message


def test_a_dashboard_that_is_gone_when_its_job_starts_fails_the_export(world: World) -> None:
    world.switch("raise_exception", Exception="ResourceNotFoundException", times=99)
    world.send(message("no-dashboard"))
    world.driver.run()
    export = world.export("no-dashboard")
    assert (export.status, export.error and export.error.code) == (
        Status.FAILED,
        "ResourceNotFound",
    )


@pytest.mark.parametrize(
    ("operation", "exception"),
    [
        ("StartDashboardSnapshotJob", "ThrottlingException"),
        ("StartDashboardSnapshotJob", "InternalFailureException"),
        ("DescribeDashboardSnapshotJob", "ThrottlingException"),
        ("DescribeDashboardSnapshotJob", "InternalFailureException"),
        ("DescribeDashboardSnapshotJob", "ResourceNotFoundException"),
        ("DescribeDashboardSnapshotJob", "AccessDeniedException"),
    ],
)
def test_trouble_that_passes_costs_no_attempt(world: World, operation: str, exception: str) -> None:
    world.switch("raise_exception", Operation=operation, Exception=exception, times=3)
    world.send(message("trouble"))
    world.driver.run()
    export = world.export("trouble")
    assert (export.status, export.attempt) == (Status.COMPLETED, 1)
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1]


def test_a_job_that_quicksight_forgot_frees_its_slot_and_is_tried_again(world: World) -> None:
    world.switch(
        "raise_exception",
        Operation="DescribeDashboardSnapshotJob",
        Exception="ResourceNotFoundException",
        SnapshotJobId="forgotten-1",
        times=99,
    )
    world.send(message("forgotten"))
    world.driver.run()
    export = world.export("forgotten")
    assert (export.status, export.attempt) == (Status.COMPLETED, 2)
    assert world.services.store.gate().running == 0


def test_a_job_that_hangs_keeps_its_slot_until_quicksight_says_otherwise(world: World) -> None:
    world.switch("hang_job")
    world.send(message("hangs"))
    world.driver.run(until=world.clock.now() + 3 * 3600, reconcile_every=600.0)
    assert world.export("hangs").status is Status.RUNNING
    assert world.services.store.gate().running == 1
    world.quicksight.emulator.clear_switches()
    world.driver.run()
    assert world.export("hangs").status is Status.COMPLETED
    assert world.services.store.gate().running == 0


def test_a_file_whose_row_level_security_changed_is_made_once_more(world: World) -> None:
    world.switch("fail_file", FileGroup=1, ErrorType="RLS_CHANGED")
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    world.send(message("changed", groups=groups))
    world.driver.run()
    export = world.export("changed")
    assert (export.status, export.attempt, export.error) == (Status.COMPLETED, 2, None)
    assert [file.format for file in export.files] == ["PDF", "CSV"]


@pytest.mark.parametrize(
    ("fault", "code", "reason", "jobs"),
    [
        ("MISSING", "NO_FILE", "file 1 (CSV): QuickSight's result does not have the file", 2),
        ("REPEATED", "RESULT_MISMATCH", "is a file that another result is already", 1),
        ("UNKNOWN", "RESULT_MISMATCH", "is no file that was asked for", 1),
        ("TWO_RESULTS", "RESULT_MISMATCH", "file 1 (CSV) has 2 results instead of one", 1),
    ],
)
def test_a_result_that_does_not_fit_the_request_fails_the_export(
    world: World, fault: str, code: str, reason: str, jobs: int
) -> None:
    world.switch("wrong_result", FileGroup=1, Fault=fault, times=9)
    groups = [pdf_group(), visuals_group("CSV", "lines"), visuals_group("EXCEL", "lines")]
    world.send(message("wrong", groups=groups))
    world.driver.run()
    export = world.export("wrong")
    assert export.status is Status.FAILED
    assert export.error is not None
    assert export.error.code == code
    assert reason in export.error.message
    assert len(world.ledger()["jobs"]) == jobs
    delivered = [file.format for file in export.files if file.uri]
    assert delivered == (["PDF", "EXCEL"] if fault == "MISSING" else [])
    keys = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix="exports/"
    )
    assert keys["KeyCount"] == len(delivered)


@pytest.mark.parametrize(
    ("lacks", "group", "words"),
    [
        ({"pixel_perfect": False}, visuals_group("CSV", "lines"), "no pixel-perfect reports"),
        ({"capacity_pricing": False}, pdf_group(), "active Capacity Pricing plan"),
    ],
)
def test_a_refused_pricing_plan_is_told_with_quicksights_words_and_both_likely_causes(
    world: World, monkeypatch: pytest.MonkeyPatch, lacks: Any, group: Any, words: str
) -> None:
    account = world.quicksight.emulator._account
    monkeypatch.setattr(account, "settings", replace(account.settings, **lacks))
    world.send(message("plan", groups=[group]))
    world.driver.run()
    export = world.export("plan")
    assert export.error is not None and export.error.code == "UnsupportedPricingPlan"
    for text in (words, "no Pixel-Perfect Reports add-on", "no capacity pricing"):
        assert text in export.error.message


def test_a_plain_pdf_needs_no_add_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    account = world.quicksight.emulator._account
    monkeypatch.setattr(account, "settings", replace(account.settings, pixel_perfect=False))
    world.send(message("plain"))
    world.driver.run()
    assert world.export("plain").status is Status.COMPLETED
