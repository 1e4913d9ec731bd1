"""The targets besides the default: further QuickSight accounts and regions of one deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.parameter_rules import (
    ACCOUNT_ID,
    BUCKET_NAME,
    REGION,
    Rule,
    check_reserve,
    integer,
    null_or_text,
    number,
    read_members,
    show,
)
from snapshot_export.domain.gate import DEFAULT_JOB_LIMIT
from snapshot_export.domain.target import DEFAULT_TARGET, TARGET_NAME

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")


@dataclass(frozen=True, kw_only=True)
class TargetParameters:
    """One target; None stands for the stack's own account, region and bucket.

    Without a `role_arn` the functions call QuickSight with their own roles.
    """

    account_id: str | None = None
    region: str | None = None
    identity_region: str | None = None
    snapshot_job_limit: int = DEFAULT_JOB_LIMIT
    reserved_slots: int = 0
    calls_per_second: float = 8
    bucket: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    user_role_arn: str | None = None


_RULES: dict[str, Rule] = {
    "accountId": Rule("account_id", *null_or_text(ACCOUNT_ID, "a string of 12 digits")),
    "region": Rule("region", *null_or_text(REGION, "the name of a region, such as us-east-1")),
    "identityRegion": Rule(
        "identity_region", *null_or_text(REGION, "the name of a region, such as us-east-1")
    ),
    "snapshotJobLimit": Rule("snapshot_job_limit", *integer(1, 1000)),
    "reservedSlots": Rule("reserved_slots", *integer(0, 999)),
    "callsPerSecond": Rule("calls_per_second", *number(10)),
    "bucket": Rule("bucket", *null_or_text(BUCKET_NAME, "the name of an S3 bucket")),
    "roleArn": Rule("role_arn", *null_or_text(_ROLE_ARN, "the ARN of a role")),
    "externalId": Rule(
        "external_id", *null_or_text(_EXTERNAL_ID, "2 to 1224 letters, digits and +=,.@:/-_")
    ),
    "userRoleArn": Rule("user_role_arn", *null_or_text(_ROLE_ARN, "the ARN of a role")),
}


def read_targets(values: Mapping[str, Any], problems: list[str]) -> dict[str, TargetParameters]:
    """Read and check each target; problems name the target and the parameter."""
    found = {}
    for name, members in values.items():
        place = f"deployment.targets.{name}"
        if name == DEFAULT_TARGET or not re.fullmatch(TARGET_NAME, name):
            text = f"1 to 32 letters, digits, _ and -, and not {DEFAULT_TARGET}"
            problems.append(f"{place} must have a name of {text}")
        elif not isinstance(members, dict):
            problems.append(f"{place} must be an object, got {show(members)}")
        else:
            target = TargetParameters(**read_members(place, members, _RULES, problems))
            check_reserve(place, target.snapshot_job_limit, target.reserved_slots, problems)
            _check_roles(place, target, problems)
            found[name] = target
    return found


def _check_roles(place: str, target: TargetParameters, problems: list[str]) -> None:
    """QuickSight takes the calls of its own account's roles only."""
    for name, value in (("externalId", target.external_id), ("userRoleArn", target.user_role_arn)):
        if value is not None and target.role_arn is None:
            problems.append(f"{place}.{name} needs a roleArn beside it")
    for name, arn in (("roleArn", target.role_arn), ("userRoleArn", target.user_role_arn)):
        account = account_of(arn)
        if account and target.account_id and account != target.account_id:
            problems.append(
                f"{place}.{name} must be a role of accountId, {target.account_id}, got {show(arn)}"
            )


def account_of(role_arn: str | None) -> str | None:
    """The account of a role."""
    found = _ROLE_ARN.fullmatch(role_arn or "")
    return found[1] if found else None
