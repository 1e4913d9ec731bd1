"""Which rows a snapshot may show: row-level security, then parameters.

Row-level security by tags is the data set's (RowLevelPermissionTagConfiguration): a row is shown
if one of its configurations, all of whose keys are assigned, allows it with every key. A data set
without enabled rules shows every row, whatever the tags. What tags show that fulfil no
configuration, or have a key without a rule, a setting says. A registered user sees the customers
whose manager has that name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from local.quicksight.catalogue import DataSet, TagRule
from local.quicksight.dataset import Invoice

UnfulfilledTags = Literal["SHOW_NOTHING", "SHOW_EVERYTHING"]

_PARAMETERS: dict[tuple[str, str], Callable[[Invoice, Any], bool]] = {
    ("StringParameters", "Region"): lambda row, value: row.region == value,
    ("IntegerParameters", "Year"): lambda row, value: row.year == value,
    ("DecimalParameters", "MinAmount"): lambda row, value: float(row.amount) >= value,
    ("DateTimeParameters", "From"): lambda row, value: row.time >= _time(value),
    ("DateTimeParameters", "To"): lambda row, value: row.time <= _time(value),
}


def select_rows(
    rows: Iterable[Invoice],
    *,
    data_set: DataSet,
    tags: Sequence[Mapping[str, str]],
    user: str | None,
    parameters: Mapping[str, Sequence[Mapping[str, Any]]],
    only: Mapping[str, str],
    unfulfilled: UnfulfilledTags = "SHOW_EVERYTHING",
) -> list[Invoice]:
    """The rows that the viewer may see, that the parameters ask for and the dashboard shows."""
    if user is not None:
        allows: Callable[[Invoice], bool] = lambda row: row.manager == user  # noqa: E731
    else:
        allows = _allowed_by_tags(data_set, {tag["Key"]: tag["Value"] for tag in tags}, unfulfilled)
    return [
        row
        for row in rows
        if allows(row)
        and _asked_for(row, parameters)
        and all(getattr(row, column) == value for column, value in only.items())
    ]


def _allowed_by_tags(
    data_set: DataSet, tags: Mapping[str, str], unfulfilled: UnfulfilledTags
) -> Callable[[Invoice], bool]:
    if not data_set.is_restricted:
        return lambda _row: True
    rules = {rule.tag_key: rule for rule in data_set.rules}
    configurations = data_set.configurations or (tuple(rules),)
    fulfilled = [keys for keys in configurations if all(key in tags for key in keys)]
    if unfulfilled == "SHOW_NOTHING" and any(key not in rules for key in tags):
        fulfilled = []
    if not fulfilled:
        return lambda _row: unfulfilled == "SHOW_EVERYTHING"
    return lambda row: any(
        all(_tag_allows(row, rules[key], tags[key]) for key in keys) for keys in fulfilled
    )


def _tag_allows(row: Invoice, rule: TagRule, value: str) -> bool:
    if rule.match_all and value == rule.match_all:
        return True
    values = value.split(rule.delimiter) if rule.delimiter else [value]
    return getattr(row, rule.column) in values


def _asked_for(row: Invoice, parameters: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    """Several values of a parameter mean any of them; unknown names and no values no filter.

    [? parameters-filter]
    """
    return all(
        any(matches(row, value) for value in values)
        for (kind, name), matches in _PARAMETERS.items()
        if (values := _values(parameters.get(kind, ()), name))
    )


def _values(entries: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [value for entry in entries if entry["Name"] == name for value in entry["Values"]]


def _time(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
