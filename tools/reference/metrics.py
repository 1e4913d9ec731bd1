"""docs/metrics.md: what the functions measure, from metric.py."""

from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.metric import Metric
from tools.reference.pages import fill, table

_DOLLARS_A_METRIC = 0.30
"""A month, for the first 10,000: CloudWatch pricing, us-east-1."""
_HEAD = ("metric", "unit", "a number of it says", "written")


def page() -> str:
    """The page."""
    of_targets = [metric for metric in Metric if metric.is_of_target]
    idle = [each for each in Metric if each.is_written_when_idle]
    return fill(
        "metrics.md",
        target=DEFAULT_TARGET,
        all=_dollars([*Metric]),
        more=_dollars(of_targets),
        idle=_dollars(idle),
        of_targets=_rows(of_targets),
        of_stack=_rows([metric for metric in Metric if not metric.is_of_target]),
    )


def _dollars(metrics: list[Metric]) -> str:
    return f"{_DOLLARS_A_METRIC * len(metrics):.2f}"


def _rows(metrics: list[Metric]) -> str:
    rows = [(f"`{each.label}`", each.unit, each.meaning, each.written) for each in metrics]
    return table(_HEAD, rows)
