"""The one stage of an HTTP API: throttled, with an access log."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_apigatewayv2 as apigateway
from constructs import Construct

from infra.log_groups import VENDED_LOGS, create_log_group


def create_stage(
    scope: Construct,
    http_api: apigateway.HttpApi,
    *,
    name: str,
    logged: Mapping[str, str],
    log_retention_days: int,
    calls_per_second: int,
    burst_of_calls: int,
) -> None:
    """Make the `$default` stage; the log is called `name`, and each line is `logged`, as JSON."""
    log_group = create_log_group(
        scope,
        "AccessLogs",
        retention_days=log_retention_days,
        name=f"{VENDED_LOGS}/apis/{name}",
    )
    stage = apigateway.CfnStage(
        scope,
        "Stage",
        api_id=http_api.api_id,
        stage_name="$default",
        auto_deploy=True,
        default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=calls_per_second, throttling_burst_limit=burst_of_calls
        ),
        access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(dict(logged))
        ),
    )
    stage.node.add_dependency(http_api)
