"""What a deployment can choose, read from the CDK context and checked before anything is built."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.bundling import PROFILES, Profile
from infra.encryption import CREATE, NONE
from infra.log_groups import LOG_RETENTION
from infra.parameter_rules import (
    ACCOUNT_ID,
    BUCKET_NAME,
    REGION,
    ParameterError,
    Rule,
    check_reserve,
    integer,
    null_or_text,
    number,
    read_members,
    show,
)
from infra.target_parameters import TargetParameters, read_targets
from snapshot_export.domain.gate import DEFAULT_JOB_LIMIT
from snapshot_export.domain.scopes import DEFAULT_SCOPES, Scope

__all__ = ["DeploymentParameters", "ParameterError", "Settings", "read_settings"]

_MAX_ALLOWED_BUCKETS = 40
_MAX_TARGETS = 8
_MAX_CHARACTERS = 2600  # of buckets and targets, in a function's 4 KB of environment
_EMAIL = re.compile(r"[^@\s,;<>\"()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MAX_EMAILS = 20
_ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?")
_MAX_AUDIENCES = 50
_MAX_SCOPE = 64  # characters, of a route's scope in API Gateway
_SCOPE = re.compile(rf"[!#-\[\]-~]{{1,{_MAX_SCOPE}}}")  # a scope-token of RFC 6749
_PAGE = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/%+-]*)?")
_AUTHORIZATIONS = ("IAM", "JWT")
_UNREADABLE = ("REFUSE", "WARN")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MAX_KEYS = 20
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
DEFAULT_STACK = "SnapshotExport"
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
"""As CloudFormation takes it, and short enough for the schedule group of that name."""
_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class DeploymentParameters:
    """The parameter set of one deployment; None stands for the stack's own account or region."""

    snapshot_job_limit: int = DEFAULT_JOB_LIMIT
    reserved_slots: int = 0
    quicksight_account_id: str | None = None
    quicksight_region: str | None = None
    identity_region: str | None = None
    allowed_buckets: tuple[str, ...] = ()
    bucket_keys: tuple[str, ...] = ()
    retention_days: int = 30
    unreadable_row_level_security: str = "REFUSE"
    calls_per_second: float = 8
    expected_job_seconds: float = 40
    notify_emails: tuple[str, ...] = ()
    api_authorization: str = "IAM"
    jwt_issuer: str | None = None
    jwt_audience: tuple[str, ...] = ()
    jwt_scopes: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_SCOPES))
    encryption_key: str = CREATE
    deletion_protection: bool = True
    log_retention_days: int = 30
    log_level: str = "INFO"
    docs_url: str | None = None
    alarm_failed_exports: int = 10
    alarm_failed_share: float = 0.1
    targets: Mapping[str, TargetParameters] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that the CDK context decides about a synthesis."""

    stack_name: str = DEFAULT_STACK
    deployment: DeploymentParameters = DeploymentParameters()
    bundling: Profile = PROFILES["lambda"]
    function_environment: Mapping[str, str] = field(default_factory=dict)


def _different(most: int, is_one: Callable[[str], object]) -> Callable[[Any], bool]:
    """Whether a value is a list of at most `most` different texts that are each one."""

    def holds(value: Any) -> bool:
        if not isinstance(value, list) or len(value) > most:
            return False
        are_right = all(isinstance(each, str) and is_one(each) for each in value)
        return are_right and len(set(value)) == len(value)

    return holds


def _are_scopes(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != set(Scope):
        return False
    return _different(len(Scope), _SCOPE.fullmatch)(list(value.values()))


_RULES: dict[str, Rule] = {
    "snapshotJobLimit": Rule("snapshot_job_limit", *integer(1, 1000)),
    "reservedSlots": Rule("reserved_slots", *integer(0, 999)),
    "quicksightAccountId": Rule(
        "quicksight_account_id", *null_or_text(ACCOUNT_ID, "a string of 12 digits")
    ),
    "quicksightRegion": Rule(
        "quicksight_region", *null_or_text(REGION, "the name of a region, such as us-east-1")
    ),
    "identityRegion": Rule(
        "identity_region", *null_or_text(REGION, "the name of a region, such as us-east-1")
    ),
    "allowedBuckets": Rule(
        "allowed_buckets",
        f"must be a list of at most {_MAX_ALLOWED_BUCKETS} different S3 bucket names",
        _different(_MAX_ALLOWED_BUCKETS, BUCKET_NAME.fullmatch),
    ),
    "bucketKeys": Rule(
        "bucket_keys",
        f"must be a list of at most {_MAX_KEYS} different ARNs of KMS keys (arn:...:key/...)",
        _different(_MAX_KEYS, _KEY_ARN.fullmatch),
    ),
    "retentionDays": Rule("retention_days", *integer(1, 3650)),
    "callsPerSecond": Rule("calls_per_second", *number(10)),
    "expectedJobSeconds": Rule("expected_job_seconds", *number(3600)),
    "notifyEmails": Rule(
        "notify_emails",
        f"must be a list of at most {_MAX_EMAILS} different e-mail addresses",
        _different(_MAX_EMAILS, _EMAIL.fullmatch),
    ),
    "apiAuthorization": Rule(
        "api_authorization", "must be IAM or JWT", lambda value: value in _AUTHORIZATIONS
    ),
    "jwtIssuer": Rule("jwt_issuer", *null_or_text(_ISSUER, "the https address of an issuer")),
    "jwtAudience": Rule(
        "jwt_audience",
        f"must be a list of at most {_MAX_AUDIENCES} different audiences",
        _different(_MAX_AUDIENCES, str.strip),
    ),
    "jwtScopes": Rule(
        "jwt_scopes",
        f"must be an object of {', '.join(Scope)}, each another name of at most {_MAX_SCOPE} "
        "characters without spaces",
        _are_scopes,
    ),
    "encryptionKey": Rule(
        "encryption_key",
        f"must be {CREATE}, {NONE} or the ARN of a KMS key (arn:...:key/...)",
        lambda value: (
            isinstance(value, str) and (value in (CREATE, NONE) or bool(_KEY_ARN.fullmatch(value)))
        ),
    ),
    "deletionProtection": Rule(
        "deletion_protection", "must be true or false", lambda value: isinstance(value, bool)
    ),
    "unreadableRowLevelSecurity": Rule(
        "unreadable_row_level_security",
        f"must be one of {', '.join(_UNREADABLE)}",
        lambda value: value in _UNREADABLE,
    ),
    "logRetentionDays": Rule(
        "log_retention_days",
        f"must be one of CloudWatch's {', '.join(map(str, LOG_RETENTION))}",
        lambda value: type(value) is int and value in LOG_RETENTION,
    ),
    "logLevel": Rule(
        "log_level", f"must be one of {', '.join(_LOG_LEVELS)}", lambda value: value in _LOG_LEVELS
    ),
    "docsUrl": Rule("docs_url", *null_or_text(_PAGE, "the https address of a folder")),
    "alarmFailedExports": Rule("alarm_failed_exports", *integer(1, 100_000)),
    "alarmFailedShare": Rule("alarm_failed_share", *number(1)),
    "targets": Rule(
        "targets",
        f"must be an object of at most {_MAX_TARGETS} targets by their names",
        lambda value: isinstance(value, dict) and len(value) <= _MAX_TARGETS,
    ),
}


def read_settings(get_context: Callable[[str], Any], *, cdk_json: Path) -> Settings:
    """Read and check the context keys deployment, environment, bundling and function-environment.

    The members of cdk.json's `deployment` are overridden by those of the environment that
    `-c environment=NAME` chooses, and these by a `deployment` given on the command line
    (`-c deployment='{"snapshotJobLimit": 3}'`), which reaches the app as a JSON string in place of
    cdk.json's whole key. Raises ParameterError with all problems at once.
    """
    problems: list[str] = []
    context = json.loads(cdk_json.read_text(encoding="utf-8")).get("context", {})
    given = _read_object("deployment", get_context("deployment"), problems)
    if given == context.get("deployment"):
        given = {}  # cdk.json's own, as the CDK CLI hands it over
    environment = _read_environment(context, get_context("environment"), problems)
    chosen = context.get("deployment", {}) | environment.deployment | given
    deployment = _read_deployment(chosen, problems)
    bundling = get_context("bundling") or "lambda"
    if bundling not in PROFILES:
        problems.append(f"bundling must be one of {', '.join(PROFILES)}, got {show(bundling)}")
    variables = _read_object("function-environment", get_context("function-environment"), problems)
    for name, value in variables.items():
        if not _VARIABLE_NAME.fullmatch(name) or not isinstance(value, str):
            problems.append(
                f"function-environment.{name} must be a variable's name (a letter, then letters, "
                f"digits or _) with a string, got {show(value)}"
            )
    if problems:
        raise ParameterError(problems)
    return Settings(
        stack_name=environment.stack_name,
        deployment=deployment,
        bundling=PROFILES[bundling],
        function_environment=variables,
    )


@dataclass(frozen=True)
class _Environment:
    stack_name: str = DEFAULT_STACK
    deployment: Mapping[str, Any] = field(default_factory=dict)


def _read_environment(context: Mapping[str, Any], chosen: Any, problems: list[str]) -> _Environment:
    """The chosen section of cdk.json's `environments`; all of them are checked."""
    names = {DEFAULT_STACK: "the deployment without an environment"}
    found = {}
    for name, section in _read_object(
        "environments", context.get("environments"), problems
    ).items():
        place = f"environments.{name}"
        if not isinstance(section, dict) or set(section) - {"stackName", "deployment"}:
            problems.append(f"{place} must be an object of stackName and deployment")
            continue
        stack = section.get("stackName")
        if not isinstance(stack, str) or not _STACK_NAME.fullmatch(stack):
            problems.append(
                f"{place}.stackName must be 1 to 64 letters, digits and -, a letter first, "
                f"got {show(stack)}"
            )
            continue
        if stack in names:
            problems.append(f"{place}.stackName must not be that of {names[stack]}, {show(stack)}")
        names[stack] = place
        values = _read_object(f"{place}.deployment", section.get("deployment"), problems)
        found[name] = _Environment(stack, values)
    if chosen is None:
        return _Environment()
    if chosen not in found:
        known = ", ".join(found) or "none"
        problems.append(
            f"environment must be one of cdk.json's environments ({known}), got {show(chosen)}"
        )
    return found.get(chosen, _Environment())


def _read_deployment(values: Mapping[str, Any], problems: list[str]) -> DeploymentParameters:
    chosen = read_members("deployment", values, _RULES, problems)
    chosen["targets"] = read_targets(chosen.get("targets") or {}, problems)
    parameters = DeploymentParameters(**chosen)
    _check_authorization(parameters, problems)
    check_reserve("deployment", parameters.snapshot_job_limit, parameters.reserved_slots, problems)
    _check_size(parameters, problems)
    return parameters


def _check_authorization(parameters: DeploymentParameters, problems: list[str]) -> None:
    """An issuer and audiences go with JWT, and JWT with both: an open API is never deployed."""
    given = parameters.jwt_issuer is not None, bool(parameters.jwt_audience)
    named = parameters.jwt_scopes != DEFAULT_SCOPES
    if parameters.api_authorization == "JWT" and not all(given):
        problems.append("deployment.apiAuthorization JWT needs jwtIssuer and jwtAudience")
    if parameters.api_authorization == "IAM" and (any(given) or named):
        problems.append(
            "deployment.jwtIssuer, jwtAudience and jwtScopes need apiAuthorization JWT, got "
            f"{show(parameters.api_authorization)}"
        )


def _check_size(parameters: DeploymentParameters, problems: list[str]) -> None:
    targets = {name: asdict(each) for name, each in parameters.targets.items()}
    size = len(",".join(parameters.allowed_buckets)) + len(json.dumps(targets))
    if size > _MAX_CHARACTERS:
        problems.append(
            f"deployment.allowedBuckets and targets must have at most {_MAX_CHARACTERS} "
            f"characters together, have {size}"
        )


def _read_object(key: str, value: Any, problems: list[str]) -> dict[str, Any]:
    if value is None:
        return {}
    decoded = value
    if isinstance(value, str):
        try:
            decoded = json.loads(value)
        except ValueError:
            decoded = value
    if not isinstance(decoded, dict):
        problems.append(f"{key} must be a JSON object, got {show(value)}")
        return {}
    return decoded
