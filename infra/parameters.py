"""What a deployment can choose, read from the CDK context and checked before anything is built."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from infra.bundling import PROFILES, Profile
from infra.email_parameters import EmailParameters, read_email
from infra.encryption import CREATE, NONE
from infra.log_groups import LOG_RETENTION
from infra.parameter_rules import (
    DIFFERENT,
    IN_A_REGION,
    OF_AN_ACCOUNT,
    AccountId,
    BucketName,
    CallsPerSecond,
    JobLimit,
    ParameterError,
    Parameters,
    Region,
    ReservedSlots,
    check_reserve,
    integer,
    number,
    read_parameters,
    show,
    text,
)
from infra.target_parameters import RoleArn, TargetParameters, read_targets
from snapshot_export.domain.athena_query import WORK_GROUP
from snapshot_export.domain.gate import DEFAULT_JOB_LIMIT
from snapshot_export.domain.merge import MAX_SHEETS_PER_JOB
from snapshot_export.domain.scopes import DEFAULT_SCOPES, Scope

__all__ = ["DeploymentParameters", "ParameterError", "Settings", "read_settings"]

_MAX_ALLOWED_BUCKETS = 40
_MAX_TARGETS = 8
_MAX_CHARACTERS = 2600  # of buckets, work groups and targets, in a function's 4 KB of environment
_MAX_EMAILS = 20
_MAX_AUDIENCES = 50
_MAX_SCOPE = 64  # characters, of a route's scope in API Gateway
_MAX_KEYS = 20
_MAX_WORK_GROUPS = 10
_KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+"
_HOST = r"https://[A-Za-z0-9.-]+(:[0-9]+)?"
_EMAIL = r"[^@\s,;<>\"()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_SCOPE = rf"[!#-\[\]-~]{{1,{_MAX_SCOPE}}}"  # a scope-token of RFC 6749
DEFAULT_STACK = "SnapshotExport"
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
"""As CloudFormation takes it, and short enough for the schedule group of that name."""
_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")

Authorization = Literal["IAM", "JWT"]
Unreadable = Literal["REFUSE", "WARN"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
KeyArn = Annotated[str, text(_KEY_ARN)]
Key = Annotated[str, text(f"{CREATE}|{NONE}|{_KEY_ARN}")]
WorkGroup = Annotated[str, text(WORK_GROUP)]
SecretPrefix = Annotated[str, text(r"[A-Za-z0-9/_+=.@-]{1,63}/")]
Issuer = Annotated[str, text(rf"{_HOST}(/[A-Za-z0-9._~/-]*)?")]
Page = Annotated[str, text(rf"{_HOST}(/[A-Za-z0-9._~/%+-]*)?")]
Email = Annotated[str, text(_EMAIL)]
Audience = Annotated[str, text(r"(?s:.*\S.*)")]
ScopeName = Annotated[str, text(_SCOPE)]


def _check_retention(days: int) -> int:
    if days not in LOG_RETENTION:
        raise ValueError("not one of CloudWatch's")
    return days


def _check_scopes(scopes: Mapping[str, str]) -> Mapping[str, str]:
    if set(scopes) != set(Scope) or len(set(scopes.values())) < len(scopes):
        raise ValueError("not a name of its own for each")
    return scopes


def _some(most: int, what: str) -> Any:
    """Of a field of different values, in JSON a list."""
    rule = f"must be a list of at most {most} different {what}"
    return Field(default=(), max_length=most, strict=False, description=rule)


def _one_of(default: str, values: Any) -> Any:
    rule = f"must be one of {', '.join(get_args(values))}"
    return Field(default=default, description=rule)


class DeploymentParameters(Parameters):
    """The parameter set of one deployment; None stands for the stack's own account or region."""

    snapshot_job_limit: JobLimit = DEFAULT_JOB_LIMIT
    reserved_slots: ReservedSlots = 0
    quicksight_account_id: AccountId | None = Field(default=None, description=OF_AN_ACCOUNT)
    quicksight_region: Region | None = Field(default=None, description=IN_A_REGION)
    identity_region: Region | None = Field(default=None, description=IN_A_REGION)
    allowed_buckets: Annotated[tuple[BucketName, ...], DIFFERENT] = _some(
        _MAX_ALLOWED_BUCKETS, "S3 bucket names"
    )
    bucket_keys: Annotated[tuple[KeyArn, ...], DIFFERENT] = _some(
        _MAX_KEYS, "ARNs of KMS keys (arn:...:key/...)"
    )
    retention_days: Annotated[int, integer(1, 3650)] = 30
    calls_per_second: CallsPerSecond = 5
    expected_job_seconds: Annotated[float, number(3600)] = 40
    sheets_per_job: Annotated[int, integer(1, MAX_SHEETS_PER_JOB)] = 1
    notify_emails: Annotated[tuple[Email, ...], DIFFERENT] = _some(_MAX_EMAILS, "e-mail addresses")
    api_authorization: Authorization = Field(default="IAM", description="must be IAM or JWT")
    jwt_issuer: Issuer | None = Field(
        default=None,
        description="must be null or the https address of an issuer",
    )
    jwt_audience: Annotated[tuple[Audience, ...], DIFFERENT] = _some(_MAX_AUDIENCES, "audiences")
    jwt_scopes: Annotated[Mapping[str, ScopeName], AfterValidator(_check_scopes)] = Field(
        default=dict(DEFAULT_SCOPES),
        description=f"must be an object of {', '.join(Scope)}, each another name of at most "
        f"{_MAX_SCOPE} characters without spaces",
    )
    encryption_key: Key = Field(
        default=CREATE,
        description=f"must be {CREATE}, {NONE} or the ARN of a KMS key (arn:...:key/...)",
    )
    deletion_protection: bool = Field(default=True, description="must be true or false")
    unreadable_row_level_security: Unreadable = _one_of("REFUSE", Unreadable)
    log_retention_days: Annotated[int, AfterValidator(_check_retention)] = Field(
        default=30, description=f"must be one of CloudWatch's {', '.join(map(str, LOG_RETENTION))}"
    )
    log_level: LogLevel = _one_of("INFO", LogLevel)
    docs_url: Page | None = Field(
        default=None,
        description="must be null or the https address of a folder",
    )
    alarm_failed_exports: Annotated[int, integer(1, 100_000)] = 10
    alarm_failed_share: Annotated[float, number(1)] = 0.1
    athena_role: RoleArn | None = Field(
        default=None, description="must be null or the ARN of a role (arn:...:role/...)"
    )
    athena_work_groups: Annotated[tuple[WorkGroup, ...], DIFFERENT] = _some(
        _MAX_WORK_GROUPS, "names of Athena work groups"
    )
    password_secrets: SecretPrefix | None = Field(
        default=None,
        description="must be null or what names of secrets begin with: at most 64 letters, digits "
        "and /_+=.@-, the last of them /",
    )
    email: EmailParameters | None = Field(default=None, description="must be null or an object")
    targets: Mapping[str, TargetParameters] = Field(
        default={},
        max_length=_MAX_TARGETS,
        description=f"must be an object of at most {_MAX_TARGETS} targets by their names",
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that the CDK context decides about a synthesis."""

    stack_name: str = DEFAULT_STACK
    deployment: DeploymentParameters = field(default_factory=DeploymentParameters)
    bundling: Profile = PROFILES["lambda"]
    function_environment: Mapping[str, str] = field(default_factory=dict)


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
    given = values.get("targets", {})
    if isinstance(given, dict) and len(given) <= _MAX_TARGETS:
        values = {**values, "targets": read_targets(given, problems)}
    values = {**values, "email": read_email(values.get("email"), problems)}
    parameters = read_parameters(DeploymentParameters, "deployment", values, problems)
    _check_authorization(parameters, problems)
    check_reserve("deployment", parameters.snapshot_job_limit, parameters.reserved_slots, problems)
    _check_size(parameters, problems)
    _check_links(parameters, problems)
    if (parameters.athena_role is None) != (not parameters.athena_work_groups):
        problems.append("deployment.athenaRole and athenaWorkGroups need each other")
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
    targets = {name: each.model_dump() for name, each in parameters.targets.items()}
    names = ",".join((*parameters.allowed_buckets, *parameters.athena_work_groups))
    email = parameters.email.as_setting() if parameters.email else ""
    size = len(names) + len(json.dumps(targets)) + len(email)
    size += len(parameters.password_secrets or "")
    if size > _MAX_CHARACTERS:
        problems.append(
            "deployment.allowedBuckets, athenaWorkGroups, passwordSecrets, email and targets must "
            f"have at most {_MAX_CHARACTERS} characters together, have {size}"
        )


def _check_links(parameters: DeploymentParameters, problems: list[str]) -> None:
    """A link whose file has expired would open nothing."""
    links = parameters.email.links if parameters.email else None
    if links is not None and links.days > parameters.retention_days:
        problems.append(
            "deployment.email.links.days must be at most retentionDays, "
            f"{parameters.retention_days}, got {links.days}"
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
