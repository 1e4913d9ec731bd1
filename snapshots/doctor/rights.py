"""Who may start and read snapshot jobs, by IAM's own simulation: nothing is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from snapshots.doctor import fixes
from snapshots.doctor.context import Case
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning

_START = "quicksight:StartDashboardSnapshotJob"
_DESCRIBE = "quicksight:DescribeDashboardSnapshotJob"
_RESULT = "quicksight:DescribeDashboardSnapshotJobResult"
_DASHBOARD = "quicksight:DescribeDashboard"
_DEFINITION = "quicksight:DescribeDashboardDefinition"
_DATA_SET = "quicksight:DescribeDataSet"
_REFRESHES = "quicksight:ListIngestions"
_OF_ACCEPTANCE = (_DASHBOARD, _DEFINITION, _DATA_SET)
_OF_STARTS = (_START, _DESCRIBE, _DASHBOARD, _DATA_SET)
_NEEDED = {
    **dict.fromkeys(("intake", "api", "burst"), _OF_ACCEPTANCE),
    **dict.fromkeys(("start", "describe"), _OF_STARTS),
    "collect": (_RESULT,),
    "reconcile": (_DESCRIBE, _DATA_SET, _REFRESHES),
}
_ASSUMED = re.compile(r"arn:[\w-]+:sts::\d{12}:assumed-role/([^/]+)/.+")


def look_at_caller(case: Case) -> Verdict:
    """Whether the caller may start jobs: of use before there are functions that may."""
    if case.caller_arn.endswith(":root"):
        return ok("you are the account's root user; work with a role instead")
    principal = case.caller_arn
    if found := _ASSUMED.fullmatch(principal):
        principal = case.call("iam", "GetRole", RoleName=found.group(1))["Role"]["Arn"]
    lacking = _simulate(case, principal, (_START, _DESCRIBE, _RESULT))
    return judge_caller(lacking, deployed=bool(case.outputs))


def judge_caller(lacking: Sequence[str], *, deployed: bool) -> Verdict:
    """The functions bring their own rights; the caller's are needed for trying things by hand."""
    if not lacking:
        return ok("IAM's simulation allows all three snapshot operations")
    seen = f"IAM's simulation denies you {', '.join(lacking)}"
    if deployed:
        return ok(f"{seen}; the functions have rights of their own")
    fix = fixes.grant(", ".join(lacking), "your dashboards")
    return warning(f"{seen}; the deployed functions will have rights of their own", fix)


def look_at_functions(case: Case) -> Verdict:
    """Whether the roles of the deployed functions may do what their steps do."""
    lacking: dict[str, Sequence[str]] = {}
    for name, actions in _NEEDED.items():
        if name not in case.functions:
            return not_checked(f"the stack's {name} function was not found")
        lacking[name] = _simulate(case, str(case.functions[name]["Role"]), actions)
    return judge_functions(lacking)


def judge_functions(lacking: Mapping[str, Sequence[str]]) -> Verdict:
    """`lacking` holds what each function's role may not do."""
    denials = [f"the {name} function {', '.join(each)}" for name, each in lacking.items() if each]
    if denials:
        return failed(f"IAM's simulation denies {'; '.join(denials)}", fixes.grant_functions())
    return ok("IAM's simulation allows the functions their operations")


def _simulate(case: Case, principal: str, actions: Sequence[str]) -> list[str]:
    """The actions that the principal may not do, on what each is done to."""
    dashboard = case.quicksight_arn(f"dashboard/{next(iter(case.dashboards), 'any')}")
    of_data_sets = [action for action in actions if action in (_DATA_SET, _REFRESHES)]
    of_dashboards = [action for action in actions if action not in of_data_sets]
    jobs = [dashboard, f"{dashboard}/snapshot-job/any"]
    found = denied(case, principal, of_dashboards, jobs)
    if of_data_sets:
        found += denied(case, principal, of_data_sets, [case.quicksight_arn("dataset/any")])
    return found


def denied(
    case: Case,
    principal: str,
    actions: Sequence[str],
    resources: Sequence[str],
    context: Mapping[str, str] | None = None,
) -> list[str]:
    """The actions that IAM's simulation denies a principal, with these condition keys."""
    entries = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in (context or {}).items()
    ]
    answer = case.call(
        "iam",
        "SimulatePrincipalPolicy",
        PolicySourceArn=principal,
        ActionNames=[*actions],
        ResourceArns=[*resources],
        ContextEntries=entries,
    )
    return [each["EvalActionName"] for each in answer["EvaluationResults"] if not _is_allowed(each)]


def _is_allowed(result: Mapping[str, Any]) -> bool:
    details = result.get("ResourceSpecificResults", ())
    decisions = [result["EvalDecision"], *(each["EvalResourceDecision"] for each in details)]
    return all(decision == "allowed" for decision in decisions)
