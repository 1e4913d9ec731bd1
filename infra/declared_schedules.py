"""The schedules that are declared as files: `schedules/<Name>.json`, checked at synthesis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk

from infra.parameters import DeploymentParameters, ParameterError
from infra.target_parameters import account_of
from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.schedule import Schedule, check_schedule
from snapshot_export.domain.target import Target, Targets

_UNKNOWN = "which is not known at synthesis"


def read_declared_schedules(
    folder: Path, deployment: DeploymentParameters, env: cdk.Environment
) -> tuple[Schedule, ...]:
    """Every schedule of `folder`, checked as the API checks a schedule, with its request.

    Raises ParameterError with each problem's file, place and rule.
    """
    targets = _targets_of(deployment, env)
    schedules, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            schedule = check_schedule(
                read_json(path.read_text(encoding="utf-8")), targets, path.stem
            )
        except UnicodeDecodeError:
            problems.append(f"schedules/{path.name}: must be UTF-8")
        except InvalidRequestError as error:
            problems += [
                f"schedules/{path.name}: {problem.place or 'the file'} {problem.rule}"
                for problem in error.problems
            ]
        else:
            schedules.append(replace(schedule, declared=True))
    if problems:
        raise ParameterError(problems)
    return tuple(schedules)


def _targets_of(deployment: DeploymentParameters, env: cdk.Environment) -> Targets:
    allowed = frozenset(deployment.allowed_buckets)
    default = Target(
        account_id=deployment.quicksight_account_id or env.account or _UNKNOWN,
        region=deployment.quicksight_region or env.region or _UNKNOWN,
        export_bucket=_UNKNOWN,
        allowed_buckets=allowed,
    )
    others = {
        name: Target(
            name=name,
            account_id=each.account_id or account_of(each.role_arn) or env.account or _UNKNOWN,
            region=each.region or env.region or _UNKNOWN,
            export_bucket=each.bucket or _UNKNOWN,
            allowed_buckets=allowed,
            takes_users=each.role_arn is None or each.user_role_arn is not None,
        )
        for name, each in deployment.targets.items()
    }
    domains = frozenset(deployment.email.allowed_domains) if deployment.email else None
    prefix = deployment.password_secrets
    return Targets(default, others, mail_domains=domains, password_prefix=prefix)
