"""DynamoDB's client in memory, as far as the project's adapters use it: for runs on virtual time.

moto does the same a hundred times slower. Items stay in DynamoDB's own JSON; what an expression
uses beyond the few forms here raises ValueError, so that nothing is answered by guessing.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

Item = dict[str, Any]
_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),+-]|[#:]?\w+)")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
_read: Any = TypeDeserializer().deserialize
_write: Any = TypeSerializer().serialize


class MemoryTable:
    """One table with keys `pk` and `sk`, answering as a boto3 DynamoDB client does."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Item] = {}
        self._order: dict[str, list[str]] = defaultdict(list)

    def get_item(self, *, Key: Item, **_: Any) -> Item:  # noqa: N803
        """GetItem."""
        found = self._items.get(_key(Key))
        return {"Item": dict(found)} if found else {}

    def put_item(self, *, Item: Item, **request: Any) -> Item:  # noqa: N803
        """PutItem."""
        self._check_one(_key(Item), request)
        self._put(Item)
        return {}

    def delete_item(self, *, Key: Item, **request: Any) -> Item:  # noqa: N803
        """DeleteItem."""
        self._check_one(_key(Key), request)
        self._delete(_key(Key))
        return {}

    def update_item(self, *, Key: Item, **request: Any) -> Item:  # noqa: N803
        """UpdateItem, which answers the item after it."""
        self._check_one(_key(Key), request)
        return {"Attributes": self._update(Key, request)}

    def transact_write_items(self, *, TransactItems: list[Item], **_: Any) -> Item:  # noqa: N803
        """TransactWriteItems: all or none."""
        reasons = []
        for write in TransactItems:
            ((_kind, request),) = write.items()
            holds = self._holds(_key(request.get("Key") or request["Item"]), request)
            reasons.append({"Code": "None" if holds else "ConditionalCheckFailed"})
        if any(reason["Code"] != "None" for reason in reasons):
            raise _error("TransactionCanceledException", CancellationReasons=reasons)
        for write in TransactItems:
            ((kind, request),) = write.items()
            if kind == "Put":
                self._put(request["Item"])
            elif kind == "Delete":
                self._delete(_key(request["Key"]))
            else:
                self._update(request["Key"], request)
        return {}

    def query(self, **request: Any) -> Item:
        """Query of one partition by its sort key, in one page up to the limit."""
        values = {
            name: _read(value) for name, value in request["ExpressionAttributeValues"].items()
        }
        condition = request["KeyConditionExpression"].removeprefix("pk = :pk").removeprefix(" AND ")
        keys = self._order[values[":pk"]]
        start, stop = 0, len(keys)
        if condition == "sk <= :sk":
            stop = bisect_right(keys, values[":sk"])
        elif condition == "sk < :sk":
            stop = bisect_left(keys, values[":sk"])
        elif condition == "begins_with(sk, :sk)":
            start = bisect_left(keys, values[":sk"])
            stop = bisect_left(keys, values[":sk"] + "\U0010ffff")
        elif condition:
            raise ValueError(condition)
        if after := request.get("ExclusiveStartKey"):
            start = max(start, bisect_right(keys, after["sk"]["S"]))
        chosen = keys[start:stop]
        if not request.get("ScanIndexForward", True):
            chosen.reverse()
        limit = request.get("Limit", len(chosen))
        page = chosen[:limit]
        answer: Item = {"Count": len(page)}
        if len(chosen) > limit:
            answer["LastEvaluatedKey"] = {"pk": {"S": values[":pk"]}, "sk": {"S": page[-1]}}
        if request.get("Select") != "COUNT":
            answer["Items"] = [dict(self._items[values[":pk"], sk]) for sk in page]
        return answer

    def _put(self, item: Item) -> None:
        pk, sk = _key(item)
        if (pk, sk) not in self._items:
            insort(self._order[pk], sk)
        self._items[pk, sk] = dict(item)

    def _delete(self, key: tuple[str, str]) -> None:
        if self._items.pop(key, None) is not None:
            self._order[key[0]].remove(key[1])

    def _update(self, key: Item, request: Item) -> Item:
        item = dict(self._items.get(_key(key), key))
        scope = _Scope(item, request)
        parts = _CLAUSE.split(request["UpdateExpression"])[1:]
        for clause, text in zip(parts[::2], parts[1::2], strict=True):
            for action in _split(text):
                scope.change(clause, action)
        self._put(scope.item)
        return scope.item

    def _check_one(self, key: tuple[str, str], request: Item) -> None:
        if not self._holds(key, request):
            raise _error("ConditionalCheckFailedException")

    def _holds(self, key: tuple[str, str], request: Item) -> bool:
        text = request.get("ConditionExpression")
        if not text:
            return True
        return _Scope(self._items.get(key, {}), request).holds(text)


class _Scope:
    """An item, and the names and values that an expression on it may use."""

    def __init__(self, item: Item, request: Item) -> None:
        self.item = dict(item)
        self._before = item
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
        self._values: Mapping[str, Item] = request.get("ExpressionAttributeValues", {})
        self._tokens: list[str] = []

    def holds(self, text: str) -> bool:
        """Whether a condition holds."""
        self._tokens = _TOKEN.findall(text)
        result = self._any()
        if self._tokens:
            raise ValueError(text)
        return result

    def change(self, clause: str, action: str) -> None:
        """One action of an update."""
        if clause == "REMOVE":
            self.item.pop(self._name(action), None)
        elif clause == "ADD":
            name, value = action.split()
            before = _read(self._before[name]) if name in self._before else Decimal(0)
            self.item[name] = _write(before + _read(self._values[value]))
        else:
            name, _, text = action.partition("=")
            self._tokens = _TOKEN.findall(text)
            value = self._operand()
            while self._tokens:
                sign = self._tokens.pop(0)
                other = self._operand()
                value = value + other if sign == "+" else value - other
            self.item[self._name(name.strip())] = _write(value)

    def _any(self) -> bool:
        result = self._all()
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            result = self._all() or result
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._tokens and self._tokens[0] == "AND":
            self._tokens.pop(0)
            result = self._one() and result
        return result

    def _one(self) -> bool:
        if self._tokens[0] == "(":
            self._take("(")
            result = self._any()
            self._take(")")
            return result
        if self._tokens[0] == "NOT":
            self._take("NOT")
            return not self._one()
        if self._tokens[0] == "attribute_type":
            self._take("attribute_type")
            self._take("(")
            name = self._name(self._tokens.pop(0))
            self._take(",")
            kind = _read(self._values[self._tokens.pop(0)])
            self._take(")")
            return kind in self._before.get(name, {})
        if self._tokens[0] in ("attribute_exists", "attribute_not_exists"):
            wanted = self._tokens.pop(0) == "attribute_exists"
            self._take("(")
            name = self._name(self._tokens.pop(0))
            self._take(")")
            return (name in self._before) is wanted
        left = self._operand()
        sign = self._tokens.pop(0)
        if sign == "IN":
            return left in self._list()
        right = self._operand()
        if left is None or right is None:
            return False
        match sign:
            case "=":
                return bool(left == right)
            case "<=":
                return bool(left <= right)
            case ">=":
                return bool(left >= right)
            case "<":
                return bool(left < right)
            case ">":
                return bool(left > right)
        raise ValueError(sign)

    def _list(self) -> list[Any]:
        self._take("(")
        found = [self._operand()]
        while self._tokens[0] == ",":
            self._tokens.pop(0)
            found.append(self._operand())
        self._take(")")
        return found

    def _operand(self) -> Any:
        token = self._tokens.pop(0)
        if token == "if_not_exists":
            self._take("(")
            name = self._name(self._tokens.pop(0))
            self._take(",")
            other = self._operand()
            self._take(")")
            return _read(self._before[name]) if name in self._before else other
        if token.startswith(":"):
            return _read(self._values[token])
        name = self._name(token)
        return _read(self._before[name]) if name in self._before else None

    def _name(self, token: str) -> str:
        token = token.strip()
        return self._names[token] if token.startswith("#") else token

    def _take(self, token: str) -> None:
        if self._tokens.pop(0) != token:
            raise ValueError(f"{token} expected")


def _split(text: str) -> Iterator[str]:
    """Actions of a clause: separated by commas outside of parentheses."""
    depth, begin = 0, 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield text[begin:place].strip()
            begin = place + 1
    yield text[begin:].strip()


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _error(code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, **more}
    return ClientError(answer, "DynamoDB")
