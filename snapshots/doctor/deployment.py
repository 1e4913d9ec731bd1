"""CDK's bootstrap, and the stack: its state, version, functions, schedules, subscribers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from snapshots.doctor import fixes
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning

_PACKAGE = "quicksight-snapshot-export"
_BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
_OLDEST_BOOTSTRAP = 6
"""What templates of aws-cdk-lib 2 demand (their rule CheckBootstrapVersion)."""
_FUNCTIONS = ("intake", "api", "burst", "start", "describe", "hint", "collect", "reconcile")
DELIVER = "deliver"
"""Is there where mails are sent only."""
_PENDING = "PendingConfirmation"


def look_at_bootstrap(case: Case) -> Verdict:
    """Whether `cdk deploy` finds CDK's own bucket and roles."""
    try:
        found = case.call("ssm", "GetParameter", Name=_BOOTSTRAP_VERSION)
    except RefusedError as error:
        if error.code != "ParameterNotFound":
            raise
        return judge_bootstrap(None, case.account_id, case.account.region)
    return judge_bootstrap(int(found["Parameter"]["Value"]), case.account_id, case.account.region)


def judge_bootstrap(found: int | None, account_id: str, region: str) -> Verdict:
    """By the version of CDK's bootstrap stack; None where it was never made."""
    fix = fixes.bootstrap(account_id, region)
    if found is None:
        return failed(f"account {account_id} is not bootstrapped in {region}", fix)
    if found < _OLDEST_BOOTSTRAP:
        return failed(f"version {found}; {_OLDEST_BOOTSTRAP} or newer is needed", fix)
    return ok(f"version {found}")


def look_at_stack(case: Case) -> Verdict:
    """Whether the stack is there and in order; learns its outputs and functions."""
    try:
        stack = case.call("cloudformation", "DescribeStacks", StackName=case.stack_name)
    except RefusedError as error:
        if error.code != "ValidationError":
            raise
        seen = f"no stack {case.stack_name} in {case.account.region}: not deployed yet"
        return not_checked(seen, fixes.DEPLOY, blocks=True)
    described = stack["Stacks"][0]
    outputs = described.get("Outputs", ())
    case.outputs = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    return judge_stack(described["StackStatus"], case.stack_name)


def judge_stack(status: str, name: str) -> Verdict:
    """By CloudFormation's status."""
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(f"{name} is {status}")
    if status.endswith("_IN_PROGRESS") and not status.startswith(("DELETE", "ROLLBACK")):
        return warning(f"{name} is {status}", fixes.WAIT)
    if status == "UPDATE_ROLLBACK_COMPLETE":
        seen = f"{name}: the last deployment failed, the one before it runs"
        return warning(seen, fixes.SEE_STACK + fixes.DEPLOY)
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        return failed(f"{name} is {status}", fixes.delete_stack(name))
    return failed(f"{name} is {status}", fixes.SEE_STACK + fixes.DEPLOY)


def look_at_version(case: Case) -> Verdict:
    """Whether what is deployed is of this command's version."""
    try:
        here = version(_PACKAGE)
    except PackageNotFoundError:
        return not_checked("this command runs uninstalled and has no version", fixes.INSTALL)
    return judge_version(case.outputs.get("Version"), here)


def judge_version(deployed: str | None, here: str) -> Verdict:
    """By the stack's output; stacks from before it had one are older."""
    if deployed is None:
        return warning(f"the stack is older than {here}", fixes.DEPLOY)
    if deployed != here:
        return warning(f"{deployed} is deployed, this command is {here}", fixes.DEPLOY)
    return ok(f"{deployed}, as this command; npx cdk diff shows every other difference")


def look_at_functions(case: Case) -> Verdict:
    """Whether the functions that talk to QuickSight are ready; learns their roles and settings."""
    names = _function_names(case)
    case.functions = {
        name: case.call("lambda", "GetFunctionConfiguration", FunctionName=names[name])
        for name in (*_FUNCTIONS, DELIVER)
        if name in names
    }
    return judge_functions(case.functions)


def _function_names(case: Case) -> dict[str, str]:
    """Physical names by what a function does: its logical id begins with `StartFunction`."""
    names: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        page = case.call("cloudformation", "ListStackResources", StackName=case.stack_name, **token)
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::Lambda::Function":
                name = resource["LogicalResourceId"].partition("Function")[0].lower()
                names[name] = resource.get("PhysicalResourceId", "")
        if not page.get("NextToken"):
            return names
        token = {"NextToken": page["NextToken"]}


def judge_functions(functions: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Each must be there, active, and updated to the end."""
    missing = [name for name in _FUNCTIONS if name not in functions]
    if missing:
        return failed(f"the stack has no {', '.join(missing)} function", fixes.DEPLOY)
    for name, found in functions.items():
        state = found.get("State", "Active")
        update = found.get("LastUpdateStatus", "Successful")
        if state in ("Failed", "Inactive") or update == "Failed":
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or ""
            seen = f"the {name} function is {state}, its last update {update} {reason}"
            return failed(seen.rstrip(), fixes.DEPLOY)
    return ok(f"{', '.join(functions)} are ready")


def look_at_schedules(case: Case) -> Verdict:
    """Whether the group of the stack's schedules is there."""
    name = case.outputs.get("ScheduleGroupName", "")
    try:
        group = case.call("scheduler", "GetScheduleGroup", Name=name)
    except RefusedError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return failed(f"the group {name} of schedules is gone", fixes.DEPLOY)
    state = group.get("State", "ACTIVE")
    if state != "ACTIVE":
        return failed(f"the group {name} is {state}", fixes.DEPLOY)
    return ok(f"group {name}")


def look_at_notifications(case: Case) -> Verdict:
    """Whether anybody hears of alarms and failures."""
    found: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    topic = case.outputs.get("NotificationTopicArn", "")
    while True:
        page = case.call("sns", "ListSubscriptionsByTopic", TopicArn=topic, **token)
        found += page["Subscriptions"]
        if not page.get("NextToken"):
            return judge_notifications(found)
        token = {"NextToken": page["NextToken"]}


def judge_notifications(subscriptions: Sequence[Mapping[str, Any]]) -> Verdict:
    """An address that was never confirmed gets nothing."""
    if not subscriptions:
        return warning("nobody is subscribed to alarms and failures", fixes.ADD_SUBSCRIBERS)
    waiting = [each for each in subscriptions if each["SubscriptionArn"] == _PENDING]
    if waiting:
        names = ", ".join(str(each.get("Endpoint")) for each in waiting)
        return warning(f"not confirmed yet: {names}", fixes.CONFIRM_MAIL)
    return ok(f"{len(subscriptions)} subscribed and confirmed")
