"""Where an implementation does not answer as AWS does, each with AWS's own word.

A difference that is not here fails its test, and so does one that is here and is no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.contract.adapters.implementations import Implementation


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`answer` is what `implementation` gives for the fact; `source` says what AWS does."""

    implementation: Implementation
    case: str
    fact: str
    answer: Any
    source: str


_API = "https://docs.aws.amazon.com"
_SCHEDULER = f"{_API}/scheduler/latest"

KNOWN: tuple[Difference, ...] = (
    Difference(
        implementation="moto",
        case="turns",
        fact="what was written by hand is overwritten",
        answer="TransientError: DynamoDB: 500",
        source=f"{_API}/amazondynamodb/latest/APIReference/API_Condition.html: a value of another "
        "type than the one compared with 'does not match'; moto compares the two, and breaks",
    ),
    *(
        Difference(
            implementation="moto",
            case="assumed_roles",
            fact=fact,
            answer="nothing",
            source=f"{_API}/STS/latest/APIReference/API_AssumeRole.html: RoleArn is the ARN of the "
            "role to assume; moto takes any text",
        )
        for fact in ("no ARN", "an ARN of a user")
    ),
    Difference(
        implementation="ministack",
        case="conditional_writes",
        fact="a sum with a text",
        answer="nothing",
        source=f"{_API}/amazondynamodb/latest/APIReference/API_TransactWriteItems.html: a "
        "ValidationError is 'An operand in the update expression has an incorrect data type.'",
    ),
    Difference(
        implementation="moto",
        case="transactions",
        fact="a write that is refused",
        answer=("WriteRefusedError", ()),
        source=f"{_API}/amazondynamodb/latest/APIReference/API_TransactWriteItems.html: "
        "CancellationReasons name the write, with the code ValidationError and 'The provided "
        "expression refers to an attribute that does not exist in the item.' moto refuses the "
        "whole call",
    ),
    Difference(
        implementation="moto",
        case="queues",
        fact="a character that SQS does not take",
        answer="nothing",
        source=f"{_API}/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html: "
        "InvalidMessageContents for characters outside #x9 | #xA | #xD | #x20 to #xD7FF | "
        "#xE000 to #xFFFD | #x10000 to #x10FFFF",
    ),
    Difference(
        implementation="ministack",
        case="schedules",
        fact="the names, in pages",
        answer=["a", "c", "daily"],
        source=f"{_SCHEDULER}/APIReference/API_ListSchedules.html: MaxResults limits a page, and "
        "NextToken leads to the next; ministack gives no NextToken",
    ),
    Difference(
        implementation="moto",
        case="schedules",
        fact="cron without a question mark",
        answer="nothing",
        source=f"{_SCHEDULER}/UserGuide/schedule-types.html: day-of-month and day-of-week cannot "
        "both be *, one of them must be ?",
    ),
    Difference(
        implementation="moto",
        case="schedules",
        fact="a zone that is none",
        answer="nothing",
        source=f"{_SCHEDULER}/UserGuide/schedule-types.html: a time zone of the IANA Time Zone "
        "Database",
    ),
    Difference(
        implementation="moto",
        case="schedules",
        fact="a start that has passed",
        answer="nothing",
        source="https://github.com/getmoto/moto/pull/8172 cites AWS: 'The StartDate you specify "
        "cannot be earlier than 5 minutes ago.'; moto checks it at creations only",
    ),
)
