"""docs/costs.md is what the template and the prices say, and idling stays cheap."""

from __future__ import annotations

import copy

from bench.costs import PAGE, make_page, price_idle, read_template
from bench.prices import unit_prices

MAX_IDLE_DOLLARS = 5.0


def test_the_page_is_as_computed() -> None:
    assert PAGE.read_text(encoding="utf-8") == make_page()


def test_an_idle_month_costs_less_than_five_dollars() -> None:
    assert sum(price_idle(read_template(), unit_prices()).values()) < MAX_IDLE_DOLLARS


def test_what_a_template_has_more_costs_more() -> None:
    template = read_template()
    before = price_idle(template, unit_prices())
    more = copy.deepcopy(template)
    for resource in [*template["Resources"].items()]:
        name, body = resource
        if body["Type"] in ("AWS::CloudWatch::Alarm", "AWS::KMS::Key"):
            more["Resources"][f"{name}Again"] = body
        if body["Type"] == "AWS::Lambda::Function":
            more["Resources"][name]["Properties"]["TracingConfig"] = {"Mode": "Active"}
    after = price_idle(more, unit_prices())
    (alarms,) = [int(name.split()[0]) for name in before if name.endswith(" metrics of alarms")]
    doubled = after[f"{2 * alarms} metrics of alarms"]
    assert doubled == 2 * before[f"{alarms} metrics of alarms"] > 0
    assert after["2 key"] == 2 * before["1 key"]
    assert (before["their traces"], round(after["their traces"], 2)) == (0, 0.48)
