"""Queries of the embedded table answer as they did before they were made to read pages only."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.account import EmbeddedAws
from local.account.tables import Partition, items_in_reach

COUNT = 57
KEYS = [f"k{number:03}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with EmbeddedAws(tmp_path_factory.mktemp("tables")) as running:
        resource = running.client("dynamodb")
        resource.create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
        )
        for key in reversed(KEYS):
            resource.put_item(TableName="table", Item={"pk": {"S": "p"}, "sk": {"S": key}})
        yield resource


def ask(table: Any, condition: str = "pk = :pk", **more: Any) -> list[str]:
    """The sort keys of all pages; boto3's own `Limit` is the size of a page."""
    values = {":pk": {"S": "p"}} | more.pop("values", {})
    pages = table.get_paginator("query").paginate(
        TableName="table",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **more,
    )
    return [item["sk"]["S"] for page in pages for item in page["Items"]]


@pytest.mark.parametrize("size", [1, 7, COUNT, 100])
def test_pages_of_any_size_add_up_to_the_partition_in_order(table: Any, size: int) -> None:
    assert ask(table, Limit=size) == KEYS


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_up_to_a_key_stop_there(table: Any, size: int) -> None:
    values = {":k": {"S": "k010"}}
    assert ask(table, "pk = :pk AND sk <= :k", values=values, Limit=size) == KEYS[:11]
    assert ask(table, "pk = :pk AND sk < :k", values=values, Limit=size) == KEYS[:10]


def test_other_conditions_and_the_other_direction_see_everything(table: Any) -> None:
    first = {":k": {"S": "k050"}}
    assert ask(table, "pk = :pk AND sk >= :k", values=first, Limit=3) == KEYS[50:]
    assert ask(table, Limit=3, ScanIndexForward=False) == KEYS[::-1]
    assert ask(table) == KEYS


def test_one_page_has_its_limit_and_a_place_to_go_on(table: Any) -> None:
    answer = table.query(
        TableName="table",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "p"}},
        Limit=5,
    )
    assert [item["sk"]["S"] for item in answer["Items"]] == KEYS[:5]
    assert answer["LastEvaluatedKey"]["sk"]["S"] == KEYS[4]
    assert answer["ScannedCount"] == 5


def test_items_that_come_and_go_are_where_they_belong(table: Any) -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "k0005"}}
    table.put_item(TableName="table", Item=key)
    table.put_item(TableName="table", Item=key)
    assert ask(table, Limit=2) == sorted([*KEYS, "k0005"])
    table.delete_item(TableName="table", Key=key)
    table.delete_item(TableName="table", Key=key)
    assert ask(table, Limit=2) == KEYS


def test_a_query_looks_at_little_more_than_its_page() -> None:
    partition = Partition()
    for number in range(1000):
        partition[f"{number:04}"] = number
    query = {"KeyConditionExpression": "pk = :pk", "Limit": 3}
    assert items_in_reach(partition, query) == [0, 1, 2, 3, 4]
    del partition["0001"]
    assert items_in_reach(partition, query) == [0, 2, 3, 4, 5]
    assert len(items_in_reach(partition, query | {"ScanIndexForward": False})) == 999
