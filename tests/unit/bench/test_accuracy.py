"""The bench of the forecast: its account in memory behaves, and a run tells what it should."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.accuracy import DASHBOARDS, run_once
from bench.memory_table import MemoryTable
from bench.virtual import LIMIT, VirtualAccount
from snapshot_export.adapters.table.dynamodb import Table, delete_of, put_of, update_of
from snapshot_export.errors import ConditionFailedError
from tests.support.messages import message


def test_a_run_is_told_within_a_fifth_and_kept_by_its_p95() -> None:
    run = run_once(3, 40)
    assert abs(run.error) < 0.2 and run.held and run.p50 < run.p95
    assert run == run_once(3, 40), "the same seed is the same run"


def test_twelve_run_at_most_and_every_export_ends() -> None:
    account = VirtualAccount(1, DASHBOARDS)
    for number in range(30):
        account.send(message(f"e-{number}", dashboard=DASHBOARDS[number % 10]))
    account.run()
    assert account.quicksight.peak == LIMIT and account.quicksight.refused == 0
    ends = [account.services.store.export(f"e-{number}") for number in range(30)]
    assert {end.status.value for end in ends if end} == {"COMPLETED"} and all(ends)
    assert account.services.store.gate().running == 0


@pytest.fixture
def table() -> Table:
    client: Any = MemoryTable()
    return Table(client, "t", lambda _: None)


def test_a_transaction_in_memory_writes_all_or_nothing(table: Table) -> None:
    table.write(put_of(("p", "a"), {"count": 1}))
    once = put_of(("p", "b"), {"x": 1}, condition="attribute_not_exists(pk)")
    add = update_of(("p", "a"), "SET #count = #count + :one", values={":one": 1})
    table.transact([once, add])
    with pytest.raises(ConditionFailedError) as failed:
        table.transact([add, once])
    assert failed.value.failed == (1,)
    assert table.get(("p", "a")) == {"pk": "p", "sk": "a", "count": 2}


def test_conditions_and_updates_in_memory_are_dynamodbs(table: Table) -> None:
    key = ("p", "a")
    table.update(update_of(key, "SET n = if_not_exists(n, :zero) + :two, gone = :two",
                           values={":zero": 0, ":two": 2}))  # fmt: skip
    either = "(attribute_not_exists(n) OR n <= :two) AND n > :two OR n = :two"
    text = "ADD n :two SET at = :two REMOVE gone"
    table.update(update_of(key, text, values={":two": 2}, condition=either))
    assert table.get(key) == {"pk": "p", "sk": "a", "n": 4, "at": 2}
    for condition in ("n = :two", "nothing = :two", "n IN (:two)", "attribute_exists(gone)"):
        with pytest.raises(ConditionFailedError):
            table.write(delete_of(key, condition=condition, values={":two": 2}))
    with pytest.raises((ValueError, IndexError, ClientError)):
        table.update(update_of(key, "SET n = :two", values={":two": 2}, condition="size(n) > :two"))


def test_a_partition_in_memory_is_read_in_order_and_in_pages(table: Table) -> None:
    for name in ("c", "a", "b", "ab"):
        table.write(put_of(("p", name), {}))
    assert [item["sk"] for item in table.query("p")] == ["a", "ab", "b", "c"]
    assert [item["sk"] for item in table.query("p", limit=2, last_first=True)] == ["c", "b"]
    assert [item["sk"] for item in table.query("p", up_to="b", after="a")] == ["ab", "b"]
    assert [item["sk"] for item in table.query("p", prefix="a")] == ["a", "ab"]
    assert table.count("p", before="b", most=10) == 2 and table.count("p", before="b", most=1) == 1
