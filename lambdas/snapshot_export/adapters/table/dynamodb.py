"""DynamoDB as this project uses it: strongly consistent reads, conditional writes, transactions."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.adapters.aws_errors import AWS_ERRORS, code_of
from snapshot_export.errors import (
    ConditionFailedError,
    NewerRecordError,
    SnapshotExportError,
    TransientError,
    UnreadableRecordError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFLICT_RETRIES = 12
CONFLICT_WAIT_SECONDS = 0.05
_REFUSED = {"ValidationError", "ItemCollectionSizeLimitExceeded"}
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

Key = tuple[str, str]
Item = dict[str, Any]
Record = TypeVar("Record")

logger = Logger(child=True)


class Table:
    """One table with keys `pk` and `sk`. Every error of AWS leaves as one of ours."""

    def __init__(self, client: DynamoDBClient, name: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, key: Key) -> Item | None:
        """Strongly consistent read of one item."""
        answer = self._call(
            "get_item", TableName=self._name, Key=_marshal_key(key), ConsistentRead=True
        )
        item = answer.get("Item")
        return _unmarshal(item) if item else None

    def query(
        self,
        pk: str,
        *,
        up_to: str | None = None,
        prefix: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        after: str | None = None,
        last_first: bool = False,
    ) -> Iterator[Item]:
        """Strongly consistent read of a partition in key order, at most `limit` items.

        `after` is the sort key to begin behind; `last_first` turns the order round; `page` is how
        many are read at a time, as far as the caller goes.
        """
        condition, values = "pk = :pk", {":pk": pk}
        if up_to is not None:
            condition, values = f"{condition} AND sk <= :sk", values | {":sk": up_to}
        if prefix is not None:
            condition, values = f"{condition} AND begins_with(sk, :sk)", values | {":sk": prefix}
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": marshal(values),
            "ConsistentRead": True,
            "ScanIndexForward": not last_first,
        }
        if after is not None:
            request["ExclusiveStartKey"] = _marshal_key((pk, after))
        if page is not None:
            request["Limit"] = page
        for answer in self._pages(request, limit):
            yield from map(_unmarshal, answer["Items"])

    def readable(self, items: Iterable[Item], read: Callable[[Item], Record]) -> Iterator[Record]:
        """What `read` makes of the items; one that it cannot read is reported and left out."""
        for item in items:
            try:
                yield read(item)
            except (NewerRecordError, UnreadableRecordError) as error:
                report_unreadable(item, error)

    def get_many(self, keys: Sequence[Key], attributes: Sequence[str] = ()) -> list[Item]:
        """Strongly consistent read of up to 100 items, in no order; those that exist."""
        names = {f"#a{index}": name for index, name in enumerate(attributes)}
        chosen: Item = {"ConsistentRead": True}
        if names:
            chosen |= {
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        rest = [_marshal_key(key) for key in keys]
        found: list[Item] = []
        for attempt in range(CONFLICT_RETRIES):
            answer = self._call(
                "batch_get_item", RequestItems={self._name: chosen | {"Keys": rest}}
            )
            found += map(_unmarshal, answer["Responses"].get(self._name, []))
            rest = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if not rest:
                return found
            self._wait_after(attempt)
        raise TransientError("DynamoDB: items of a batch stayed unread")

    def count(self, pk: str, *, before: str, most: int) -> int:
        """How many items of a partition lie before a sort key, at most `most`.

        Eventually consistent, at 1 read unit for each 8 KB of items counted.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND sk < :sk",
            "ExpressionAttributeValues": marshal({":pk": pk, ":sk": before}),
            "Select": "COUNT",
        }
        return sum(int(answer["Count"]) for answer in self._pages(request, most))

    def query_index(
        self, index: str, key: tuple[str, str], between: tuple[str, str], *, page: int
    ) -> Iterator[Item]:
        """Items of one value of an index whose key `listed_at` lies between two, last first.

        `key` is the name and value of its partition key. Eventually consistent; a page is read
        when the items before it are used up.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": "#key = :key AND listed_at BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#key": key[0]},
            "ExpressionAttributeValues": marshal(
                {":key": key[1], ":first": between[0], ":last": between[1]}
            ),
            "ScanIndexForward": False,
            "Limit": page,
        }
        for answer in self._pages(request):
            yield from map(_unmarshal, answer["Items"])

    def _pages(self, request: dict[str, Any], limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The answers to a query, as far as the caller goes, of at most `limit` items together."""
        found = 0
        while limit is None or found < limit:
            rest = {} if limit is None else {"Limit": limit - found}
            answer = self._call("query", **request | rest)
            yield answer
            found += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return
            request = request | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def update(self, write: Item) -> Item:
        """One conditional update (made by `update_of`); answers the attributes after it.

        Raises ConditionFailedError.
        """
        request = write["Update"] | {"TableName": self._name, "ReturnValues": "ALL_NEW"}
        return _unmarshal(self._call("update_item", **request)["Attributes"])

    def write(self, write: Item) -> None:
        """One conditional put or delete. Raises ConditionFailedError."""
        ((kind, request),) = write.items()
        self._call(f"{kind.lower()}_item", **request, TableName=self._name)

    def transact(self, writes: Sequence[Item]) -> None:
        """All writes or none. Conflicts with other transactions are tried again, with jitter.

        Raises ConditionFailedError with the positions of the writes whose condition failed.
        boto3 sends a ClientRequestToken, so its own repeats after a lost answer change nothing.
        """
        named = [
            {kind: request | {"TableName": self._name} for kind, request in write.items()}
            for write in writes
        ]
        for attempt in range(CONFLICT_RETRIES):
            try:
                self._client.transact_write_items(TransactItems=named)  # type: ignore[arg-type]
                return
            except ClientError as error:
                codes = [
                    reason.get("Code", "None")
                    for reason in error.response.get("CancellationReasons", [])
                ]
                failed = tuple(
                    i for i, code in enumerate(codes) if code == "ConditionalCheckFailed"
                )
                if failed:
                    raise ConditionFailedError("transaction", failed) from None
                refused = tuple(i for i, code in enumerate(codes) if code in _REFUSED)
                if refused:
                    raise WriteRefusedError("DynamoDB: ValidationError", refused) from None
                if not (_PASSING & set(codes)) and code_of(error) not in (
                    "TransactionConflictException",
                    "TransactionInProgressException",
                ):
                    raise _translate(error) from None
            except BotoCoreError as error:
                raise _translate(error) from None
            self._wait_after(attempt)
        raise TransientError("DynamoDB: the transaction kept conflicting")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        """One call, which a transaction on the same item can get in the way of: then again."""
        for attempt in range(CONFLICT_RETRIES):
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**request)
                return answer
            except AWS_ERRORS as error:
                if code_of(error) != "TransactionConflictException":
                    raise _translate(error) from None
            self._wait_after(attempt)
        raise TransientError("DynamoDB: the item kept being in transactions")

    def _wait_after(self, attempt: int) -> None:
        self._sleep(random.uniform(0.2, 1.0) * CONFLICT_WAIT_SECONDS * 2 ** min(attempt, 5))


def report_unreadable(item: Item, error: SnapshotExportError) -> None:
    """Ids and places only: a key has no value of a request."""
    logger.error("record left out", reason=str(error), pk=item["pk"], sk=item["sk"])


def put_of(
    key: Key,
    attributes: Mapping[str, Any],
    *,
    condition: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Item:
    """A put; `condition` in DynamoDB's language with `values` such as {":a": 1}."""
    request: Item = {"Item": _marshal_key(key) | marshal(attributes)}
    return {"Put": request | _conditional(condition, values or {})}


def delete_of(
    key: Key, *, condition: str | None = None, values: Mapping[str, Any] | None = None
) -> Item:
    """A delete, conditional if a condition is given."""
    return {"Delete": {"Key": _marshal_key(key)} | _conditional(condition, values or {})}


def update_of(
    key: Key,
    expression: str,
    values: Mapping[str, Any],
    *,
    condition: str | None = None,
) -> Item:
    """A conditional update. A reserved word of DynamoDB's is written with `#` before it."""
    request: Item = {"Key": _marshal_key(key), "UpdateExpression": expression}
    return {"Update": request | _conditional(condition, values, expression)}


def assigning(changes: Mapping[str, Any]) -> tuple[str, Item]:
    """The expression, with its values, that sets attributes, and removes those that are None."""
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    removes = [f"#{name}" for name, value in changes.items() if value is None]
    clauses = (("SET", sets), ("REMOVE", removes))
    expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)
    return expression, {f":{name}": value for name, value in changes.items()}


def _conditional(condition: str | None, values: Mapping[str, Any], expression: str = "") -> Item:
    part: Item = {"ConditionExpression": condition} if condition else {}
    if marshalled := marshal(values):
        part["ExpressionAttributeValues"] = marshalled
    if names := re.findall(r"#(\w+)", f"{expression} {condition}"):
        part["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    return part


def marshal(values: Mapping[str, Any]) -> Item:
    """Plain values as DynamoDB's; None is left out."""
    serialize = TypeSerializer().serialize
    return {k: serialize(_with_decimals(v)) for k, v in values.items() if v is not None}


def _marshal_key(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _with_decimals(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(round(value, 6)))
    if isinstance(value, Mapping):
        return {k: _with_decimals(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_with_decimals(v) for v in value]
    return value


def _unmarshal(item: Mapping[str, Any]) -> Item:
    deserialize = TypeDeserializer().deserialize
    return {k: _without_decimals(deserialize(v)) for k, v in item.items()}


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {k: _without_decimals(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_decimals(v) for v in value]
    return value


def _translate(error: Exception) -> Exception:
    code = code_of(error)
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError("condition", (0,))
    if code == "ValidationException":
        return WriteRefusedError(f"DynamoDB: {code}")
    return TransientError(f"DynamoDB: {code}")
