"""A patch of ministack's DynamoDB: a query reads its page, not its partition.

Upstream (`ministack/services/dynamodb.py`) lists, sorts and tests all items of the partition for
each query: 2 s of the server's one loop with 100,000 waiting exports, where DynamoDB reads from
the first key on. Here a partition keeps its keys in order, and a query that asks for the first so
many items is shown those only. Upstream then judges them as before.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Mapping
from itertools import islice
from typing import Any

from local.account.patching import require_source, rewritten

_FROM_THE_FRONT = re.compile(r"\s*#?\w+ = :\w+(\s+AND\s+#?\w+ <=? :\w+)?\s*")
"""The whole partition, or up to a key: whoever is beyond the first items is beyond the page."""


class Partition(dict[str, Any]):
    """The items of one partition by sort key, and the keys in order."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def __setitem__(self, key: str, item: Any) -> None:
        if key not in self:
            insort(self.order, key)
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self.order[bisect_left(self.order, key)]

    def pop(self, key: str, *default: Any) -> Any:
        """As of a dict."""
        if key not in self:
            return super().pop(key, *default)
        del self.order[bisect_left(self.order, key)]
        return super().pop(key)

    def __reduce__(self) -> Any:
        """Copies are for backups: a plain dict."""
        return dict, (dict(self),)


def items_in_reach(partition: Mapping[str, Any], data: Mapping[str, Any]) -> list[Any]:
    """The items that can be on the page that a query asks for, and some more; all if unsure."""
    limit = data.get("Limit")
    if (
        not isinstance(partition, Partition)
        or limit is None
        or data.get("ScanIndexForward") is False
        or not _FROM_THE_FRONT.fullmatch(str(data.get("KeyConditionExpression") or ""))
    ):
        return list(partition.values())
    begin = 0
    if last := data.get("ExclusiveStartKey"):
        sort_keys = [value["S"] for value in last.values() if value.get("S") in partition]
        if len(sort_keys) != 1:
            return list(partition.values())
        begin = bisect_left(partition.order, sort_keys[0])
    keys = islice(partition.order, begin, begin + int(limit) + 2)
    return [partition[key] for key in keys]


def read_pages_only(dynamodb: Any) -> None:
    """Make queries of a table cost what their page costs; numbers as sort keys stay upstream's."""
    require_source("_query", dynamodb._query, "50c2e7ec69e93ea3")
    require_source("_set_item", dynamodb._set_item, "4e78ad492132cdba")
    dynamodb._embedded_items_in_reach = items_in_reach
    dynamodb._embedded_new_partition = _new_partition
    dynamodb._query = rewritten(
        dynamodb._query,
        {
            'candidates = list(table["items"].get(pk_val, {}).values())': (
                'candidates = _embedded_items_in_reach(table["items"].get(pk_val, {}), data)'
            )
        },
    )
    dynamodb._set_item = rewritten(
        dynamodb._set_item,
        {
            'table["items"].setdefault(pk_val, {})[sk_val] = item': (
                'if pk_val not in table["items"]:\n'
                '        table["items"][pk_val] = _embedded_new_partition(table)\n'
                '    table["items"][pk_val][sk_val] = item'
            )
        },
    )


def _new_partition(table: Mapping[str, Any]) -> dict[str, Any]:
    name = table.get("sk_name")
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    return Partition() if name and types.get(name) == "S" else {}
