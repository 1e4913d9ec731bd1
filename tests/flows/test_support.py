"""What the flow tests rest on: moto's transactions, and the check of promise 1."""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import delete_of, put_of, update_of
from snapshot_export.errors import ConditionFailedError
from tests.support.messages import message
from tests.support.world import World


def test_a_cancelled_transaction_leaves_every_item_as_it_was(world: World) -> None:
    table = world.services.store._table
    before: dict[str, Any] = {"count": 1, "nested": {"list": [1, 2], "text": "as it was"}}
    for sk in ("changed", "deleted", "counted", "replaced"):
        table.write(put_of(("p", sk), before))
    writes = [
        update_of(("p", "changed"), "SET nested.#text = :text", values={":text": "changed"}),
        delete_of(("p", "deleted")),
        update_of(("p", "counted"), "ADD #count :one", values={":one": 1}),
        put_of(("p", "replaced"), {"count": 5}),
        put_of(("p", "new"), {"count": 6}),
    ]  # fmt: skip
    refused = put_of(("p", "refused"), {}, condition="attribute_exists(pk)")

    with pytest.raises(ConditionFailedError) as failure:
        table.transact([*writes, refused])

    assert failure.value.failed == (5,)
    found = list(table.query("p"))
    assert [item["sk"] for item in found] == ["changed", "counted", "deleted", "replaced"]
    assert [{k: v for k, v in item.items() if k not in ("pk", "sk")} for item in found] == [
        before
    ] * 4
    table.transact(writes)
    after = {item["sk"]: item for item in table.query("p")}
    assert after["changed"]["nested"]["text"] == "changed"
    assert [after[sk]["count"] for sk in ("counted", "replaced", "new")] == [2, 5, 6]
    assert "deleted" not in after


@pytest.mark.parametrize(("running", "limit"), [(0, 12), (2, 12), (1, 0)])
def test_a_counter_that_differs_from_the_leases_or_passes_the_limit_is_seen(
    world: World, running: int, limit: int
) -> None:
    world.send(message("one"))
    world.check_invariants()
    values = {":running": running, ":limit": limit}
    text = "SET running = :running, #limit = :limit"
    world.services.store._table.update(update_of(world.keys.gate, text, values=values))

    with pytest.raises(AssertionError):
        world.check_invariants()
