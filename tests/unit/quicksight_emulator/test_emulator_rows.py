"""Which rows a snapshot may show."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from local.quicksight.catalogue import DataSet
from local.quicksight.dataset import Invoice, load_invoices
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS, SAMPLE_DATA_SETS
from local.quicksight.selection import UnfulfilledTags, select_rows
from tests.unit.quicksight_emulator.support import Caller, Clock

EVERYBODY = (("customer_id", "*"),)
DATA_SETS = {each.data_set_id: each for each in SAMPLE_DATA_SETS}
SALES, PLACES = DATA_SETS["sales"], DATA_SETS["places"]
CUSTOMER = load_invoices()[0]
ELSEWHERE = next(row.region for row in load_invoices() if row.region != CUSTOMER.region)
OWN = ("customer_id", CUSTOMER.customer_id)


def select(
    tags: tuple[tuple[str, str], ...] = EVERYBODY,
    user: str | None = None,
    data_set: DataSet = SALES,
    unfulfilled: UnfulfilledTags = "SHOW_EVERYTHING",
    **parameters: Any,
) -> list[Invoice]:
    entries = {
        kind: [{"Name": name, "Values": values} for name, values in named.items()]
        for kind, named in parameters.items()
    }
    return select_rows(
        load_invoices(),
        data_set=data_set,
        tags=[{"Key": key, "Value": value} for key, value in tags],
        user=user,
        parameters=entries,
        only={},
        unfulfilled=unfulfilled,
    )


def test_hundreds_of_customers_have_rows_in_every_dashboard() -> None:
    customers = {row.customer_id for row in load_invoices()}
    assert len(customers) >= 300
    for dashboard in SAMPLE_DASHBOARDS:
        rows = select_rows(
            load_invoices(),
            data_set=SALES,
            tags=[{"Key": "customer_id", "Value": "*"}],
            user=None,
            parameters={},
            only=dashboard.only,
        )
        assert {row.customer_id for row in rows} == customers


@pytest.mark.parametrize("data_set", SAMPLE_DATA_SETS, ids=lambda each: each.data_set_id)
def test_a_tag_shows_its_customer_alone(data_set: DataSet) -> None:
    rows = select((("customer_id", "cust-0007"),), data_set=data_set)
    assert rows
    assert {row.customer_id for row in rows} == {"cust-0007"}
    assert select((("customer_id", "cust-9999"),), data_set=data_set) == []


def test_the_match_all_value_and_the_delimiter_are_those_of_the_rule() -> None:
    assert select(EVERYBODY) == list(load_invoices())
    two = select((("customer_id", "cust-0007,cust-0008"),))
    assert {row.customer_id for row in two} == {"cust-0007", "cust-0008"}
    assert select(EVERYBODY, data_set=PLACES) == []
    assert select((("customer_id", "cust-0007,cust-0008"),), data_set=PLACES) == []


def test_keys_of_one_configuration_must_all_allow_a_row_and_of_several_any() -> None:
    both = (OWN, ("region", ELSEWHERE))
    assert select(both, data_set=replace(SALES, configurations=())) == []
    assert select(both, data_set=replace(SALES, configurations=(("customer_id", "region"),))) == []
    alternatives = replace(SALES, configurations=(("customer_id",), ("region",)))
    shown = select(both, data_set=alternatives)
    assert {row.region for row in shown} == {CUSTOMER.region, ELSEWHERE}


@pytest.mark.parametrize(
    "tags", [(), (("region", "EMEA"),), (("planet", "*"),)], ids=["none", "too-few", "unknown"]
)
def test_tags_that_fulfil_no_rule_show_nothing_or_everything(
    tags: tuple[tuple[str, str], ...],
) -> None:
    assert select(tags, unfulfilled="SHOW_NOTHING") == []
    assert select(tags, unfulfilled="SHOW_EVERYTHING") == list(load_invoices())


def test_an_unknown_key_beside_a_known_one_shows_nothing_or_is_passed_over() -> None:
    tags = (OWN, ("planet", "*"))
    assert select(tags, unfulfilled="SHOW_NOTHING") == []
    assert select(tags, unfulfilled="SHOW_EVERYTHING") == select((OWN,))


@pytest.mark.parametrize(
    "data_set", [replace(SALES, rules=()), replace(SALES, status="DISABLED")], ids=["none", "off"]
)
def test_a_data_set_without_enabled_rules_shows_every_row_whatever_the_tags(
    data_set: DataSet,
) -> None:
    for unfulfilled in get_args(UnfulfilledTags):
        shown = select((OWN,), data_set=data_set, unfulfilled=unfulfilled)
        assert shown == list(load_invoices())


def test_a_job_of_a_dashboard_whose_data_set_is_gone_fails(caller: Caller, clock: Clock) -> None:
    caller.emulator.delete_data_set("sales")
    assert caller.start().error is None
    clock.advance(600)
    job = caller.describe().body
    assert job["JobStatus"] == "FAILED"
    assert caller.result().body["ErrorInfo"]["ErrorType"] == "DATASET_DELETED"


def test_a_registered_user_sees_the_customers_he_manages() -> None:
    rows = select((), user="manager-3")
    assert {row.manager for row in rows} == {"manager-3"}
    assert select((), user="nobody") == []


def test_values_of_one_parameter_are_alternatives_and_parameters_narrow() -> None:
    regions = select(StringParameters={"Region": ["EMEA", "APAC"]})
    assert {row.region for row in regions} == {"EMEA", "APAC"}
    both = select(
        StringParameters={"Region": ["EMEA"]},
        IntegerParameters={"Year": [2024]},
        DecimalParameters={"MinAmount": [2500.5]},
    )
    assert {(row.region, row.year) for row in both} == {("EMEA", 2024)}
    assert min(row.amount for row in both) >= 2500


def test_dates_bound_the_rows_on_both_sides() -> None:
    start, end = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 31, tzinfo=UTC)
    rows = select(DateTimeParameters={"From": [start.timestamp()], "To": [end.timestamp()]})
    assert rows == [row for row in load_invoices() if start <= row.time <= end]
    moment = [rows[0].time.timestamp()]
    assert rows[0] in select(DateTimeParameters={"From": moment, "To": moment})


def test_unknown_parameters_and_parameters_without_values_do_not_filter() -> None:
    everything = select()
    assert select(StringParameters={"Colour": ["red"]}) == everything
    assert select(StringParameters={"Region": []}) == everything
