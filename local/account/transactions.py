"""Patches of ministack's DynamoDB (`ministack/services/dynamodb.py`): writes are atomic."""

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any

from local.account.patching import require_source, rewritten

_CALLS = (
    "_put_item",
    "_get_item",
    "_delete_item",
    "_update_item",
    "_query",
    "_batch_get_item",
    "_batch_write_item",
    "_transact_get_items",
    "_transact_write_items",
)
_SIGNATURE = '{k: v for k, v in data.items() if k != "ClientRequestToken"}'


def know_repeated_transactions(dynamodb: Any) -> None:
    """Answer the repeat of a transaction like the first, whatever numbers it writes.

    Upstream keeps a transaction beside its ClientRequestToken by reference, and then writes its
    numbers anew in place (`0.0` as `0`): the repeat of a call whose answer was lost is refused as
    IdempotentParameterMismatchException.
    """
    upstream = dynamodb._transact_write_items
    require_source("_transact_write_items", upstream, "d931eab087546b66")
    dynamodb._transact_write_items = rewritten(
        upstream, {_SIGNATURE: f"copy.deepcopy({_SIGNATURE})"}
    )


def serialize_calls(dynamodb: Any) -> None:
    """Let a call see no other one half done, and none overwrite what another wrote meanwhile.

    Upstream serves the API from one thread, but Step Functions' own calls of DynamoDB from a
    thread for each execution: two updates of one item then start from the same state, and the
    second undoes the first.
    """
    lock = RLock()
    for name in _CALLS:
        setattr(dynamodb, name, _holding(lock, getattr(dynamodb, name)))


def _holding(lock: RLock, upstream: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(upstream)
    def call(data: Any) -> Any:
        with lock:
            return upstream(data)

    return call
