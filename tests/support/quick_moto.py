"""moto's DynamoDB without two habits that make the flow tests several times as long.

Before each write of a transaction moto copies the whole table, to have it back if the transaction
is cancelled. Here only the items that the transaction names are kept and put back. The rest of
moto's transaction runs as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_transact = DynamoDBBackend.transact_write_items


@contextmanager
def quick_moto() -> Iterator[None]:
    """Within it, transactions copy what they touch only."""
    with (
        patch.object(DynamoDBBackend, "transact_write_items", _transact_touching_few),
        patch.object(models, "copy", SimpleNamespace(deepcopy=_copy_no_table, copy=copy.copy)),
    ):
        yield


def read_partition(account: str, region: str, table: str, pk: str) -> dict[str, dict[str, Any]]:
    """A partition's items by sort key, as DynamoDB's JSON, straight from moto's memory."""
    items = dynamodb_backends[account][region].tables[table].items
    found: Mapping[Any, Any] = items.get(DynamoType({"S": pk}), {})
    return {sk.value: item.to_json()["Attributes"] for sk, item in found.items()}


def _copy_no_table(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)


def _transact_touching_few(self: Any, transact_items: list[dict[str, Any]]) -> None:
    kept = []
    for item in transact_items:
        (write,) = item.values()
        table = self.tables[write["TableName"]]
        key = write.get("Key") or write["Item"]
        pk, sk = (DynamoType(key[name]) for name in (table.hash_key_attr, table.range_key_attr))
        kept.append((table.items[pk], sk, copy.deepcopy(table.items[pk].get(sk))))
    try:
        _transact(self, transact_items)
    except Exception:
        for partition, sk, before in kept:
            if before is None:
                partition.pop(sk, None)
            else:
                partition[sk] = before
        raise
