"""`snapshots retry` against the contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi

TEMPLATE = {"DashboardId": "sales", "SnapshotConfiguration": {}}


@pytest.fixture
def failed(run: Run, api: StubApi) -> str:
    """A burst that ended with failures."""
    api.reasons = [{"Code": "ACCESS_DENIED", "Count": 2, "Message": "no such right"}]
    api.burst_ends_as = "FAILED"
    api._post_bursts("", {}, {"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}, {}]})
    assert run("status", "b", "--wait").code == 1
    return "b"


def sent(api: StubApi) -> Any:
    return next(body for method, path, _, body in api.calls if path.endswith("/retry"))


def test_what_failed_runs_again_as_the_next_revision(run: Run, api: StubApi, failed: str) -> None:
    result = run("retry", failed)
    assert result.code == 0, result.err
    assert sent(api) == {"Revision": 2}
    assert result.out.startswith("b RUNNING, revision 2: snapshots ")


def test_a_call_that_is_repeated_names_the_same_revision(
    run: Run, api: StubApi, failed: str
) -> None:
    real, tries = api._retry_burst, list[Any]()

    def lost(ident: str, body: Any) -> tuple[int, Any]:
        tries.append(body)
        return (503, {"Code": "BUSY", "Message": ""}) if len(tries) == 1 else real(ident, body)

    api._retry_burst = lost  # type: ignore[method-assign]
    assert run("retry", failed).code == 0
    assert tries == [{"Revision": 2}] * 2


def test_it_waits_and_shows_the_burst(run: Run, api: StubApi, failed: str) -> None:
    result = run("retry", failed, "--wait")
    assert result.code == 0, result.err
    assert "revision 2" in " ".join(result.out.split()) and "COMPLETED" in result.out
    again = run("retry", failed, "--wait", "--json")
    assert again.json["Revision"] == 3


def test_recipients_are_named_and_completed_ones_only_with_them(
    run: Run, api: StubApi, failed: str
) -> None:
    options = ["--recipient", "r-1", "--recipient", "r-2", "--include-completed"]
    assert run("retry", failed, *options, "--deadline", "2h").code == 0
    body = sent(api)
    assert body.pop("Deadline")
    assert body == {"Revision": 2, "RecipientIds": ["r-1", "r-2"], "IncludeCompleted": True}
    wrong = run("retry", failed, "--include-completed")
    assert wrong.code == 2 and "needs --recipient" in wrong.err


def test_what_has_not_ended_is_a_conflict_and_what_is_not_there_is_not_found(
    run: Run, api: StubApi, failed: str
) -> None:
    api.stands_still = True
    assert run("retry", failed).code == 0
    assert run("retry", failed).code == 5
    assert run("retry", "nothing").code == 3
