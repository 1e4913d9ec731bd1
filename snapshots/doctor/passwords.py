"""Whether secrets with passwords of files can be read: looked at only where files have some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snapshots.doctor import fixes
from snapshots.doctor.context import Case
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning
from snapshots.doctor.rights import denied

_READ = "secretsmanager:GetSecretValue"
_OF_AWS = "alias/aws/secretsmanager"


def look_at_secrets(case: Case) -> Verdict:
    """Whether there are secrets under the deployment's prefix, and the function may read them.

    What is in a secret is not read.
    """
    if "collect" not in case.functions:
        return not_checked("the stack's collect function was not found")
    role, prefix = str(case.functions["collect"]["Role"]), case.password_prefix
    name = {"Key": "name", "Values": [prefix]}
    found = case.call("secretsmanager", "ListSecrets", Filters=[name])["SecretList"]
    secrets = [each for each in found if each["Name"].startswith(prefix)]
    resource = f"arn:{case.partition}:secretsmanager:{case.account.region}:{case.account_id}:secret"
    arn = secrets[0]["ARN"] if secrets else f"{resource}:{prefix}any-AbCdEf"
    return judge_secrets(prefix, secrets, denied(case, role, [_READ], [arn]))


def judge_secrets(
    prefix: str, secrets: Sequence[Mapping[str, Any]], lacking: Sequence[str]
) -> Verdict:
    """By what ListSecrets shows, and what IAM's simulation denies the collect function."""
    if lacking:
        seen = f"IAM's simulation denies the collect function {_READ} under {prefix}"
        return failed(seen, fixes.grant_functions())
    if not secrets:
        return warning(f"there is no secret under {prefix}", fixes.MAKE_SECRET.format(name=prefix))
    keys = sorted(
        {each["KmsKeyId"] for each in secrets if each.get("KmsKeyId", _OF_AWS) != _OF_AWS}
    )
    if keys:
        seen = f"secrets under {prefix} are encrypted with {', '.join(keys)}"
        return warning(f"{seen}, whose policy is not looked at", fixes.LET_DECRYPT_SECRETS)
    return ok(f"the collect function may read secrets under {prefix}, of which there are some")
