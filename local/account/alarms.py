"""A patch of ministack's alarms (`ministack/services/cloudformation/provisioners.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.account.patching import require_source


def take_alarms_of_several_metrics(provisioners: Any) -> None:
    """Let CloudFormation create an alarm of metric math, which upstream refuses.

    It is kept as an alarm of the first of its metrics: no alarm is evaluated here.
    """
    upstream = provisioners._cw_metric_alarm_record
    require_source("_cw_metric_alarm_record", upstream, "4565fcede1ebf266")

    def record(name: str, properties: Mapping[str, Any]) -> Any:
        measured = [
            each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each
        ]
        if not measured:
            return upstream(name, properties)
        one = {key: value for key, value in properties.items() if key != "Metrics"}
        first = {"Period": measured[0]["Period"], "Statistic": measured[0]["Stat"]}
        return upstream(name, one | measured[0]["Metric"] | first)

    provisioners._cw_metric_alarm_record = record
