"""The schedules that are declared as files: `schedules/<Name>.json`, checked at synthesis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk

from infra.parameters import DeploymentParameters, ParameterError
from snapshot_export.domain.request import InvalidRequestError, Target, read_json
from snapshot_export.domain.schedule import Schedule, check_schedule

_UNKNOWN = "which is not known at synthesis"


def read_declared_schedules(
    folder: Path, deployment: DeploymentParameters, env: cdk.Environment
) -> tuple[Schedule, ...]:
    """Every schedule of `folder`, checked as the API checks a schedule, with its request.

    Raises ParameterError that tells each problem's file, place and rule.
    """
    target = Target(
        account_id=deployment.quicksight_account_id or env.account or _UNKNOWN,
        region=deployment.quicksight_region or env.region or _UNKNOWN,
        export_bucket=_UNKNOWN,
        allowed_buckets=frozenset(deployment.allowed_buckets),
    )
    schedules, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            schedule = check_schedule(read_json(path.read_text()), target, path.stem)
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
