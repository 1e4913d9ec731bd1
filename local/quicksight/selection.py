"""Which rows a snapshot may show: row-level security, then parameters.

Row-level security by tags: every tag must allow the row, `*` allows all values of its key, and
without a tag, or with a key that the data set has no rule for, nothing is shown. A registered
user sees the customers whose manager has that name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.quicksight.dataset import Invoice

TAG_KEYS = ("customer_id", "region")

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
    tags: Sequence[Mapping[str, str]],
    user: str | None,
    parameters: Mapping[str, Sequence[Mapping[str, Any]]],
    only: Mapping[str, str],
) -> list[Invoice]:
    """The rows that the viewer may see, that the parameters ask for and the dashboard shows."""
    return [
        row
        for row in rows
        if _allowed(row, tags, user)
        and _asked_for(row, parameters)
        and all(getattr(row, column) == value for column, value in only.items())
    ]


def _allowed(row: Invoice, tags: Sequence[Mapping[str, str]], user: str | None) -> bool:
    if user is not None:
        return row.manager == user
    return bool(tags) and all(_tag_allows(row, tag["Key"], tag["Value"]) for tag in tags)


def _tag_allows(row: Invoice, key: str, value: str) -> bool:
    return key in TAG_KEYS and value in ("*", getattr(row, key))


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
