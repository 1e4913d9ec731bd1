"""Which rows a snapshot may show."""

from datetime import UTC, datetime
from typing import Any

from local.quicksight.dataset import Invoice, load_invoices
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from local.quicksight.selection import select_rows

EVERYBODY = (("customer_id", "*"),)


def select(
    tags: tuple[tuple[str, str], ...] = EVERYBODY, user: str | None = None, **parameters: Any
) -> list[Invoice]:
    entries = {
        kind: [{"Name": name, "Values": values} for name, values in named.items()]
        for kind, named in parameters.items()
    }
    return select_rows(
        load_invoices(),
        tags=[{"Key": key, "Value": value} for key, value in tags],
        user=user,
        parameters=entries,
        only={},
    )


def test_hundreds_of_customers_have_rows_in_every_dashboard() -> None:
    customers = {row.customer_id for row in load_invoices()}
    assert len(customers) >= 300
    for dashboard in SAMPLE_DASHBOARDS:
        rows = select_rows(
            load_invoices(),
            tags=[{"Key": "customer_id", "Value": "*"}],
            user=None,
            parameters={},
            only=dashboard.only,
        )
        assert {row.customer_id for row in rows} == customers


def test_a_tag_shows_its_customer_alone() -> None:
    rows = select((("customer_id", "cust-0007"),))
    assert rows
    assert {row.customer_id for row in rows} == {"cust-0007"}


def test_a_star_matches_every_value_of_its_key() -> None:
    assert select(EVERYBODY) == list(load_invoices())


def test_several_tags_must_all_allow_a_row() -> None:
    customer = load_invoices()[0]
    elsewhere = next(row.region for row in load_invoices() if row.region != customer.region)
    own = ("customer_id", customer.customer_id)
    assert select((own, ("region", customer.region))) == select((own,))
    assert select((own, ("region", elsewhere))) == []


def test_without_a_tag_or_with_an_unknown_key_nothing_is_shown() -> None:
    assert select(()) == []
    assert select((("manager", "*"),)) == []
    assert select((*EVERYBODY, ("planet", "*"))) == []
    assert select((("customer_id", "cust-9999"),)) == []


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
