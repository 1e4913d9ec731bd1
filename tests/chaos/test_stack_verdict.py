"""The verdict on a run sees each way in which a promise can be broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.stack.verdict import (
    Evidence,
    judge_exports,
    judge_jobs,
    judge_left,
    judge_refused,
)
from tests.chaos.stack.workload import CANCELLED, COMPLETED, FAILED, Wanted

WANTED = {"plain-000": Wanted()}
URI = "s3://bucket/exports/plain-000/file.pdf"
DONE = {"status": COMPLETED, "files": [{"uri": URI}]}


def job(job_id: str = "plain-000-1-0123456789ab", starts: int = 1) -> dict[str, Any]:
    return {"SnapshotJobId": job_id, "starts": starts}


def call(running: int, outcome: str = "ok") -> dict[str, Any]:
    return {"SnapshotJobId": "any", "running": running, "outcome": outcome}


SOUND = Evidence(
    exports={"plain-000": DONE},
    objects={URI},
    ledger={"limit": 12, "jobs": [job()], "calls": [call(12)]},
    rejected=["bad"],
    ends={"plain-000": {COMPLETED}},
    left={"attempts": 0},
)


def judge(
    evidence: Evidence,
    *,
    wanted: Mapping[str, Wanted] | None = None,
    answers: Mapping[str, str] | None = None,
) -> list[str]:
    wanted = wanted or WANTED
    return [
        *judge_exports(evidence, wanted, answers or {}),
        *judge_jobs(evidence, wanted),
        *judge_refused(evidence, ["bad"]),
        *judge_left(evidence),
    ]


def with_export(**changes: Any) -> Evidence:
    return replace(SOUND, exports={"plain-000": DONE | changes})


def with_ledger(**changes: Any) -> Evidence:
    return replace(SOUND, ledger={**SOUND.ledger, **changes})


def test_a_sound_run_has_no_violations() -> None:
    assert judge(SOUND) == []


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (replace(SOUND, exports={}), "lost: plain-000 is unknown"),
        (with_export(status="RUNNING"), "lost: plain-000 is RUNNING"),
        (with_export(status=FAILED, error={"code": "X"}), "plain-000 ended FAILED (X), not"),
        (with_export(files=[]), "plain-000 has 0 files, not 1"),
        (replace(SOUND, objects=set()), "plain-000 is COMPLETED without its file"),
        (replace(SOUND, ends={}), "plain-000 is COMPLETED, announced as nothing"),
        (
            replace(SOUND, ends={"plain-000": {COMPLETED, FAILED}}),
            "plain-000 is COMPLETED, announced as ['COMPLETED', 'FAILED']",
        ),
        (
            replace(SOUND, exports={"plain-000": DONE, "ghost": DONE}),
            "ghost was never asked for",
        ),
        (with_ledger(jobs=[job(starts=2)]), "started twice: plain-000-1-0123456789ab"),
        (
            with_ledger(jobs=[job(), job("plain-000-2-0123456789ab")]),
            "started twice: plain-000 took 2 jobs",
        ),
        (with_ledger(jobs=[]), "too few jobs: plain-000 took 0"),
        (with_ledger(jobs=[job(), job("ghost-1-0123456789ab")]), "a job of an export that nobody"),
        (with_ledger(calls=[call(13)]), "over the limit: 13 jobs ran"),
        (with_ledger(calls=[call(12, "LimitExceededException")]), "over the limit: another start"),
        (replace(SOUND, rejected=[]), "dropped silently: the message bad"),
        (replace(SOUND, rejected=["bad", "good"]), "refused, but sound: the message good"),
        (replace(SOUND, left={"attempts": 2}), "left at the end: 2 attempts"),
    ],
)
def test_each_broken_promise_is_told(evidence: Evidence, told: str) -> None:
    violations = judge(evidence)
    assert any(text.startswith(told) for text in violations), violations


def test_what_the_api_called_cancelled_must_have_ended_so() -> None:
    wanted = {"plain-000": Wanted(ends=frozenset({COMPLETED, CANCELLED}))}
    assert judge(SOUND, wanted=wanted) == []
    violations = judge(SOUND, wanted=wanted, answers={"plain-000": CANCELLED})
    assert violations == ["plain-000 was cancelled, the API said, and ended COMPLETED"]


def test_slots_that_others_use_are_no_violation() -> None:
    assert judge(with_ledger(calls=[call(9, "LimitExceededException")])) == []
