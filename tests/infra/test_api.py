"""The API in the template: who may call, how often, and what the access log tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.parameters import DeploymentParameters, Settings
from snapshot_export.adapters.table.listing import (
    BY_BURST,
    BY_RECIPIENT,
    BY_STATUS,
    LISTED_ATTRIBUTES,
)
from snapshot_export.domain.scopes import DEFAULT_SCOPES, Scope, scope_of
from snapshot_export.handlers.api.document import make_document
from tests.infra.template_reader import StackTemplate

Synthesize = Callable[[Settings], StackTemplate]


def test_every_call_is_authorized_by_iam_unless_the_deployment_says_otherwise(
    template: StackTemplate,
) -> None:
    (route,) = template.of_type("AWS::ApiGatewayV2::Route").values()

    assert route["RouteKey"] == "ANY /{proxy+}"
    assert route["AuthorizationType"] == "AWS_IAM"
    assert template.of_type("AWS::ApiGatewayV2::Authorizer") == {}


def test_a_deployment_can_choose_a_jwt_authorizer(synthesize: Synthesize) -> None:
    deployment = DeploymentParameters(
        api_authorization="JWT",
        jwt_issuer="https://login.example.org/pool",
        jwt_audience=("snapshots",),
        jwt_scopes={**DEFAULT_SCOPES, "steer": "our/steer"},
    )
    template = synthesize(Settings(deployment=deployment))

    routes = {
        route["RouteKey"]: route["AuthorizationScopes"]
        for route in template.of_type("AWS::ApiGatewayV2::Route").values()
        if (route["AuthorizationType"], "AuthorizerId" in route) == ("JWT", True)
    }
    assert routes == {
        "GET /{proxy+}": ["snapshots/read"],
        "POST /forecast": ["snapshots/read"],
        "POST /bursts/{burst_id}/release": ["our/steer"],
        "POST /bursts/{burst_id}/retry": ["our/steer"],
        "POST /exports/{export_id}/release": ["our/steer"],
        "POST /exports/{export_id}/resend": ["our/steer"],
        "POST /schedules/{name}/run": ["our/steer"],
        "POST /{proxy+}": ["snapshots/submit"],
        "ANY /{proxy+}": ["our/steer"],
    }
    assert len(template.of_type("AWS::ApiGatewayV2::Route")) == 9, "a route without a scope"
    environment = template.properties("ApiFunction")["Environment"]["Variables"]
    assert json.loads(environment["JWT_SCOPES"]) == deployment.jwt_scopes
    (authorizer,) = template.of_type("AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"] == {
        "Issuer": "https://login.example.org/pool",
        "Audience": ["snapshots"],
    }


ROLES = ("Read", "Submit", "Steer")


def allowed_by(policy: dict[str, Any], method: str, path: str) -> bool:
    called = f"arn:aws:execute-api:<region>:<account>:<ApiId>/$default/{method}{path}"
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    return any(fnmatchcase(called, each.replace("[", "[[]")) for each in statement["Resource"])


def test_the_example_policies_give_each_role_the_calls_of_its_scope_and_no_others() -> None:
    """docs/api.md has them; IAM's `*` takes a `/` too, as fnmatch's does."""
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    policies = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    policies = [each for each in policies if "Statement" in each]
    assert [each["Statement"][0]["Sid"] for each in policies] == [*ROLES]
    for path, operations in make_document()["paths"].items():
        for method in map(str.upper, operations):
            called = re.sub(r"\{\w+\}", "some-id", path)
            allowed = {
                role
                for role, policy in zip(Scope, policies, strict=True)
                if allowed_by(policy, method, called)
            }
            assert allowed == {scope_of(method, path)}, (method, path)


def test_calls_are_throttled(template: StackTemplate) -> None:
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()

    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    settings = stage["DefaultRouteSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (50, 100)


def test_the_access_log_tells_callers_and_paths_and_no_bodies_headers_or_queries(
    template: StackTemplate,
) -> None:
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()

    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"caller", "method", "path", "status"} <= set(logged)
    lines = " ".join(logged.values())
    for secret in ("body", "Body", "header", "querystring", "rawQueryString"):
        assert secret not in lines
    destination = template.render(stage["AccessLogSettings"]["DestinationArn"])
    assert destination == "<ApiAccessLogs>"
    assert template.properties("ApiAccessLogs")["RetentionInDays"] == 30
    # Elsewhere each group would need room in the account's resource policy of 5,120 characters.
    group = template.render(template.properties("ApiAccessLogs")["LogGroupName"])
    assert group == "/aws/vendedlogs/apis/SnapshotExport-Api"


def test_the_function_gets_events_of_payload_2(template: StackTemplate) -> None:
    (integration,) = template.of_type("AWS::ApiGatewayV2::Integration").values()

    assert integration["PayloadFormatVersion"] == "2.0"
    assert integration["IntegrationType"] == "AWS_PROXY"
    assert template.render(integration["IntegrationUri"]) == "<ApiFunction>"


def test_lists_have_two_indexes_that_carry_what_a_row_shows_and_one_of_keys(
    template: StackTemplate,
) -> None:
    indexes = {
        index["IndexName"]: index
        for index in template.properties("StorageTable")["GlobalSecondaryIndexes"]
    }

    for name, key, other in ((BY_STATUS, "status", "burst_id"), (BY_BURST, "burst_id", "status")):
        index = indexes.pop(name)
        assert [part["AttributeName"] for part in index["KeySchema"]] == [key, "listed_at"]
        projection = index["Projection"]
        assert projection["ProjectionType"] == "INCLUDE"
        assert set(projection["NonKeyAttributes"]) == {*LISTED_ATTRIBUTES, other}
        assert "snapshot" not in projection["NonKeyAttributes"], "secrets stay in the record"
    by_recipient = indexes.pop(BY_RECIPIENT)
    keys = [part["AttributeName"] for part in by_recipient["KeySchema"]]
    assert keys == ["recipient_id", "listed_at"]
    assert by_recipient["Projection"] == {"ProjectionType": "KEYS_ONLY"}, "written once an export"
    assert indexes == {}
