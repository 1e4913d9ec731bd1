"""Links in mails: an open route, throttled, without tokens in its log; its function may little."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.email_parameters import EmailParameters
from infra.parameters import DeploymentParameters, Settings
from snapshot_export.settings import Settings as FunctionSettings
from tests.infra.template_reader import StackTemplate
from tests.infra.test_deliveries import EMAIL, statements
from tests.infra.test_grants import LOGS, TRACES
from tests.infra.test_parameters import problems_of
from tests.infra.test_stack import FUNCTIONS, Synthesize, environment_of, name_of

TABLE = "<StorageTable>"


def with_links(**links: Any) -> Settings:
    email = EmailParameters.model_validate(EMAIL | {"links": links}, by_alias=True)
    return Settings(deployment=DeploymentParameters(email=email))


@pytest.fixture(scope="module")
def linking(synthesize: Synthesize) -> StackTemplate:
    return synthesize(with_links(days=7))


@pytest.fixture(scope="module")
def mailing(synthesize: Synthesize) -> StackTemplate:
    email = EmailParameters.model_validate(EMAIL, by_alias=True)
    return synthesize(Settings(deployment=DeploymentParameters(email=email)))


def test_without_the_parameter_nothing_of_them_is_there(mailing: StackTemplate) -> None:
    text = json.dumps(mailing.body)
    for trace in ("OpenLink", "Links", "LINKS_URL", "LINK#", "link_days", "/files/"):
        assert trace not in text, trace


def test_links_have_an_api_of_their_own_that_anybody_may_call(linking: StackTemplate) -> None:
    routes = [
        route
        for route in linking.of_type("AWS::ApiGatewayV2::Route").values()
        if linking.render(route["ApiId"]) == "<LinksHttpApi>"
    ]
    found = {(each["RouteKey"], each.get("AuthorizationType", "NONE")) for each in routes}
    assert found == {("GET /files/{token}", "NONE"), ("HEAD /files/{token}", "NONE")}
    others = [
        route["AuthorizationType"]
        for route in linking.of_type("AWS::ApiGatewayV2::Route").values()
        if linking.render(route["ApiId"]) != "<LinksHttpApi>"
    ]
    assert others == ["AWS_IAM"]


def test_calls_of_links_are_throttled_and_their_log_has_no_token(linking: StackTemplate) -> None:
    stage = linking.properties("LinksStage")
    limits = stage["DefaultRouteSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (20, 50)
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert set(logged) == {"requestId", "time", "route", "status", "milliseconds", "error"}
    lines = " ".join(logged.values())
    for secret in ("path", "Path", "querystring", "header", "body", "integration.", "sourceIp"):
        assert secret not in lines.replace("integrationErrorMessage", "")


def test_the_function_reads_and_counts_links_and_reads_finished_files_and_no_more(
    linking: StackTemplate,
) -> None:
    own = [statement for name, statement in statements(linking) if name == "OpenLink"]
    (of_table,) = [each for each in own if TABLE in each["Resource"]]
    assert set(of_table["Action"]) == {"dynamodb:GetItem", "dynamodb:UpdateItem"}
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LINK#*"]}}
    assert of_table["Condition"] == keys
    own.remove(of_table)
    granted = {place: {*each["Action"]} for each in own for place in each["Resource"]}
    assert granted == {
        "<StorageExportBucket>/exports/*": {"s3:GetObject"},
        "<OpenLinkFunctionLogs>": LOGS,
        "*": TRACES,
    } | {place: granted[place] for place in granted if "Key" in place}
    keys_used = linking.key_grants("OpenLinkFunctionRole")
    assert {name.partition(".")[0] for name in keys_used} == {"dynamodb", "s3"}


def test_only_the_deliver_function_knows_where_links_begin(linking: StackTemplate) -> None:
    for function in (*FUNCTIONS, "deliver", "open_link"):
        environment = environment_of(linking, function)
        assert ("LINKS_URL" in environment) is (function == "deliver")
        known = {**environment, "SNAPSHOT_JOB_LIMIT": "12", "RETENTION_DAYS": "30"}
        mail = FunctionSettings.from_env(known).mail
        assert mail is not None and mail.link_days == 7
    assert environment_of(linking, "deliver")["LINKS_URL"] == "<LinksHttpApi.ApiEndpoint>"
    assert linking.properties(name_of("open_link"))["Timeout"] == 60


def test_links_may_begin_at_an_address_of_the_deployments_own(synthesize: Synthesize) -> None:
    url = "https://reports.example.com/mail"
    template = synthesize(with_links(url=url))
    assert environment_of(template, "deliver")["LINKS_URL"] == url
    assert template.output("LinksUrl") == url


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ("on", "deployment.email.links must be null or an object"),
        ({"days": 0}, "deployment.email.links.days must be an integer from 1"),
        ({"hours": 1}, "deployment.email.links.hours is not a parameter"),
        ({"days": 31}, "deployment.email.links.days must be at most retentionDays, 30, got 31"),
        ({"url": "http://a.example"}, "deployment.email.links.url must be null or an https"),
        ({"url": "https://a.example/"}, "deployment.email.links.url must be null or an https"),
        ({"url": "https://a.example/\n"}, "deployment.email.links.url must be null or an https"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_its_name(links: Any, problem: str) -> None:
    (found,) = problems_of({"deployment": {"email": EMAIL | {"links": links}}})
    assert found.startswith(problem)
