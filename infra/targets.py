"""The targets of a deployment in its account and region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

from infra.parameter_rules import ParameterError, show
from infra.parameters import DeploymentParameters
from infra.target_parameters import TargetParameters, account_of
from snapshot_export.domain.target import DEFAULT_TARGET


@dataclass(frozen=True, kw_only=True)
class StackTarget:
    """A target besides the default, with the account and region that it has in the stack."""

    name: str
    account_id: str
    region: str
    parameters: TargetParameters


def stack_targets(stack: cdk.Stack, deployment: DeploymentParameters) -> tuple[StackTarget, ...]:
    """The targets besides the default; what they leave open is the stack's own."""
    return tuple(
        StackTarget(
            name=name,
            account_id=each.account_id or account_of(each.role_arn) or stack.account,
            region=each.region or stack.region,
            parameters=each,
        )
        for name, each in deployment.targets.items()
    )


def target_environment(stack: cdk.Stack, targets: Sequence[StackTarget]) -> dict[str, str]:
    """What gives the functions the targets: nothing, if there are none."""
    if not targets:
        return {}
    return {"TARGETS": stack.to_json_string({each.name: _settings_of(each) for each in targets})}


def _settings_of(target: StackTarget) -> dict[str, Any]:
    """Members of settings.TargetSettings."""
    chosen = target.parameters
    optional = {
        "identity_region": chosen.identity_region,
        "export_bucket": chosen.bucket,
        "role_arn": chosen.role_arn,
        "external_id": chosen.external_id,
        "snapshot_user_role_arn": chosen.user_role_arn,
    }
    return {
        "quicksight_account_id": target.account_id,
        "quicksight_region": target.region,
        "snapshot_job_limit": chosen.snapshot_job_limit,
        "reserved_slots": chosen.reserved_slots,
        "calls_per_second": chosen.calls_per_second,
    } | {name: value for name, value in optional.items() if value is not None}


def check_places(deployment: DeploymentParameters, env: cdk.Environment) -> None:
    """Check what depends on the stack's own account and region, as far as they are known.

    Raises ParameterError with every problem found.
    """
    problems = _default_target_problems(deployment, env)
    account = deployment.quicksight_account_id or env.account
    region = deployment.quicksight_region or env.region
    seen = {(account, region): DEFAULT_TARGET}
    for name, target in deployment.targets.items():
        place = f"deployment.targets.{name}"
        account = target.account_id or account_of(target.role_arn) or env.account
        region = target.region or env.region
        first = seen.setdefault((account, region), name)
        if first != name:
            problems.append(f"{place} must not have the account and region of target {first}")
        if target.role_arn is None and env.account and account != env.account:
            problems.append(
                f"{place}.roleArn must be given: QuickSight in account {account} takes no calls of "
                "another account's roles"
            )
        if target.bucket is None and env.region and region != env.region:
            problems.append(
                f"{place}.bucket must be given: QuickSight in {region} writes to buckets of "
                "its region only"
            )
    if problems:
        raise ParameterError(problems)


def _default_target_problems(deployment: DeploymentParameters, env: cdk.Environment) -> list[str]:
    """The default target has neither a role nor a bucket of its own."""
    problems = []
    account, region = deployment.quicksight_account_id, deployment.quicksight_region
    if account and env.account and account != env.account:
        problems.append(
            f"deployment.quicksightAccountId must be the stack's account, {env.account}: "
            "QuickSight takes no calls of another account's roles. Name the other account in "
            f"targets, with a roleArn, got {show(account)}"
        )
    if region and env.region and region != env.region:
        problems.append(
            f"deployment.quicksightRegion must be the stack's region, {env.region}: QuickSight "
            "writes to buckets of its region only. Deploy there, or name the region in targets, "
            f"with a bucket, got {show(region)}"
        )
    return problems
