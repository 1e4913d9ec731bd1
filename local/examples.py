"""The messages of examples/, and a run's own copies of them."""

import copy
import json
from itertools import cycle
from pathlib import Path
from typing import Any

from local.quicksight.dataset import CUSTOMERS

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def load_examples() -> dict[str, dict[str, Any]]:
    """Every example by its file's name without suffix, in order of name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(EXAMPLES.glob("*.json"))
    }


def make_messages(run_id: str, count: int) -> list[dict[str, Any]]:
    """`count` messages that cycle through the examples, each with an id and a customer of its own.

    ExportIds are `<run_id>-001` and so on; customers `cust-0001` and so on, again from the first
    when there are more messages than customers.
    """
    examples = cycle(load_examples().values())
    return [
        _own(next(examples), f"{run_id}-{number:03}", f"cust-{(number - 1) % CUSTOMERS + 1:04}")
        for number in range(1, count + 1)
    ]


def customer_of(message: dict[str, Any]) -> str:
    """The value of a message's row-level-security tag `customer_id`."""
    tags = message["UserConfiguration"]["AnonymousUsers"][0]["RowLevelPermissionTags"]
    return str(next(tag["Value"] for tag in tags if tag["Key"] == "customer_id"))


def formats_of(message: dict[str, Any]) -> list[str]:
    """The formats that a message asks for, in the order of its file groups."""
    groups = message["SnapshotConfiguration"]["FileGroups"]
    return [group["Files"][0]["FormatType"] for group in groups]


def _own(example: dict[str, Any], export_id: str, customer: str) -> dict[str, Any]:
    message = {"ExportId": export_id} | copy.deepcopy(example) | {"ExportId": export_id}
    if "Customer" in message.get("Tags", {}):
        message["Tags"]["Customer"] = customer
    message["UserConfiguration"] = {
        "AnonymousUsers": [{"RowLevelPermissionTags": [{"Key": "customer_id", "Value": customer}]}]
    }
    return message
