"""The API: an HTTP API in front of one function, which knows the paths."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.http_stage import create_stage
from infra.parameters import DeploymentParameters
from snapshot_export.domain.scopes import ROUTES

_CALLS_PER_SECOND = 50  # every accept writes the hot gate item; more would only collide there
_BURST_OF_CALLS = 100
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "subject": "$context.authorizer.claims.sub",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "refusal": "$context.authorizer.error",
    "error": "$context.integrationErrorMessage",
}


class Api(Construct):
    """All paths go to `function`, for callers that are authorized by IAM, or by a JWT.

    IAM policies tell methods and paths apart by themselves; a JWT needs the scope of its route.

    The access log holds who called what; bodies, headers and query strings are not in it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        deployment: DeploymentParameters,
    ) -> None:
        super().__init__(scope, construct_id)
        self.http_api = apigateway.HttpApi(
            self,
            "HttpApi",
            api_name=f"{cdk.Stack.of(self).stack_name}-Api",
            description="Exports of Amazon QuickSight dashboards",
            create_default_stage=False,
            default_authorizer=_create_authorizer(deployment),
        )
        integration = integrations.HttpLambdaIntegration("Function", function)
        for (method, path), scopes in _routes(deployment).items():
            self.http_api.add_routes(
                path=path,
                methods=[apigateway.HttpMethod(method)],
                integration=integration,
                authorization_scopes=scopes,
            )
        create_stage(
            self,
            self.http_api,
            name=f"{cdk.Stack.of(self).stack_name}-Api",
            logged=_LOGGED,
            log_retention_days=deployment.log_retention_days,
            calls_per_second=_CALLS_PER_SECOND,
            burst_of_calls=_BURST_OF_CALLS,
        )


def _routes(deployment: DeploymentParameters) -> dict[tuple[str, str], list[str] | None]:
    """Method and path of each route, with the scopes of which a token needs one."""
    if deployment.jwt_issuer is None:
        return {("ANY", "/{proxy+}"): None}
    return {route: [deployment.jwt_scopes[scope]] for route, scope in ROUTES.items()}


def _create_authorizer(deployment: DeploymentParameters) -> apigateway.IHttpRouteAuthorizer:
    if deployment.jwt_issuer is None:
        return authorizers.HttpIamAuthorizer()
    return authorizers.HttpJwtAuthorizer(
        "Jwt", deployment.jwt_issuer, jwt_audience=[*deployment.jwt_audience]
    )
