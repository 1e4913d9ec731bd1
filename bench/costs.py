"""`make costs`: docs/costs.md, what the stack costs idle and by the export, from the template.

Counted in the template: what is billed by its being there, and how often a clock calls a function.
Assumed, since no template says it: what one such call takes (the constants below). What an export
takes was measured by `make bench` (results.json).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from bench.prices import PRICES, unit_prices
from infra.functions import MEMORY_MB
from infra.parameters import DEFAULT_STACK, Settings
from infra.stack import SnapshotExportStack
from snapshot_export.metric import Metric

PAGE = Path(__file__).resolve().parents[1] / "docs" / "costs.md"
RESULTS = Path(__file__).with_name("results.json")
HOURS = 730
_SECONDS_OF_A_CALL = 0.1
_BYTES_OF_A_CALL = 2_500
"""Its metrics and its decision, and Lambda's own lines of its start and its report."""
_READS_OF_A_CALL = 10
_POLLS_A_MINUTE = 15
"""Of an idle queue: five pollers that wait 20 s. Source: Lambda Developer Guide, "Using Lambda with
Amazon SQS"; SQS Developer Guide, long polling."""
_BYTES_OF_AN_EXPORT = 15_000
_TRACES_OF_AN_EXPORT = 2
_RATE = re.compile(r"rate\((\d+) minutes?\)")
_ROW = "ours, learned"


def read_template() -> dict[str, Any]:
    """The template of a deployment that sets nothing."""
    app = cdk.App(context={"aws:cdk:bundling-stacks": []})
    stack = SnapshotExportStack(app, DEFAULT_STACK, settings=Settings())
    return dict(Template.from_stack(stack).to_json())


def price_idle(template: Mapping[str, Any], prices: Mapping[str, float]) -> dict[str, float]:
    """Dollars of a month without an export, by what they are for."""
    resources = [*template["Resources"].values()]
    kinds = Counter(each["Type"] for each in resources)
    by_function = _calls_of_clock(template["Resources"])
    calls = sum(by_function.values())
    traced = sum(
        number
        for name, number in by_function.items()
        if "TracingConfig" in template["Resources"][name]["Properties"]
    )
    polls = kinds["AWS::Lambda::EventSourceMapping"] * _POLLS_A_MINUTE * HOURS * 60
    seconds = calls * _SECONDS_OF_A_CALL * MEMORY_MB / 1024
    metrics = [each for each in Metric if each.is_written_when_idle]
    alarms = sum(
        sum("MetricStat" in metric for metric in each["Properties"].get("Metrics", ())) or 1
        for each in resources
        if each["Type"] == "AWS::CloudWatch::Alarm"
    )
    return {
        f"{alarms} metrics of alarms": alarms * prices["alarm"],
        f"{len(metrics)} metrics": len(metrics) * prices["metric"],
        f"{kinds['AWS::KMS::Key']} key": kinds["AWS::KMS::Key"] * prices["key"],
        f"{calls:,.0f} calls by the clock": calls * prices["lambda_requests"]
        + seconds * prices["lambda_gb_seconds"],
        "their traces": traced * prices["traces"],
        "their logs": calls * _BYTES_OF_A_CALL / 1e9 * prices["log_gigabytes"],
        "their reads of the table": calls * _READS_OF_A_CALL * prices["read_units"],
        f"{polls:,.0f} polls of idle queues": polls * prices["queue_requests"],
    }


def _calls_of_clock(resources: Mapping[str, Any]) -> Counter[str]:
    """How often in a month rules call each function, by its logical id."""
    calls: Counter[str] = Counter()
    for each in resources.values():
        rate = _RATE.fullmatch(each["Properties"].get("ScheduleExpression", ""))
        if each["Type"] == "AWS::Events::Rule" and rate:
            (target,) = each["Properties"]["Targets"]
            calls[target["Arn"]["Fn::GetAtt"][0]] += HOURS * 60 // int(rate[1])
    return calls


def price_exports(row: Mapping[str, Any], prices: Mapping[str, float]) -> dict[str, float]:
    """Dollars of 1,000 exports, by what they are for, without QuickSight."""
    return {
        "calls, transitions, records and files, measured": row["dollars_per_1000_exports"],
        "logs": 1000 * _BYTES_OF_AN_EXPORT / 1e9 * prices["log_gigabytes"],
        "traces": 1000 * _TRACES_OF_AN_EXPORT * prices["traces"],
    }


def make_page() -> str:
    """The document."""
    table = json.loads(PRICES.read_text(encoding="utf-8"))
    prices = unit_prices()
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"][0]["rows"]
    (row,) = [each for each in rows if each["name"] == _ROW]
    idle = price_idle(read_template(), prices)
    exports = price_exports(row, prices)
    sources = sorted({each["source"] for each in table["prices"].values()})
    return "\n".join(
        [
            "# Costs",
            "",
            "Written by `make costs` from the synthesized template, [bench/prices.json]"
            "(../bench/prices.json) and [bench/results.json](../bench/results.json); do not edit.",
            "",
            f"List prices of {table['region']} in US dollars as of {table['as_of']}, as its "
            "authors knew them, without free tiers: compare them with the sources before you rely "
            "on one.",
            "",
            "## A month without an export",
            "",
            *_rows(idle),
            "",
            f"The CloudWatch dashboard costs ${prices['dashboard']:.2f} more where the account has "
            "three others already. Each further target adds five metrics. A call by the clock is "
            f"taken as {_SECONDS_OF_A_CALL} s at {MEMORY_MB} MB, {_BYTES_OF_A_CALL:,} bytes of "
            f"logs, {_READS_OF_A_CALL} read units; each of the queues' five pollers "
            "waits 20 s [? idle-usage].",
            "",
            "## 1,000 exports",
            "",
            *_rows(exports, digits=3),
            "",
            f"Measured by `make bench` ({_ROW}); logs are taken as {_BYTES_OF_AN_EXPORT:,} bytes "
            f"and traces as {_TRACES_OF_AN_EXPORT} for each export. Metrics that have data only "
            "while exports run are in [metrics.md](metrics.md). Storage is not in it: files are "
            "yours to size.",
            "",
            "## Beside it, QuickSight's own price",
            "",
            "Paid to QuickSight with or without this software [? quicksight-price]:",
            "",
            *_rows(
                {
                    "1,000 reports of the Pixel-Perfect add-on (CSV, Excel, pixel-perfect PDF), "
                    "up to 100 pages or 100 MB each": 1000 * prices["report_units"],
                    "500 sessions of capacity pricing, the least for anonymous users": 500
                    * prices["sessions"],
                },
                together=False,
            ),
            "",
            "## Sources",
            "",
            *(f"- <{each}>" for each in sources),
            "",
        ]
    )


def _rows(parts: Mapping[str, float], *, digits: int = 2, together: bool = True) -> list[str]:
    lines = ["| for | $ |", "| --- | ---: |"]
    lines += [f"| {name} | {dollars:,.{digits}f} |" for name, dollars in parts.items()]
    if together:
        lines.append(f"| **together** | **{sum(parts.values()):,.{digits}f}** |")
    return lines


def main() -> int:
    """Write the page, or with --check compare it; 1 if it is not as written."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs")
    parser.add_argument("--check", action="store_true")
    page = make_page()
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page:
        print("docs/costs.md is out of date; run: make costs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
