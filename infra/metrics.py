"""The functions' metrics, as CloudWatch finds them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.functions import METRICS_NAMESPACE, service_name
from snapshot_export.adapters.measuring import TARGET
from snapshot_export.metric import Metric

MINUTE = cdk.Duration.minutes(1)


def measured(
    stack: cdk.Stack,
    metric: Metric,
    statistic: str,
    *,
    target: str | None = None,
    label: str | None = None,
) -> cloudwatch.Metric:
    """A metric of this stack; those of a target need one."""
    if metric.is_of_target != (target is not None):
        raise ValueError(f"{metric.label} is of a target: {metric.is_of_target}")
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=metric.label,
        dimensions_map={"service": service_name(stack)} | ({TARGET: target} if target else {}),
        statistic=statistic,
        period=MINUTE,
        label=label,
    )
