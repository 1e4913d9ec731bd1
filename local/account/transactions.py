"""A patch of ministack's DynamoDB (`ministack/services/dynamodb.py`)."""

from typing import Any

from local.account.patching import require_source, rewritten

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
