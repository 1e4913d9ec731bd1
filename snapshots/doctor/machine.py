"""This machine: its tools, whom it calls AWS as, and its clock."""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from snapshots.doctor import fixes
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning
from snapshots.errors import CliError

_OLDEST_PYTHON = (3, 11)
_OPERATIONS = frozenset(
    {
        "StartDashboardSnapshotJob",
        "DescribeDashboardSnapshotJob",
        "DescribeDashboardSnapshotJobResult",
    }
)
_SKEW_OF_NOTE = 60.0
_SKEW_OF_REFUSAL = 300.0
"""AWS refuses signatures that are five minutes off (IAM User Guide, on signed requests)."""


def look_at_tools(_case: Case) -> Verdict:
    """Python, and whether boto3 knows the snapshot operations."""
    return judge_tools(sys.version_info[:2], boto3.__version__, _known_operations())


@cache
def _known_operations() -> Collection[str]:
    model = botocore.session.get_session().get_service_model("quicksight")
    names: Collection[str] = model.operation_names
    return names


def judge_tools(python: tuple[int, ...], boto3_version: str, known: Collection[str]) -> Verdict:
    """What the operations `known` to boto3 are worth."""
    shown = f"Python {python[0]}.{python[1]}, boto3 {boto3_version}"
    if python < _OLDEST_PYTHON:
        return failed(shown, fixes.NEWER_PYTHON)
    if missing := sorted(_OPERATIONS - set(known)):
        return failed(f"{shown}, which does not know {', '.join(missing)}", fixes.INSTALL)
    return ok(f"{shown}, which knows the snapshot operations")


def look_at_configuration(case: Case) -> Verdict:
    """Whether there is a region, and the profile that was asked for."""
    try:
        account = case.account
    except CliError as error:
        no_region = error.code == "USAGE"
        fix = fixes.CHOOSE_REGION if no_region else fixes.choose_profile(case.profile)
        return failed(error.lines()[0], fix)
    if not account.region:
        return failed("no region is chosen", fixes.CHOOSE_REGION)
    profile = f"profile {account.session.profile_name}, " if not account.endpoint_url else ""
    return ok(f"{profile}region {account.region}")


def look_at_credentials(case: Case) -> Verdict:
    """Who the caller is; learns account, caller and the clock's skew."""
    try:
        answer = case.call("sts", "GetCallerIdentity")
    except RefusedError as error:
        cause: Any = error.__cause__
        _read_clock(case, cause.response)
        seen = f"AWS refuses the credentials: {error.code}: {error.message}"
        is_skewed = abs(case.clock_skew or 0) >= _SKEW_OF_REFUSAL
        return failed(seen, fixes.SET_CLOCK if is_skewed else fixes.log_in(case.profile))
    except BotoCoreError as error:
        is_silent = isinstance(error, HTTPClientError | NoConnectionError)
        seen = " ".join(str(error).split())
        return failed(seen, fixes.REACH if is_silent else fixes.log_in(case.profile))
    _read_clock(case, answer)
    case.account_id, case.caller_arn = answer["Account"], answer["Arn"]
    return ok(f"{answer['Arn']} in account {answer['Account']}")


def look_at_clock(case: Case) -> Verdict:
    """How far this clock is from AWS's, by the answer that the credentials got."""
    return judge_clock(case.clock_skew)


def judge_clock(skew: float | None) -> Verdict:
    """`skew` in seconds, positive where this machine is ahead."""
    if skew is None:
        return not_checked("no answer of AWS's had a time to compare with")
    way = "ahead of" if skew > 0 else "behind"
    seen = f"{abs(skew):.0f} s {way} AWS's"
    if abs(skew) >= _SKEW_OF_REFUSAL:
        return failed(f"{seen}: signatures are refused", fixes.SET_CLOCK)
    if abs(skew) >= _SKEW_OF_NOTE:
        return warning(f"{seen}: signatures are refused from 5 min on", fixes.SET_CLOCK)
    return ok(seen if abs(skew) >= 1 else "as AWS's")


def _read_clock(case: Case, response: Any) -> None:
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if date:
        case.clock_skew = (case.now() - _parse_date(date)).total_seconds()


def _parse_date(text: str) -> datetime:
    return parsedate_to_datetime(text).astimezone(UTC)
