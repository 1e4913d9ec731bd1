"""A deployed stack in the embedded account, as seen by those who use and test it."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from local.account.clients import make_client
from local.account.environment import REGION
from local.mail.client import change_mail, find_mailbox, page_of
from local.mail.mailbox import Mailbox
from local.quicksight_process import call_emulator

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "REJECTED"})
_client = cache(make_client)


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """Addresses of an embedded account with the stack in it; `outputs` are the stack's, by name."""

    endpoint_url: str
    quicksight_url: str
    ca_file: str
    outputs: Mapping[str, str]
    aws_ca_file: str | None = None
    region: str = REGION

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of the account, in the stack's region unless `region` is another;
        `quicksight` is the emulator's."""
        url = self.quicksight_url if service == "quicksight" else self.endpoint_url
        return _client(service, url, ca_file=self.aws_ca_file, region=region or self.region)

    @property
    def api_url(self) -> str:
        """Address of the API, without a slash at its end."""
        return f"{self.endpoint_url}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    def link_here(self, link: str) -> str:
        """Where a link of a mail is on this machine, whatever its host is called."""
        own = link.removeprefix(self.outputs["LinksUrl"])
        return f"{self.endpoint_url}/_aws/execute-api/{self.outputs['LinksApiId']}/$default{own}"

    @property
    def mailbox(self) -> Mailbox:
        """What SES accepted, as real messages."""
        return find_mailbox(self.endpoint_url, self.aws_ca_file)

    @property
    def mail_page(self) -> str:
        """Where the mailbox is shown."""
        return page_of(self.endpoint_url)

    def change_mail(self, name: str, **asked: Any) -> None:
        """Change how SES behaves from now on: `settings` (MailSettings), `outcomes` (Outcome)."""
        change_mail(self.endpoint_url, name, asked, self.aws_ca_file)

    def send(self, *messages: Mapping[str, Any] | str) -> None:
        """Put messages on the intake queue, a text as it is."""
        for batch in _batches(messages, 10):
            entries = [
                {
                    "Id": str(index),
                    "MessageBody": body if isinstance(body, str) else json.dumps(body),
                }
                for index, body in enumerate(batch)
            ]
            answer = self.client("sqs").send_message_batch(
                QueueUrl=self.outputs["IntakeQueueUrl"], Entries=entries
            )
            if answer.get("Failed"):
                raise RuntimeError(f"the intake queue refused messages: {answer['Failed']}")

    def exports(self, export_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The export records that exist, by id, read strongly consistent."""
        table, found = self.outputs["TableName"], {}
        for batch in _batches(list(export_ids), 100):
            keys: list[Any] = [
                {"pk": {"S": f"EXPORT#{export_id}"}, "sk": {"S": "EXPORT"}} for export_id in batch
            ]
            while keys:
                request = {table: {"Keys": keys, "ConsistentRead": True}}
                answer = self.client("dynamodb").batch_get_item(RequestItems=request)
                for item in map(_plain, answer["Responses"].get(table, [])):
                    found[item["pk"].removeprefix("EXPORT#")] = item
                keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        return found

    def execution_arn(self, export_id: str, admission: int = 1) -> str:
        """The execution of an admission; the export's record must be there."""
        machine = self.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        nonce = self.exports([export_id])[export_id]["nonce"]
        return f"{machine}:{export_id}-{admission}-{nonce}"

    def wait_for_export(self, export_id: str, timeout: float = 60.0) -> dict[str, Any]:
        """The record of an export once it has ended; TimeoutError tells its last status."""
        deadline = time.monotonic() + timeout
        while True:
            export = self.exports([export_id]).get(export_id)
            if export is not None and export["status"] in FINAL:
                return export
            if time.monotonic() > deadline:
                status = export["status"] if export else "unknown"
                raise TimeoutError(f"export {export_id} is {status} after {timeout} s")
            time.sleep(0.1)

    def gate(self) -> dict[str, Any]:
        """The gate's record, {} while there is none."""
        items = self.partition("GATE", "GATE")
        return items[0] if items else {}

    def leases(self) -> list[dict[str, Any]]:
        """The attempt records that hold a slot."""
        return [item for item in self.partition("GATE", "ATTEMPT#") if item.get("holds_slot")]

    def partition(self, name: str, prefix: str = "") -> list[dict[str, Any]]:
        """Records of the deployment's GATE, BACKLOG or RETRY partition whose key has the prefix."""
        scope = f"{self.outputs['QuickSightAccountId']}#{self.outputs['QuickSightRegion']}"
        pages = (
            self.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.outputs["TableName"],
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"{name}#{scope}"}},
            )
        )
        items = [_plain(item) for page in pages for item in page["Items"]]
        return [item for item in items if item["sk"].startswith(prefix)]

    def ledger(self, place: tuple[str, str] | None = None) -> dict[str, Any]:
        """All calls and jobs that the QuickSight emulator has seen, in its home unless `place`
        (account and region) is another."""
        query = f"?account={place[0]}&region={place[1]}" if place else ""
        return call_emulator(self.quicksight_url, "GET", f"ledger{query}")

    def switch(self, description: Mapping[str, Any]) -> None:
        """Make the emulator misbehave; see local/quicksight/switches.py."""
        call_emulator(self.quicksight_url, "POST", "switches", description)

    def clear_switches(self) -> None:
        """Let the emulator behave again."""
        call_emulator(self.quicksight_url, "DELETE", "switches")

    def occupy(self, slots: int, seconds: float | None = None) -> None:
        """Let somebody else use some slots; 0 gives them back."""
        if slots:
            occupation = {"slots": slots, "seconds": seconds}
            call_emulator(self.quicksight_url, "POST", "occupy", occupation)
        else:
            call_emulator(self.quicksight_url, "DELETE", "occupy")

    def reset_quicksight(self) -> None:
        """Forget all jobs, switches and the ledger; only while no export is under way."""
        call_emulator(self.quicksight_url, "POST", "reset", {})


_deserialize = TypeDeserializer().deserialize


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def _batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
