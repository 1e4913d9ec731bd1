"""Everything goes wrong in one morning, and every export still ends as it should."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.account.environment import REGION
from local.deployed import Deployed
from tests.support.messages import message, pdf_group, visuals_group

pytestmark = pytest.mark.nightly

PLAIN = [f"plain-{number:02d}" for number in range(24)]
WRONG: dict[str, Any] = {
    "no JSON": "this is not JSON",
    "a missing member": {"DashboardId": "sales-overview"},
    "an unknown member": message("wrong-1", Colour="red"),
    "a bound": message("wrong-2", dashboard="x" * 513),
    "a rule of the format": message("wrong-3", groups=[visuals_group("CSV", "a", "b")]),
    "file groups": message("wrong-4", groups=[pdf_group()] * 51),
    "a bucket of others": message(
        "wrong-5",
        SnapshotConfiguration={
            "FileGroups": [pdf_group()],
            "DestinationConfiguration": {
                "S3Destinations": [
                    {
                        "BucketConfiguration": {
                            "BucketName": "somebody-elses",
                            "BucketPrefix": "x",
                            "BucketRegion": REGION,
                        }
                    }
                ]
            },
        },
    ),
    "an id that names another request": message("plain-00", customer="cust-0099"),
}


class Watch(threading.Thread):
    """Reads gate and leases, in one query, for as long as the morning lasts."""

    def __init__(self, deployed: Deployed) -> None:
        super().__init__(daemon=True)
        self._deployed = deployed
        self._over = threading.Event()
        self.readings: list[tuple[int, int]] = []

    def run(self) -> None:
        while not self._over.is_set():
            items = self._deployed.partition("GATE")
            running = next((int(i["running"]) for i in items if i["sk"] == "GATE"), 0)
            leases = sum(bool(i.get("holds_slot")) for i in items if "ATTEMPT#" in i["sk"])
            self.readings.append((running, leases))
            time.sleep(0.05)

    def stop(self) -> list[tuple[int, int]]:
        self._over.set()
        self.join(10)
        return self.readings


@pytest.fixture(scope="module")
def morning(shared_stack: Deployed) -> Iterator[dict[str, Any]]:
    """The morning, over: its exports by id, the watch's readings, the ledger, the refused."""
    stack = shared_stack
    stack.reset_quicksight()
    stack.switch({"kind": "fail_job", "SnapshotJobId": "for-good", "ErrorType": "DATASET_DELETED"})
    stack.switch({"kind": "fail_job", "SnapshotJobId": "once", "ErrorType": "INTERNAL_FAILURE"})
    stack.switch({"kind": "lose_response", "SnapshotJobId": "lost-answer"})
    stack.switch(
        {
            "kind": "fail_file",
            "SnapshotJobId": "one-file",
            "FileGroup": 1,
            "ErrorType": "DATASET_DELETED",
        }
    )
    stack.occupy(11)
    watch = Watch(stack)
    watch.start()
    special = [
        message("for-good"),
        message("once"),
        message("lost-answer"),
        message("one-file", groups=[pdf_group(), visuals_group("CSV", "lines")]),
    ]
    plain = [message(i, customer=f"cust-{n + 1:04d}") for n, i in enumerate(PLAIN)]
    stack.send(*plain, *special)
    wait_for_a_refused_start(stack)
    stack.occupy(0)
    stack.wait_for_export("plain-00", 120)
    stack.send(*WRONG.values())
    ids = [*PLAIN, *(body["ExportId"] for body in special)]
    exports = {export_id: stack.wait_for_export(export_id, 180) for export_id in ids}
    yield {
        "exports": exports,
        "refused": receive_refused(stack, len(WRONG)),
        "readings": watch.stop(),
        "ledger": stack.ledger(),
    }


def wait_for_a_refused_start(stack: Deployed) -> None:
    deadline = time.monotonic() + 120
    while not stack.ledger()["summary"]["limit_exceeded"] and time.monotonic() < deadline:
        time.sleep(0.5)


def receive_refused(stack: Deployed, count: int) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        answer = stack.client("sqs").receive_message(
            QueueUrl=stack.outputs["RejectedQueueUrl"],
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
        )
        for item in answer.get("Messages", []):
            reason = json.loads(item["MessageAttributes"]["Reason"]["StringValue"])
            found[item["MessageId"]] = {"Body": item["Body"], "Reason": reason}
    return list(found.values())


def test_exports_with_no_trouble_of_their_own_are_completed(morning: dict[str, Any]) -> None:
    assert {morning["exports"][export_id]["status"] for export_id in PLAIN} == {"COMPLETED"}


def test_a_job_that_fails_for_good_fails_its_export_with_its_reason(
    morning: dict[str, Any],
) -> None:
    export = morning["exports"]["for-good"]
    assert (export["status"], export["error"]["code"]) == ("FAILED", "DATASET_DELETED")


def test_a_job_that_fails_once_is_done_by_its_second_attempt(morning: dict[str, Any]) -> None:
    export = morning["exports"]["once"]
    assert (export["status"], export["attempt"]) == ("COMPLETED", 2)


def test_a_start_whose_answer_was_lost_is_adopted(morning: dict[str, Any]) -> None:
    assert morning["exports"]["lost-answer"]["status"] == "COMPLETED"


def test_a_file_that_fails_is_named_and_the_others_are_kept(morning: dict[str, Any]) -> None:
    export = morning["exports"]["one-file"]
    assert (export["status"], export["error"]["code"]) == ("FAILED", "DATASET_DELETED")
    assert export["error"]["message"].startswith("file 1 (CSV)")
    pdf, csv = export["files"]
    assert pdf["uri"] and csv.get("uri") is None


def test_slots_used_by_others_were_met_and_failed_nothing(morning: dict[str, Any]) -> None:
    assert morning["ledger"]["summary"]["limit_exceeded"] > 0
    assert morning["ledger"]["summary"]["throttled"] == 0


def test_every_job_was_started_exactly_once(morning: dict[str, Any]) -> None:
    jobs = morning["ledger"]["jobs"]
    assert [job["starts"] for job in jobs] == [1] * len(jobs)
    assert len(jobs) == len(PLAIN) + 4 + 1, "one job each, and a second for the one that failed"


def test_refused_messages_are_kept_with_their_reasons(morning: dict[str, Any]) -> None:
    bodies = {
        text if isinstance(text, str) else json.dumps(text): name for name, text in WRONG.items()
    }
    told = {
        bodies[item["Body"]]: [(p["Field"], p["Rule"]) for p in item["Reason"]["Problems"]]
        for item in morning["refused"]
    }
    assert set(told) == set(WRONG)
    assert told["an unknown member"] == [("Colour", "is not a member of the request")]
    assert told["a rule of the format"] == [("Files", "a CSV takes exactly 1 visual")]
    assert told["a bucket of others"][0][0] == "BucketName"
    assert "already names another request" in told["an id that names another request"][0][1]


def test_the_counter_equals_the_leases_throughout_and_is_0_at_the_end(
    morning: dict[str, Any], shared_stack: Deployed
) -> None:
    readings = morning["readings"]
    assert len(readings) > 50
    assert [pair for pair in readings if pair[0] != pair[1]] == []
    assert 0 < max(running for running, _ in readings) <= 12
    assert shared_stack.gate()["running"] == len(shared_stack.leases()) == 0
