"""QuickSight itself: its region, its edition, the dashboards, and whether snapshots are allowed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from botocore.exceptions import EndpointConnectionError

from snapshots.doctor import fixes
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning
from snapshots.errors import CliError

_IN_USE = ("ACCOUNT_CREATED", "OK")
_GONE = ("CREATION_FAILED", "UNSUBSCRIBE_IN_PROGRESS", "UNSUBSCRIBED")
"""Of subscriptions. AWS documents neither; source: Terraform's provider, which waits for them."""

_HOME = re.compile(r"your identity region is ([a-z0-9-]+)")
_SHOWN = 8
_LOOKED_AT = 20
_EDITION = "UnsupportedUserEditionException"
_PLAN = "UnsupportedPricingPlan"
_NOT_FOUND = "ResourceNotFoundException"


def look_at_region(case: Case) -> Verdict:
    """Whether QuickSight is in its region, and whether its users are there too."""
    region = case.quicksight_region
    session = case.account.session
    partition = session.get_partition_for_region(case.account.region)
    known = session.get_available_regions("quicksight", partition_name=partition)
    if region not in known:
        return failed(f"QuickSight is not in {region}", fixes.another_region(", ".join(known)))
    try:
        found = case.call("quicksight", "DescribeNamespace", Namespace="default")
    except EndpointConnectionError:
        seen = f"QuickSight does not answer in {region}"
        return failed(seen, fixes.another_region(", ".join(known)))
    except RefusedError as error:
        home = home_region_in(error.message)
        if home is None and not error.is_denied and error.code != _NOT_FOUND:
            raise
        return judge_region(region, case.account.region, home, case.identity_region)
    home_region = found["Namespace"].get("CapacityRegion")
    return judge_region(region, case.account.region, home_region, case.identity_region)


def home_region_in(refusal: str) -> str | None:
    """The region of the account's users that a refusal of another region names."""
    found = _HOME.search(refusal)
    return found.group(1) if found else None


def judge_region(region: str, stack_region: str, home: str | None, asked: str) -> Verdict:
    """`home` is where the account's users are [? identity-region], None if it is not known.

    `asked` is where GetIdentityContext is called: identityRegion.
    """
    if region != stack_region:
        seen = f"QuickSight is used in {region}, the stack is in {stack_region}"
        return warning(
            f"{seen}: every request must name a bucket in {region}", fixes.take_bucket_of(region)
        )
    if home and home != asked:
        seen = f"{region}; the account's users are in {home}, and are asked for in {asked}"
        fix = f"to export for registered users, set identityRegion to {home} in cdk.json"
        return warning(f"{seen}: exports for anonymous users only", f"{fix}, then: {fixes.DEPLOY}")
    if home is None:
        return ok(f"{region}; where the account's users are is not known")
    return ok(f"{region}; the account's users are in {home}")


def look_at_edition(case: Case) -> Verdict:
    """Whether the account has a subscription that knows snapshots."""
    try:
        found = case.call("quicksight", "DescribeAccountSubscription")["AccountInfo"]
    except RefusedError as error:
        if error.code == _NOT_FOUND:
            seen = f"account {case.quicksight_account} has no QuickSight subscription"
            return failed(seen, fixes.SIGN_UP)
        raise
    return judge_edition(found)


def judge_edition(subscription: Mapping[str, Any]) -> Verdict:
    """By edition and status; a status that nobody has seen yet is worth a warning."""
    edition = subscription.get("Edition", "unknown")
    status = subscription.get("AccountSubscriptionStatus", _IN_USE[0])
    name = subscription.get("AccountName", "")
    if status in _GONE:
        return failed(f"the subscription of {name} is {status}", fixes.SIGN_UP)
    if edition == "STANDARD":
        return failed("Standard Edition, which has no snapshots", fixes.UPGRADE)
    if status not in _IN_USE:
        return warning(f"the subscription of {name} is {status}", fixes.WAIT)
    return ok(f"{edition}, account name {name}")


def look_at_dashboard(dashboard_id: str, case: Case) -> Verdict:
    """Whether the dashboard exists in that region and is published."""
    try:
        found = case.call("quicksight", "DescribeDashboard", DashboardId=dashboard_id)
    except RefusedError as error:
        if error.code == _EDITION:
            return failed(error.message, fixes.UPGRADE)
        if error.code != _NOT_FOUND:
            raise
        seen = f"no dashboard of this id in {case.quicksight_region}"
        return failed(seen, fixes.choose_dashboard(_known_dashboards(case)))
    return judge_dashboard(found["Dashboard"])


def judge_dashboard(dashboard: Mapping[str, Any]) -> Verdict:
    """By the state of its published version."""
    version = dashboard.get("Version", {})
    status = str(version.get("Status", "unknown"))
    name = f"“{dashboard.get('Name', '')}”"
    if status.endswith("_FAILED") or status == "DELETED":
        reasons = "; ".join(str(each.get("Message")) for each in version.get("Errors", ()))
        return failed(f"{name} is {status}{': ' if reasons else ''}{reasons}", fixes.PUBLISH)
    if status.endswith("_IN_PROGRESS"):
        return warning(f"{name} is {status}", fixes.WAIT)
    sheets = ", ".join(each.get("SheetId", "") for each in version.get("Sheets", ()))
    return ok(f"{name}, version {version.get('VersionNumber')}, sheets {sheets or 'not known'}")


def look_at_definition(dashboard_id: str, case: Case) -> Verdict:
    """Whether its tables and parameters can be read, by which requests are checked."""
    found = case.call("quicksight", "DescribeDashboardDefinition", DashboardId=dashboard_id)
    return judge_definition(found)


def judge_definition(answer: Mapping[str, Any]) -> Verdict:
    """By what lies on its sheets; without a definition requests are checked by sheets only."""
    from snapshot_export.domain.dashboard import Definition

    if "Definition" not in answer:
        seen = f"its definition is not there: {answer.get('ResourceStatus', 'unknown')}"
        return warning(f"{seen}; requests are checked by its sheets only", fixes.PUBLISH)
    definition = Definition.of(0, answer["Definition"])
    tables = sum(len(sheet.tables) for sheet in definition.sheets)
    parameters = ", ".join(each.name for each in definition.parameters) or "none"
    return ok(f"tables and pivot tables: {tables}; parameters: {parameters}")


def look_at_tag_rules(dashboard_id: str, case: Case) -> Verdict:
    """Whether the tag rules of its data sets can be read, as for every request, and are enabled."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for data_set_id in _data_sets_of(dashboard_id, case):
        try:
            found[data_set_id] = _read_tag_rules(data_set_id, case)
        except RefusedError as error:
            if error.code != _NOT_FOUND:
                raise
            return failed(f"its data set {data_set_id} is not there any more", fixes.PUBLISH)
    return judge_tag_rules(found)


def enabled_tag_rules(dashboard_id: str, case: Case) -> list[Mapping[str, Any]]:
    """The enabled tag configurations of a dashboard's data sets. Raises RefusedError."""
    data_sets = _data_sets_of(dashboard_id, case)
    return [each for data_set_id in data_sets for each in _read_tag_rules(data_set_id, case)]


def _data_sets_of(dashboard_id: str, case: Case) -> Sequence[str]:
    from snapshot_export.domain.row_level_security import data_set_ids_of

    answer = case.call("quicksight", "DescribeDashboard", DashboardId=dashboard_id)
    return data_set_ids_of(answer["Dashboard"])


def _read_tag_rules(data_set_id: str, case: Case) -> list[Mapping[str, Any]]:
    from snapshot_export.domain.row_level_security import enabled_configurations

    answer = case.call("quicksight", "DescribeDataSet", DataSetId=data_set_id)
    return enabled_configurations(answer["DataSet"])


def judge_tag_rules(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Verdict:
    """`found` holds the enabled tag configurations of each data set."""
    from snapshot_export.domain.row_level_security import TagRules

    open_ones = [data_set_id for data_set_id, rules in found.items() if not rules]
    if open_ones:
        seen = f"without enabled tag rules: {', '.join(open_ones)}; tags filter none of its rows"
        return warning(seen, fixes.ENABLE_TAG_RULES)
    demands = [
        f"{data_set_id} demands {', or '.join(map(' and '.join, TagRules.of(each).alternatives))}"
        for data_set_id, rules in found.items()
        for each in rules
    ]
    return ok("; ".join(demands) or "it has no data sets")


def look_at_dashboards(case: Case) -> Verdict:
    """Which dashboards there are, where none was asked for."""
    try:
        found = case.call("quicksight", "ListDashboards", MaxResults=100)
    except RefusedError as error:
        if error.code == _EDITION:
            return failed(error.message, fixes.UPGRADE)
        raise
    return judge_dashboards(found["DashboardSummaryList"], bool(found.get("NextToken")))


def judge_dashboards(listed: Sequence[Mapping[str, Any]], more: bool) -> Verdict:
    """A list for the user to choose from."""
    if not listed:
        return warning("there are no dashboards", "publish one, or choose its region")
    count = f"{'more than ' if more else ''}{len(listed)}"
    return ok(f"{count}: {_name(listed)}; --dashboard ID looks at one closely")


def _known_dashboards(case: Case) -> str:
    try:
        return _name(case.call("quicksight", "ListDashboards")["DashboardSummaryList"])
    except RefusedError:
        return ""


def _name(listed: Sequence[Mapping[str, Any]]) -> str:
    names = [f"{each['DashboardId']} ({each.get('Name', '')})" for each in listed]
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def look_at_operations(case: Case) -> Verdict:
    """Whether QuickSight lets this caller use snapshots: it is asked for a job that cannot be."""
    dashboard_id = next(iter(case.dashboards), "snapshots-doctor")
    members = {"DashboardId": dashboard_id, "SnapshotJobId": f"doctor-{uuid.uuid4()}"}
    try:
        case.call("quicksight", "DescribeDashboardSnapshotJob", **members)
    except RefusedError as error:
        return judge_operations(error, deployed=bool(case.outputs))
    return not_checked("QuickSight knows a job of an id that was made up just now")


def judge_operations(error: RefusedError, *, deployed: bool) -> Verdict:
    """Not found is the answer to those who may ask [? describe-of-nothing].

    After the deployment it is the functions that ask.
    """
    if error.code == _NOT_FOUND:
        return ok("QuickSight answers, and lets you ask for jobs")
    if error.code == _EDITION:
        return failed(error.message, fixes.UPGRADE)
    if error.is_denied and deployed:
        seen = f"you may not call {error.action}; the functions have rights of their own"
        return warning(seen, fixes.grant_you(error.action))
    if error.is_denied:
        fix = fixes.grant(error.action, "your dashboards and their snapshot jobs")
        return failed(f"you may not call {error.action}: {error.message}", fix)
    raise error


def look_at_plan(case: Case) -> Verdict:
    """Whether the pricing plan allows snapshots: by how the stack's exports so far have ended."""
    try:
        done = _exports(case, "COMPLETED", 1)
        refused = _exports(case, "FAILED", _LOOKED_AT)
    except CliError as error:
        return not_checked(f"the stack's exports cannot be read: {error.lines()[0]}")
    return judge_plan(done, refused)


def judge_plan(done: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, Any]]) -> Verdict:
    """By the newest export that completed or was refused for the plan: no call that is free shows
    it [? pixel-perfect]."""
    completed_at = str(done[0].get("FinishedAt") or "") if done else ""
    for export in refused:
        error = export.get("Error") or {}
        is_newer = not done or str(export.get("FinishedAt") or "") > completed_at
        if _PLAN in str(error.get("Code", "")) and is_newer:
            seen = f"QuickSight refused export {export['ExportId']}: {error.get('Message', '')}"
            return failed(seen, fixes.PLAN)
    if done:
        return ok(f"export {done[0]['ExportId']} has completed")
    return not_checked(
        "no export has completed yet, and QuickSight shows it only to a start", fixes.FIRST_EXPORT
    )


def _exports(case: Case, status: str, most: int) -> list[dict[str, Any]]:
    api = case.open_api()
    pages = api.pages("exports", query={"Status": status, "Limit": most})
    return [export for page in islice(pages, 1) for export in page["Exports"]]
