"""Which tags a dashboard's data sets take, and what is said of those that they do not."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.row_level_security import (
    ALLOWANCES,
    TAGS_PLACE,
    DashboardSecurity,
    DataSetSecurity,
    TagRule,
    TagRules,
    Unreadable,
    judge,
    tags_of,
    unreadable_problems,
    warnings_of,
)

CUSTOMER = TagRule(key="customer", delimiter=",", match_all="*")
REGION = TagRule(key="region")
MANAGER = TagRule(key="manager", delimiter="||", match_all="ALL")


def data_set(
    *rules: TagRule, configurations: tuple[tuple[str, ...], ...] = (), name: str = "sales"
) -> DataSetSecurity:
    tag_rules = (TagRules(rules=rules, configurations=configurations),) if rules else ()
    return DataSetSecurity(data_set_id=name, tag_rules=tag_rules)


def dashboard(*data_sets: DataSetSecurity, **more: Any) -> DashboardSecurity:
    return DashboardSecurity(read_at=0.0, data_sets=data_sets, **more)


def broken(security: DashboardSecurity, *allows: str, **tags: str) -> list[tuple[str, str]]:
    given_tags = [{"Key": key, "Value": value} for key, value in tags.items()]
    found = judge(security, given_tags, allows)
    return [(each.place.removeprefix(TAGS_PLACE), each.rule) for each in found]


SALES = dashboard(data_set(CUSTOMER))


def test_a_tag_of_every_rule_is_taken() -> None:
    assert broken(SALES, customer="cust-1") == []
    assert broken(dashboard(data_set(CUSTOMER, REGION)), customer="c", region="r") == []


def test_no_tags_for_a_data_set_that_demands_some() -> None:
    assert broken(SALES) == [
        ("", "is required: must have every tag that data set sales demands: customer")
    ]


def test_a_key_that_no_data_set_knows_is_named_by_its_place_with_the_known_ones() -> None:
    assert broken(SALES, customer="c", Customer="d") == [
        ("[1].Key", "must be a tag key of a data set of the dashboard: customer")
    ]


def test_a_tag_for_a_dashboard_without_enabled_rules_would_filter_nothing() -> None:
    (problem,) = broken(dashboard(data_set()), customer="c")
    assert problem[0] == "[0].Key" and "would filter nothing" in problem[1]
    assert broken(dashboard(data_set())) == []


def test_without_configurations_all_keys_are_demanded() -> None:
    both = dashboard(data_set(CUSTOMER, REGION))
    assert broken(both, customer="c") == [
        ("", "must have every tag that data set sales demands: customer and region")
    ]


def test_of_several_configurations_one_must_have_all_its_keys() -> None:
    rules = data_set(
        CUSTOMER, REGION, MANAGER, configurations=(("customer",), ("region", "manager"))
    )
    security = dashboard(rules)
    assert broken(security, customer="c") == []
    assert broken(security, region="r", manager="m") == []
    assert broken(security, customer="c", region="r") == []
    assert broken(security, region="r") == [
        ("", "must have every tag that data set sales demands: customer, or region and manager")
    ]


def test_each_data_set_is_to_be_fulfilled_and_knows_its_own_keys() -> None:
    security = dashboard(data_set(CUSTOMER), data_set(REGION, name="places"))
    assert broken(security, customer="c", region="r") == []
    assert broken(security, customer="c") == [
        ("", "must have every tag that data set places demands: region")
    ]


@pytest.mark.parametrize("value", ["*", " * ", "c1,*", "*,*"])
def test_the_match_all_value_is_refused_unless_it_is_allowed(value: str) -> None:
    allowed = ("AllowMatchAll", "AllowSeveralValues")
    rules = [rule for _, rule in broken(SALES, "AllowSeveralValues", customer=value)]
    assert rules == [
        "must not be the match-all value of customer in data set sales unless AllowMatchAll is true"
    ]
    assert broken(SALES, *allowed, customer=value) == []


def test_a_match_all_value_of_letters_is_refused_in_any_case() -> None:
    security = dashboard(data_set(MANAGER))
    assert broken(security, manager="all") and broken(security, manager="ALL")
    assert broken(security, manager="ALLEN") == broken(security, manager="*") == []


def test_the_delimiter_is_refused_unless_several_values_are_allowed() -> None:
    assert broken(SALES, "AllowMatchAll", customer="c1,c2") == [
        (
            "[0].Value",
            "must not hold the multi-value delimiter of customer in data set sales "
            "unless AllowSeveralValues is true",
        )
    ]
    assert broken(SALES, "AllowSeveralValues", customer="c1,c2") == []
    assert broken(dashboard(data_set(REGION)), region="c1,c2") == []


def test_the_rules_of_one_data_set_say_nothing_of_another_key() -> None:
    security = dashboard(data_set(CUSTOMER), data_set(REGION, name="places"))
    assert broken(security, customer="c", region="*") == []


def test_while_a_data_set_is_not_known_no_key_is_refused() -> None:
    lost = Unreadable(resource="dataset/gone", operation="DescribeDataSet", code="ResourceNotFound")
    security = dashboard(data_set(CUSTOMER), unreadable=(lost,))
    assert broken(security, customer="c", other="o") == []
    assert broken(security, other="o"), "what is known is still demanded"
    (problem,) = unreadable_problems(security)
    assert problem.place == "DashboardId"
    assert "dataset/gone" in problem.rule and "DescribeDataSet" in problem.rule
    assert [each.code for each in warnings_of(security, brings_tags=True)] == [
        "ROW_LEVEL_SECURITY_UNREADABLE"
    ]


def test_a_data_set_without_tag_rules_is_reported_to_who_brings_tags() -> None:
    security = dashboard(data_set(CUSTOMER), data_set(name="open"))
    (warning,) = warnings_of(security, brings_tags=True)
    assert (warning.code, warning.resource) == ("DATA_SET_WITHOUT_TAG_RULES", "dataset/open")
    assert warnings_of(security, brings_tags=False) == ()


def test_an_anonymous_users_tags_and_a_registered_users_none() -> None:
    tags = [{"Key": "k", "Value": "v"}]
    user = {"UserConfiguration": {"AnonymousUsers": [{"RowLevelPermissionTags": tags}]}}
    assert tags_of(user) == tags
    assert tags_of({"UserConfiguration": {"AnonymousUsers": [{}]}}) == []
    assert tags_of({"RegisteredUser": {"UserArn": "a"}}) is None


TEXTS = st.text("ab*,|A ", min_size=1, max_size=6)
RULES = st.builds(
    TagRule,
    key=st.sampled_from(["k1", "k2", "k3"]),
    delimiter=st.none() | st.sampled_from([",", "||"]),
    match_all=st.none() | st.sampled_from(["*", "ALL"]),
)


@given(
    st.lists(st.lists(RULES, min_size=1, max_size=3, unique_by=lambda rule: rule.key), max_size=3),
    st.dictionaries(st.sampled_from(["k1", "k2", "k3", "k4"]), TEXTS),
    st.sets(st.sampled_from(ALLOWANCES)),
)
def test_what_is_taken_restricts_every_data_set_by_one_value_of_each_demanded_key(
    data_sets: list[list[TagRule]], tags: dict[str, str], allows: set[str]
) -> None:
    """Against a second wording of the rules; and no refusal repeats a value."""
    security = dashboard(*[data_set(*rules, name=f"d{n}") for n, rules in enumerate(data_sets)])
    given_tags = [{"Key": key, "Value": f"§{value}§"} for key, value in tags.items()]
    for problem in judge(security, given_tags, allows):
        assert "§" not in problem.rule + problem.place
    found = judge(security, [{"Key": k, "Value": v} for k, v in tags.items()], allows)
    knows = {rule.key for rules in data_sets for rule in rules}
    meets = knows == tags.keys()
    for rules, key in product(data_sets, tags):
        for rule in (each for each in rules if each.key == key):
            parts = tags[key].split(rule.delimiter) if rule.delimiter else [tags[key]]
            alone = "AllowSeveralValues" in allows or len(parts) == 1
            wild = any(p.strip().casefold() == (rule.match_all or "§").casefold() for p in parts)
            meets &= alone and ("AllowMatchAll" in allows or not wild)
    assert (not found) == meets
