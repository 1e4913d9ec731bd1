"""The targets besides the default: further QuickSight accounts and regions of one deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from infra.parameter_rules import (
    IN_A_REGION,
    OF_AN_ACCOUNT,
    AccountId,
    BucketName,
    CallsPerSecond,
    JobLimit,
    Parameters,
    Region,
    ReservedSlots,
    check_reserve,
    read_parameters,
    show,
    text,
)
from snapshot_export.domain.gate import DEFAULT_JOB_LIMIT
from snapshot_export.domain.target import DEFAULT_TARGET, TARGET_NAME

_ROLE_ARN = r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]{1,512}"
RoleArn = Annotated[str, text(_ROLE_ARN)]
ExternalId = Annotated[str, text(r"[\w+=,.@:/-]{2,1224}")]
_OF_A_ROLE = "must be null or the ARN of a role"
_EXTERNAL = "must be null or 2 to 1224 letters, digits and +=,.@:/-_"


class TargetParameters(Parameters):
    """One target; None stands for the stack's own account, region and bucket.

    Without a `role_arn` the functions call QuickSight with their own roles.
    """

    account_id: AccountId | None = Field(default=None, description=OF_AN_ACCOUNT)
    region: Region | None = Field(default=None, description=IN_A_REGION)
    identity_region: Region | None = Field(default=None, description=IN_A_REGION)
    snapshot_job_limit: JobLimit = DEFAULT_JOB_LIMIT
    reserved_slots: ReservedSlots = 0
    calls_per_second: CallsPerSecond = 5
    bucket: BucketName | None = Field(
        default=None, description="must be null or the name of an S3 bucket"
    )
    role_arn: RoleArn | None = Field(default=None, description=_OF_A_ROLE)
    external_id: ExternalId | None = Field(default=None, description=_EXTERNAL)
    user_role_arn: RoleArn | None = Field(default=None, description=_OF_A_ROLE)


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
            target = read_parameters(TargetParameters, place, members, problems)
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
    found = re.fullmatch(_ROLE_ARN, role_arn or "")
    return found[1] if found else None
