"""A semaphore in DynamoDB, with waiters that poll: the pattern of AWS's Step Functions examples.

Re-created from what PEERS tells of app-control-concurrency-with-dynamodb: one item counts the
holders and carries an attribute for each; a conditional update takes a place; who is refused tries
6 times more with doubled pauses, reads the item, waits 3 s and begins again, which makes 4 states
and 7 failed writes in 66 s. With a place, the machine starts the job through Step Functions' own
integration (no Lambda function, the cheapest way) and asks every 5 s. Its clean-up after broken
executions is left out: none breaks here. Its `<> limit` is kept, since nothing goes over it here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from bench.alternatives import POLL_SECONDS, SLOTS

_KEY = {"LockName": {"S": "quicksight-snapshot-jobs"}}
_HOLDER = {"#count": "currentlockcount", "#holder.$": "$$.Execution.Id"}
_QUICKSIGHT = "arn:aws:states:::aws-sdk:quicksight:"
_AGAIN = [
    {
        "ErrorEquals": ["QuickSight.ThrottlingException", "QuickSight.LimitExceededException"],
        "IntervalSeconds": 1,
        "BackoffRate": 2,
        "MaxAttempts": 10,
        "MaxDelaySeconds": 30,
        "JitterStrategy": "FULL",
    }
]


def make_definition(table: str) -> dict[str, Any]:
    """The state machine over a table. Its input: `{"Start": <arguments>, "Job": <their ids>}`."""
    acquire = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Parameters": {
            "TableName": table,
            "Key": _KEY,
            "ExpressionAttributeNames": _HOLDER,
            "ExpressionAttributeValues": {
                ":increase": {"N": "1"},
                ":limit": {"N": str(SLOTS)},
                ":time": {"S.$": "$$.State.EnteredTime"},
            },
            "UpdateExpression": "SET #count = #count + :increase, #holder = :time",
            "ConditionExpression": "#count <> :limit AND attribute_not_exists(#holder)",
        },
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 6, "BackoffRate": 2}],
        "Catch": [
            {
                "ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"],
                "Next": "GetCurrentLockRecord",
                "ResultPath": "$.Refusal",
            }
        ],
        "ResultPath": None,
        "Next": "StartJob",
    }
    release = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Parameters": {
            "TableName": table,
            "Key": _KEY,
            "ExpressionAttributeNames": _HOLDER,
            "ExpressionAttributeValues": {":decrease": {"N": "1"}},
            "UpdateExpression": "SET #count = #count - :decrease REMOVE #holder",
            "ConditionExpression": "attribute_exists(#holder)",
        },
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 5, "BackoffRate": 1.5}],
        "End": True,
    }
    return {
        "StartAt": "AcquireLock",
        "TimeoutSeconds": 86_400,
        "States": {
            "AcquireLock": acquire,
            "GetCurrentLockRecord": {
                "Type": "Task",
                "Resource": "arn:aws:states:::dynamodb:getItem",
                "Parameters": {
                    "TableName": table,
                    "Key": _KEY,
                    "ExpressionAttributeNames": {"#holder.$": "$$.Execution.Id"},
                    "ProjectionExpression": "#holder",
                },
                "ResultSelector": {"Held.$": "States.JsonToString($.Item)"},
                "ResultPath": "$.Lock",
                "Next": "CheckIfLockAlreadyAcquired",
            },
            "CheckIfLockAlreadyAcquired": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.Lock.Held", "StringMatches": "*Z*", "Next": "StartJob"}
                ],
                "Default": "WaitToGetLock",
            },
            "WaitToGetLock": {"Type": "Wait", "Seconds": 3, "Next": "AcquireLock"},
            "StartJob": {
                "Type": "Task",
                "Resource": f"{_QUICKSIGHT}startDashboardSnapshotJob",
                "InputPath": "$.Start",
                "Retry": _AGAIN,
                "ResultPath": None,
                "Next": "WaitForJob",
            },
            "WaitForJob": {"Type": "Wait", "Seconds": round(POLL_SECONDS), "Next": "DescribeJob"},
            "DescribeJob": {
                "Type": "Task",
                "Resource": f"{_QUICKSIGHT}describeDashboardSnapshotJob",
                "InputPath": "$.Job",
                "Retry": _AGAIN,
                "ResultSelector": {"Status.$": "$.JobStatus"},
                "ResultPath": "$.Answer",
                "Next": "HasJobEnded",
            },
            "HasJobEnded": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.Answer.Status", "StringEquals": status, "Next": "ReleaseLock"}
                    for status in ("COMPLETED", "FAILED")
                ],
                "Default": "WaitForJob",
            },
            "ReleaseLock": release,
        },
    }


def deploy_semaphore(name: str, dynamodb: Any, states: Any, *, account: str) -> str:
    """Make the table `name` with its item, and the machine; answers the machine's ARN."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "LockName", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockName", "AttributeType": "S"}],
    )
    dynamodb.put_item(TableName=name, Item=_KEY | {"currentlockcount": {"N": "0"}})
    machine: str = states.create_state_machine(
        name=name,
        definition=json.dumps(make_definition(name)),
        roleArn=f"arn:aws:iam::{account}:role/{name}",
    )["stateMachineArn"]
    return machine


def run_semaphore(states: Any, machine: str, starts: Sequence[dict[str, Any]]) -> None:
    """Start an execution for each start, and wait until all have ended.

    Raises RuntimeError with how many did not succeed, and the reason of one of them.
    """
    for start in starts:
        ids = {name: start[name] for name in ("AwsAccountId", "DashboardId", "SnapshotJobId")}
        states.start_execution(
            stateMachineArn=machine,
            name=start["SnapshotJobId"],
            input=json.dumps({"Start": start, "Job": ids}),
        )
    while _count(states, machine, "RUNNING"):
        time.sleep(1.0)
    if unfinished := len(starts) - _count(states, machine, "SUCCEEDED"):
        raise RuntimeError(
            f"{unfinished} executions of the semaphore did not succeed: {_reason(states, machine)}"
        )


def _reason(states: Any, machine: str) -> str:
    failed = states.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    if not failed:
        return "none failed by itself"
    end = states.describe_execution(executionArn=failed[0]["executionArn"])
    return f"{end.get('error')}: {end.get('cause')}"


def _count(states: Any, machine: str, status: str) -> int:
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter=status
    )
    return sum(len(page["executions"]) for page in pages)
