"""How much of what the exports need the account gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from snapshots.doctor import fixes
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning

_ABOUT_JOBS = re.compile(r"snapshot", re.IGNORECASE)
_BESIDES_JOBS = 9
"""Two each of intake and burst (their queues' bounds) and API, one each that the clock calls."""


def look_at_job_limit(case: Case) -> Verdict:
    """What Service Quotas says of snapshot jobs, of which it lists none [? snapshot-quota]."""
    return judge_job_limit(list_job_quotas(case), case.job_limit)


def list_job_quotas(case: Case) -> list[Mapping[str, Any]]:
    """Every quota of QuickSight's whose name speaks of snapshots. Raises RefusedError."""
    found: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    try:
        while True:
            page = case.call(
                "service-quotas", "ListServiceQuotas", ServiceCode="quicksight", **token
            )
            found += page["Quotas"]
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
    except RefusedError as error:
        if error.code != "NoSuchResourceException":
            raise
    return [quota for quota in found if _ABOUT_JOBS.search(quota.get("QuotaName", ""))]


def judge_job_limit(about: Sequence[Mapping[str, Any]], believed: int) -> Verdict:
    """By the quotas of snapshot jobs, against `believed`, the deployment's limit."""
    if not about:
        seen = f"Service Quotas lists none; snapshotJobLimit {believed} is believed"
        return not_checked(seen, fixes.SUPPORT_TELLS)
    least = min(about, key=lambda quota: float(quota["Value"]))
    value = int(least["Value"])
    quota = f"{least['QuotaName']} ({least['QuotaCode']}) is {value}"
    if value < believed:
        seen = f"{quota}, snapshotJobLimit is {believed}: starts will be refused"
        return failed(seen, fixes.lower_limit(value))
    if value > believed:
        return ok(f"{quota}; snapshotJobLimit {believed} uses a part of it")
    return ok(f"{quota}, as snapshotJobLimit")


def look_at_concurrency(case: Case) -> Verdict:
    """Whether every slot of every target can have its function, beside the account's others."""
    limits = case.call("lambda", "GetAccountSettings")["AccountLimit"]
    fix = fixes.RAISE_CONCURRENCY.format(region=case.account.region)
    return judge_concurrency(limits, case.all_jobs, fix)


def judge_concurrency(limits: Mapping[str, Any], jobs: int, fix: str) -> Verdict:
    """A running job is polled within one invocation of the describe function most of its time.

    Nothing is reserved, so the functions share what is unreserved with the account's others.
    """
    total = int(limits["ConcurrentExecutions"])
    free = int(limits.get("UnreservedConcurrentExecutions", total))
    needed = jobs + _BESIDES_JOBS
    seen = f"{free} of {total} unreserved; {jobs} snapshot jobs need {needed}"
    if free < needed:
        return failed(f"{seen}: functions will be throttled", fix)
    if free < 2 * needed:
        return warning(f"{seen}: little is left for the account's other functions", fix)
    return ok(seen)
