"""Links in mails: an HTTP API that anybody may call, of its own, in front of one function.

A token is the right to a file, and stands in the path. The access log of a stage has one form for
all its routes, and the API's has paths (infra/api.py): so links have a stage, and a log, without.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.http_stage import create_stage
from infra.nag_exceptions import acknowledge
from snapshot_export.domain.link import FILES_PATH

_PATH = f"/{FILES_PATH}/{{token}}"
_METHODS = (apigateway.HttpMethod.GET, apigateway.HttpMethod.HEAD)
_CALLS_PER_SECOND = 20  # people open some mails at once; whoever guesses tokens gets nowhere
_BURST_OF_CALLS = 50
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}
"""The route is the template of its path: no path, whose token opens a file, and no caller."""


class LinksApi(Construct):
    """`GET` and `HEAD /files/<token>` go to `function`, without an authorizer and throttled."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{cdk.Stack.of(self).stack_name}-Links"
        self.http_api = apigateway.HttpApi(
            self,
            "HttpApi",
            api_name=name,
            description="Links in mails to exported files",
            create_default_stage=False,
        )
        routes = self.http_api.add_routes(
            path=_PATH,
            methods=[*_METHODS],
            integration=integrations.HttpLambdaIntegration("Function", function),
        )
        for route in routes:
            acknowledge(route, "a token is the right to its file", "AwsSolutions-APIG4")
        create_stage(
            self,
            self.http_api,
            name=name,
            logged=_LOGGED,
            log_retention_days=log_retention_days,
            calls_per_second=_CALLS_PER_SECOND,
            burst_of_calls=_BURST_OF_CALLS,
        )
