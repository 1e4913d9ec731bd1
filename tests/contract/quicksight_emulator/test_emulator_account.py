"""What a caller reads of the account before a first job, and what an account can lack."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from local.quicksight.service_model import (
    DASHBOARD,
    DASHBOARDS,
    DATA_SET,
    DEFINITION,
    DESCRIBE,
    NAMESPACE,
    READS,
    REFRESH,
    REFRESHED,
    REFRESHES,
    START,
    SUBSCRIPTION,
)
from tests.contract.quicksight_emulator.support import ACCOUNT, Service, code_of, ids, request
from tests.contract.quicksight_emulator.test_emulator_outputs import assert_modelled

ALONE = {"AwsAccountId": ACCOUNT}
DEFAULT = {**ALONE, "Namespace": "default"}
SALES = {**ALONE, "DashboardId": "sales-overview"}
SALES_DATA = {**ALONE, "DataSetId": "sales"}


@pytest.fixture
def lacking(service: Service) -> Iterator[Any]:
    """Change the account's settings until the end of the test."""
    emulator = service.server.emulator
    before = emulator.settings

    def change(**settings: Any) -> None:
        emulator.settings = replace(before, **settings)
        emulator.reset()

    yield change
    change()


@pytest.mark.parametrize(
    ("operation", "members", "absent"),
    [
        (SUBSCRIPTION, ALONE, set()),
        (NAMESPACE, DEFAULT, set()),
        (DASHBOARD, SALES, set()),
        (DEFINITION, SALES, {"Errors", "ThemeArn", "DashboardPublishOptions"}),
        (DASHBOARDS, ALONE, {"NextToken"}),
        (DATA_SET, SALES_DATA, set()),
    ],
)
def test_every_answer_is_as_modelled(
    service: Service, operation: str, members: dict[str, Any], absent: set[str]
) -> None:
    assert_modelled(operation, service.call(operation, members), absent)


def test_dashboards_are_listed_page_by_page(service: Service) -> None:
    pages = service.client.get_paginator("list_dashboards").paginate(
        **ALONE, PaginationConfig={"PageSize": 5}
    )
    listed = [[each["DashboardId"] for each in page["DashboardSummaryList"]] for page in pages]
    assert [len(page) for page in listed] == [5, 5, 2]
    assert len({name for page in listed for name in page}) == 12
    refused = service.refusal(DASHBOARDS, {**ALONE, "NextToken": "x"})
    assert code_of(refused) == "InvalidNextTokenException"


def test_a_dashboard_whose_version_failed_says_so(service: Service, lacking: Any) -> None:
    lacking(unpublished=frozenset({"sales-overview"}))
    version = service.call(DASHBOARD, SALES)["Dashboard"]["Version"]
    assert (version["Status"], len(version["Errors"])) == ("CREATION_FAILED", 1)
    unknown = service.refusal(DASHBOARD, {**ALONE, "DashboardId": "nothing"})
    assert code_of(unknown) == "ResourceNotFoundException"


def test_a_definition_has_every_sheet_visual_and_parameter(service: Service) -> None:
    definition = service.call(DEFINITION, SALES)["Definition"]
    by_sheet = {
        sheet["SheetId"]: {kind: each["VisualId"] for visual in sheet["Visuals"]
                           for kind, each in visual.items()}
        for sheet in definition["Sheets"]
    }  # fmt: skip
    assert by_sheet == {
        "summary": {
            "KPIVisual": "total",
            "BarChartVisual": "by-region",
            "PivotTableVisual": "by-customer",
        },
        "details": {
            "TableVisual": "lines",
            "PivotTableVisual": "by-customer-and-region",
            "LineChartVisual": "by-month",
        },
    }
    declared = [kind for each in definition["ParameterDeclarations"] for kind in each]
    assert declared == [
        f"{kind}ParameterDeclaration"
        for kind in ("String", "Integer", "Decimal", "DateTime", "DateTime")
    ]
    start = definition["ParameterDeclarations"][3]["DateTimeParameterDeclaration"]
    (default,) = start["DefaultValues"]["StaticValues"]
    assert default.year == 2023


def test_a_dashboard_that_is_published_again_has_the_next_version(
    service: Service, lacking: Any
) -> None:
    emulator = service.server.emulator
    lacking()
    before = service.call(DASHBOARD, SALES)["Dashboard"]["Version"]["VersionNumber"]
    dashboard = next(each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "sales-overview")
    emulator.put_dashboard(replace(dashboard, sheets=dashboard.sheets[:1]))

    after = service.call(DASHBOARD, SALES)["Dashboard"]["Version"]["VersionNumber"]
    assert after == before + 1
    of_that = service.call(DEFINITION, {**SALES, "VersionNumber": after})["Definition"]
    assert [sheet["SheetId"] for sheet in of_that["Sheets"]] == ["summary"]
    gone = service.refusal(DEFINITION, {**SALES, "VersionNumber": before})
    assert code_of(gone) == "ResourceNotFoundException"


def test_a_version_that_failed_has_no_definition(service: Service, lacking: Any) -> None:
    lacking(unpublished=frozenset({"sales-overview"}))
    shown = service.call(DEFINITION, SALES)
    assert shown["ResourceStatus"] == "CREATION_FAILED" and "Definition" not in shown


def test_a_dashboard_leads_to_the_tag_rules_of_its_data_sets(service: Service) -> None:
    (arn,) = service.call(DASHBOARD, SALES)["Dashboard"]["Version"]["DataSetArns"]
    assert arn == f"arn:aws:quicksight:us-east-1:{ACCOUNT}:dataset/sales"
    data_set = service.call(DATA_SET, SALES_DATA)["DataSet"]
    assert data_set["RowLevelPermissionTagConfiguration"] == {
        "Status": "ENABLED",
        "TagRules": [
            {
                "TagKey": "customer_id",
                "ColumnName": "customer_id",
                "TagMultiValueDelimiter": ",",
                "MatchAllValue": "*",
            },
            {"TagKey": "region", "ColumnName": "region"},
        ],
        "TagRuleConfigurations": [["customer_id"], ["customer_id", "region"]],
    }
    unknown = service.refusal(DATA_SET, {**ALONE, "DataSetId": "nothing"})
    assert code_of(unknown) == "ResourceNotFoundException"


@pytest.mark.parametrize("lacks", [{"edition": "STANDARD"}, {"subscription": "NONE"}])
def test_without_enterprise_edition_there_are_no_dashboards_and_no_jobs(
    service: Service, lacking: Any, lacks: dict[str, str]
) -> None:
    lacking(**lacks)
    for operation, members in ((DASHBOARD, SALES), (DASHBOARDS, ALONE), (START, request())):
        refused = service.refusal(operation, members)
        assert code_of(refused) == "UnsupportedUserEditionException", operation


def test_an_account_that_is_not_signed_up_has_no_subscription(
    service: Service, lacking: Any
) -> None:
    lacking(subscription="NONE")
    assert code_of(service.refusal(SUBSCRIPTION, ALONE)) == "ResourceNotFoundException"
    lacking(subscription="UNSUBSCRIBED")
    shown = service.call(SUBSCRIPTION, ALONE)["AccountInfo"]
    assert shown["AccountSubscriptionStatus"] == "UNSUBSCRIBED"


def test_without_the_add_on_only_the_start_is_refused(service: Service, lacking: Any) -> None:
    lacking(pixel_perfect=False)
    refused = service.refusal(START, request())
    assert code_of(refused) == "UnsupportedPricingPlanException"
    assert "pixel-perfect" in str(refused)
    assert code_of(service.refusal(DESCRIBE, ids())) == "ResourceNotFoundException"
    plain = request()
    sheet = {"SheetId": "summary", "SelectionScope": "ALL_VISUALS"}
    pdf = {"FormatType": "PDF", "SheetSelections": [sheet]}
    plain["SnapshotConfiguration"]["FileGroups"] = [{"Files": [pdf]}]
    service.call(START, plain)


def test_without_capacity_pricing_anonymous_users_get_no_snapshot(
    service: Service, lacking: Any
) -> None:
    lacking(capacity_pricing=False)
    refused = service.refusal(START, request())
    assert code_of(refused) == "UnsupportedPricingPlanException"
    assert "Capacity Pricing" in str(refused)


def test_users_are_asked_for_in_their_home_region(service: Service, lacking: Any) -> None:
    assert service.call(NAMESPACE, DEFAULT)["Namespace"]["CapacityRegion"] == "us-east-1"
    lacking(home_region="eu-west-1")
    refused = service.refusal(NAMESPACE, DEFAULT)
    assert isinstance(refused, ClientError) and code_of(refused) == "AccessDeniedException"
    assert "your identity region is eu-west-1." in str(refused)


def test_an_operation_that_is_denied_is_denied(service: Service, lacking: Any) -> None:
    lacking(denied=frozenset({*READS, DESCRIBE}))
    denied = (
        (DASHBOARD, SALES),
        (DEFINITION, SALES),
        (DASHBOARDS, ALONE),
        (DATA_SET, SALES_DATA),
        (DESCRIBE, ids()),
    )
    for operation, members in denied:
        assert code_of(service.refusal(operation, members)) == "AccessDeniedException"


def test_a_refresh_of_a_data_set_runs_and_completes_and_its_id_is_used_once(
    service: Service,
) -> None:
    refresh = {**SALES_DATA, "IngestionId": "2026-11-23"}
    assert code_of(service.refusal(REFRESHED, refresh)) == "ResourceNotFoundException"
    unknown = {**refresh, "DataSetId": "nothing"}
    assert code_of(service.refusal(REFRESH, unknown)) == "ResourceNotFoundException"

    assert service.call(REFRESH, refresh)["IngestionStatus"] == "INITIALIZED"
    running = service.call(REFRESHED, refresh)["Ingestion"]
    service.clock.time += 60
    completed = service.call(REFRESHED, refresh)["Ingestion"]

    assert [running["IngestionStatus"], completed["IngestionStatus"]] == ["RUNNING", "COMPLETED"]
    assert code_of(service.refusal(REFRESH, refresh)) == "ResourceExistsException"


def test_refreshes_are_listed_newest_first_with_their_rows_and_errors(service: Service) -> None:
    all_ends: list[dict[str, Any]] = [
        {"Status": "FAILED"},
        {"Status": "CANCELLED"},
        {"RowsDropped": 7},
        {"Seconds": 9},
    ]
    for number, ends in enumerate(all_ends):
        service.server.emulator.add_switch({"kind": "refresh", **ends})
        service.call(REFRESH, {**SALES_DATA, "IngestionId": f"i-{number}"})
        service.clock.time += 1
    first = service.call(REFRESHES, {**SALES_DATA, "MaxResults": 3})
    rest = service.call(REFRESHES, {**SALES_DATA, "NextToken": first["NextToken"]})
    listed = [*first["Ingestions"], *rest["Ingestions"]]

    assert [each["IngestionStatus"] for each in listed] == [
        "RUNNING",
        "COMPLETED",
        "CANCELLED",
        "FAILED",
    ]
    assert listed[1]["RowInfo"]["RowsDropped"] == 7
    assert listed[3]["ErrorInfo"]["Type"] == "SQL_EXCEPTION"
