"""The fault proxy before the embedded account: its faults look to boto3 as AWS's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from local.account import EmbeddedAws
from local.account.clients import make_bucket, make_client
from tests.chaos.stack.fault_proxy import FaultProxy
from tests.chaos.stack.faults import AWS_FAULTS, OUTAGES, Fault


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultProxy]:
    folder = tmp_path_factory.mktemp("proxied")
    with (
        EmbeddedAws(folder) as aws,
        FaultProxy("proxy", aws.endpoint_url, state_dir=folder, seed=1) as running,
    ):
        make_bucket(aws.client("s3"), "bucket")
        aws.client("dynamodb").create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        yield running


@pytest.fixture(autouse=True)
def calm(proxy: FaultProxy) -> None:
    proxy.calm()


def client(proxy: FaultProxy, service: str) -> Any:
    """A client that repeats a call, as boto3 does by itself, less often."""
    return make_client(service, proxy.url, attempts=3)


def test_calls_pass_unchanged_while_nothing_strikes(proxy: FaultProxy) -> None:
    s3 = client(proxy, "s3")
    s3.put_object(Bucket="bucket", Key="passed", Body=b"abc")
    assert s3.head_object(Bucket="bucket", Key="passed")["ContentLength"] == 3


@pytest.mark.parametrize("operation", ["put_object", "head_object"])
def test_a_lost_answer_is_lost_whole_and_boto3_repeats_the_call(
    proxy: FaultProxy, operation: str
) -> None:
    s3 = client(proxy, "s3")
    s3.put_object(Bucket="bucket", Key="lost", Body=b"abc")
    proxy.strike([Fault(service="s3", share=0.5)], in_turn=True)
    body = {"Body": b"abcd"} if operation == "put_object" else {}

    answer = getattr(s3, operation)(Bucket="bucket", Key="lost", **body)

    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert proxy.strikes()["s3 answer lost"] >= 1


def test_a_call_whose_answer_is_lost_has_taken_effect(proxy: FaultProxy) -> None:
    table = client(proxy, "dynamodb")
    proxy.strike([Fault(service="dynamodb", operation="PutItem", share=1.0)], in_turn=True)

    with pytest.raises(ConnectionClosedError):
        table.put_item(TableName="table", Item={"pk": {"S": "there"}})

    assert table.get_item(TableName="table", Key={"pk": {"S": "there"}})["Item"]


def test_a_conflict_of_transactions_comes_as_a_reason_of_cancellation(proxy: FaultProxy) -> None:
    proxy.strike(AWS_FAULTS[:1], in_turn=True)
    put = {"Put": {"TableName": "table", "Item": {"pk": {"S": "not there"}}}}

    with pytest.raises(ClientError) as caught:
        client(proxy, "dynamodb").transact_write_items(TransactItems=[put])

    response: Any = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["TransactionConflict"]


def test_an_outage_strikes_every_call_and_ends(proxy: FaultProxy) -> None:
    table = client(proxy, "dynamodb")
    proxy.break_service(OUTAGES[0], 60)
    with pytest.raises(ClientError, match="InternalServerError"):
        table.get_item(TableName="table", Key={"pk": {"S": "any"}})
    assert proxy.strikes()["dynamodb outage"] > 1, "boto3 repeated it in vain"
    proxy.calm()
    table.get_item(TableName="table", Key={"pk": {"S": "any"}})


def test_a_rule_with_a_name_that_no_call_has_is_seen_to_strike_nothing(proxy: FaultProxy) -> None:
    proxy.strike([Fault(service="states", share=1.0, code="X", status=500)], in_turn=True)
    client(proxy, "stepfunctions").list_state_machines()
    assert proxy.strikes()["states X"] == 0
