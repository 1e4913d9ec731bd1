"""What can be read of the account without a job, and what an account can lack."""

from datetime import UTC, datetime
from typing import Any

from local.quicksight.account import Account
from local.quicksight.catalogue import Dashboard, DataSet, TagRule
from local.quicksight.definitions import describe_definition
from local.quicksight.errors import ServiceError
from local.quicksight.service_model import (
    DASHBOARD,
    DATA_SET,
    DEFINITION,
    NAMESPACE,
    SUBSCRIPTION,
    load_operations,
)
from local.quicksight.settings import Settings

_PUBLISHED = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
_MAX_RESULTS = 100
_SIGNED_UP = "ACCOUNT_CREATED"
_NEEDS_ENTERPRISE = "UnsupportedUserEditionException"


def check_access(settings: Settings, operation: str, account_id: str, caller: str) -> None:
    """Raise what QuickSight answers before it looks at a request's meaning.

    It takes calls about an account from credentials of that account only: `caller` is theirs.
    Source of the two texts about editions: Terraform's sweepers, which skip accounts by them.
    """
    documents = load_operations()[operation].documents
    front_end = None if documents("AccessDeniedException") else 403
    if not account_id == settings.account == caller:
        text = "The account is not yours."
        raise ServiceError("AccessDeniedException", text, http_status=front_end)
    if operation in settings.denied:
        text = f"User is not authorized to perform: quicksight:{operation}"
        raise ServiceError("AccessDeniedException", text, http_status=front_end)
    if not documents(_NEEDS_ENTERPRISE):
        return
    if settings.subscription != _SIGNED_UP:
        text = f"Account {settings.account} is not subscribed for QuickSight"
        raise ServiceError(_NEEDS_ENTERPRISE, text)
    if settings.edition == "STANDARD":
        raise ServiceError(_NEEDS_ENTERPRISE, "The operation needs Enterprise Edition.")


def read_account(
    operation: str, members: dict[str, Any], account: Account, request_id: str
) -> dict[str, Any]:
    """The output of one of READS; raises ServiceError."""
    if operation == SUBSCRIPTION:
        output = {"AccountInfo": _subscription(account.settings)}
    elif operation == NAMESPACE:
        output = {"Namespace": _namespace(account.settings, members["Namespace"])}
    elif operation == DASHBOARD:
        found = account.dashboard(members["DashboardId"])
        output = {"Dashboard": _describe(found, account.settings)}
    elif operation == DEFINITION:
        output = _describe_definition(members, account)
    elif operation == DATA_SET:
        data_set = account.data_set(members["DataSetId"])
        output = {"DataSet": _describe_data_set(data_set, account.settings)}
    else:
        output = _list(members, account)
    return {**output, "RequestId": request_id, "Status": 200}


def _subscription(settings: Settings) -> dict[str, Any]:
    if settings.subscription == "NONE":
        message = f"Account {settings.account} is not signed up with QuickSight."
        raise ServiceError("ResourceNotFoundException", message)
    return {
        "AccountName": "emulated",
        "Edition": settings.edition,
        "NotificationEmail": "bi@example.org",
        "AuthenticationType": "IDENTITY_POOL",
        "AccountSubscriptionStatus": settings.subscription,
    }


def check_identity_region(settings: Settings) -> None:
    """Refuse where users are not known: QuickSight names their region [? identity-region].

    Source of the text: code in the wild that reads the region out of it.
    """
    here, home = settings.region, settings.home_region or settings.region
    if here != home:
        message = (
            f"Operation is being called from endpoint {here}, but your identity region is {home}. "
            f"Please use the {home} endpoint."
        )
        raise ServiceError("AccessDeniedException", message)


def _namespace(settings: Settings, name: str) -> dict[str, Any]:
    check_identity_region(settings)
    here = settings.region
    if name != "default":
        raise ServiceError("ResourceNotFoundException", f"Namespace {name} is not found.")
    return {
        "Name": name,
        "Arn": f"arn:aws:quicksight:{here}:{settings.account}:namespace/{name}",
        "CapacityRegion": here,
        "CreationStatus": "CREATED",
        "IdentityStore": "QUICKSIGHT",
    }


def _list(members: dict[str, Any], account: Account) -> dict[str, Any]:
    text = members.get("NextToken") or "0"
    if not text.isdecimal():
        raise ServiceError("InvalidNextTokenException", "The token is not valid.")
    first, most = int(text), members.get("MaxResults", _MAX_RESULTS)
    every = [*account.dashboards.values()]
    shown = [_summarize(each, account.settings) for each in every[first : first + most]]
    more = {"NextToken": str(first + most)} if len(every) > first + most else {}
    return {"DashboardSummaryList": shown, **more}


def _summarize(dashboard: Dashboard, settings: Settings) -> dict[str, Any]:
    return {
        "Arn": settings.arn_of_dashboard(dashboard.dashboard_id),
        "DashboardId": dashboard.dashboard_id,
        "Name": dashboard.name,
        "CreatedTime": _PUBLISHED,
        "LastUpdatedTime": _PUBLISHED,
        "LastPublishedTime": _PUBLISHED,
        "PublishedVersionNumber": dashboard.version,
    }


def _describe(dashboard: Dashboard, settings: Settings) -> dict[str, Any]:
    shown = _summarize(dashboard, settings)
    failed = dashboard.dashboard_id in settings.unpublished
    version: dict[str, Any] = {
        "CreatedTime": _PUBLISHED,
        "VersionNumber": shown.pop("PublishedVersionNumber"),
        "Status": "CREATION_FAILED" if failed else "CREATION_SUCCESSFUL",
        "Arn": f"{shown['Arn']}/version/{dashboard.version}",
        "DataSetArns": [settings.arn_of("dataset", each) for each in dashboard.data_set_ids],
        "Sheets": [{"SheetId": each.sheet_id, "Name": each.name} for each in dashboard.sheets],
    }
    if failed:
        version["Errors"] = [{"Type": "DATA_SET_NOT_FOUND", "Message": "A dataset is gone."}]
    return {**shown, "Version": version}


def _describe_definition(members: dict[str, Any], account: Account) -> dict[str, Any]:
    """Of the published version; the emulator keeps no others."""
    found = account.dashboard(members["DashboardId"])
    if members.get("VersionNumber") not in (None, found.version) or "AliasName" in members:
        raise ServiceError("ResourceNotFoundException", "The version is not found.")
    return describe_definition(found, account.settings)


def _describe_data_set(data_set: DataSet, settings: Settings) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Arn": settings.arn_of("dataset", data_set.data_set_id),
        "DataSetId": data_set.data_set_id,
        "Name": data_set.name,
        "CreatedTime": _PUBLISHED,
        "LastUpdatedTime": _PUBLISHED,
        "ImportMode": data_set.import_mode,
    }
    if data_set.rules:
        configuration: dict[str, Any] = {
            "Status": data_set.status,
            "TagRules": [_describe_rule(rule) for rule in data_set.rules],
        }
        if data_set.configurations:
            configuration["TagRuleConfigurations"] = [[*keys] for keys in data_set.configurations]
        shown["RowLevelPermissionTagConfiguration"] = configuration
    return shown


def _describe_rule(rule: TagRule) -> dict[str, str]:
    shown = {"TagKey": rule.tag_key, "ColumnName": rule.column}
    if rule.delimiter:
        shown["TagMultiValueDelimiter"] = rule.delimiter
    if rule.match_all:
        shown["MatchAllValue"] = rule.match_all
    return shown
