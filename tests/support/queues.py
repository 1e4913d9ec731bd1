"""Queues of a deployed account that tests listen with."""

from __future__ import annotations

import json
from typing import Any


def make_queue_for(sqs: Any, service: str, name: str) -> tuple[str, str]:
    """A queue that an AWS service (such as "sns") may send to; answers its address and its ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    let_send = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let_send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn
