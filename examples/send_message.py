"""Send export requests, one JSON object a line on standard input, to the intake queue."""

import json
import sys

import boto3


def find_queue(stack_name: str = "SnapshotExport") -> str:
    """The address of the intake queue, an output of the stack."""
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return next(
        output["OutputValue"]
        for output in stack["Outputs"]
        if output["OutputKey"] == "IntakeQueueUrl"
    )


def send(requests: list[dict[str, object]]) -> None:
    """Send them in batches of ten, the most that SQS takes; raises for one that it refuses."""
    sqs, queue_url = boto3.client("sqs"), find_queue()
    for start in range(0, len(requests), 10):
        answer = sqs.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(index), "MessageBody": json.dumps(request)}
                for index, request in enumerate(requests[start : start + 10])
            ],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"SQS did not take {answer['Failed']}: run the program again")


if __name__ == "__main__":
    send([json.loads(line) for line in sys.stdin])
