"""moto without habits that make the flow tests several times as long.

Before each write of a transaction moto copies the whole table, to have it back if the transaction
is cancelled. Here only the items that the transaction names are kept and put back. The rest of
moto's transaction runs as it is.

For each query moto sorts all items of the table. Here a query of the table itself sees the one
partition that it asks for.

Of each attribute value in an answer moto looks for all ten members under all of their names, and
for each call it lists the methods of a service anew. Here a value that is its one member is sent as
it is, and the methods are listed once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from inspect import Signature
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.core import responses
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_query = Table.query
_of_query = Signature.from_callable(_query)
_transact = DynamoDBBackend.transact_write_items
_serialize_structure = BaseJSONSerializer._serialize_type_structure
_PLAIN = frozenset({"S", "N", "BOOL", "NULL"})
"""Types of attribute values whose JSON is what moto keeps."""


@contextmanager
def quick_moto() -> Iterator[None]:
    """Within it, transactions copy what they touch only, and answers are written quickly."""
    with (
        patch.object(BaseJSONSerializer, "_serialize_type_structure", _serialize_plain_values),
        patch.object(responses, "method_names_from_class", cache(method_names_from_class)),
        patch.object(Table, "query", _query_one_partition),
        patch.object(DynamoDBBackend, "transact_write_items", _transact_touching_few),
        patch.object(models, "copy", SimpleNamespace(deepcopy=_copy_no_table, copy=copy.copy)),
    ):
        yield


def read_partition(account: str, region: str, table: str, pk: str) -> dict[str, dict[str, Any]]:
    """A partition's items by sort key, as DynamoDB's JSON, straight from moto's memory."""
    items = dynamodb_backends[account][region].tables[table].items
    found: Mapping[Any, Any] = items.get(DynamoType({"S": pk}), {})
    return {sk.value: item.to_json()["Attributes"] for sk, item in found.items()}


def read_table(account: str, region: str, table: str) -> list[dict[str, Any]]:
    """All items of a table, as plain values, straight from moto's memory."""
    return [
        {name: next(iter(each.to_json().values())) for name, each in item.attrs.items()}
        for partition in dynamodb_backends[account][region].tables[table].items.values()
        for item in partition.values()
    ]


def _serialize_plain_values(
    self: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str
) -> None:
    if shape.name == "AttributeValue" and _is_json(value):
        serialized[key] = value
    else:
        _serialize_structure(self, serialized, value, shape, key)


def _query_one_partition(self: Any, *arguments: Any, **more: Any) -> Any:
    given = _of_query.bind(self, *arguments, **more).arguments
    every, key = self.items, given["hash_key"]
    if given.get("index_name") is None:
        self.items = {key: every[key]} if key in every else {}
    try:
        return _query(self, *arguments, **more)
    finally:
        self.items = every


def _is_json(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    if kind == "M" and isinstance(content, dict):
        return all(map(_is_json, content.values()))
    if kind == "L" and isinstance(content, list):
        return all(map(_is_json, content))
    return kind in _PLAIN


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
