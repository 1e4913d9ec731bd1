"""CloudWatch metrics, written into the log in the embedded metric format: no call, no right.

Dimensions: `service`, which is the stack's name (infra/functions.py), and for what is counted of
each QuickSight target also `Target`. Ids and error codes are no dimensions: each value would be a
metric of its own, and be billed so.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics

from snapshot_export.metric import Metric

TARGET = "Target"

metrics = Metrics()


def measure(metric: Metric, value: float = 1) -> None:
    """Add a value; all of an invocation are written at its end."""
    metrics.add_metric(name=metric.label, unit=metric.unit, value=value)


def measure_target(target: str, values: Mapping[Metric, float]) -> None:
    """Write values of one target, at once."""
    own = EphemeralMetrics()
    own.add_dimension(name=TARGET, value=target)
    for metric, value in values.items():
        own.add_metric(name=metric.label, unit=metric.unit, value=value)
    own.flush_metrics()
