"""Messages are accepted once, or refused with field, rule and place; none is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snapshot_export.domain.dashboard import Version
from snapshot_export.domain.export import Status
from snapshot_export.handlers import intake
from snapshot_export.handlers.intake import ADMIT_EVERY_SECONDS
from tests.flows.test_metrics import sqs_event
from tests.support.messages import message, visuals_group
from tests.support.world import World


def test_a_second_delivery_changes_nothing(world: World) -> None:
    body = message("twice")
    assert world.send(body, "message-1") is Status.QUEUED
    assert world.send(body, "message-1") is Status.QUEUED
    world.driver.run()
    assert len(world.ledger()["jobs"]) == 1
    assert world.send(body) is Status.QUEUED, "also after its end, from another message"
    world.driver.run()
    assert len(world.ledger()["jobs"]) == 1


def test_without_an_export_id_the_message_id_is_one(world: World) -> None:
    world.send(message(None), "8e0c5a52-5a5c-4d1b-9d7e-000000000001")
    world.driver.run()
    assert world.export("8e0c5a52-5a5c-4d1b-9d7e-000000000001").status is Status.COMPLETED


def test_an_id_with_another_content_is_refused_and_the_first_one_stands(world: World) -> None:
    world.send(message("mine"))
    assert world.send(message("mine", customer="cust-0002"), "message-2") is Status.REJECTED
    (refused,) = world.rejected()
    (problem,) = refused["Reason"]["Problems"]
    assert problem["Field"] == "ExportId"
    assert "already names another request" in problem["Rule"]
    assert world.export("mine").status is Status.RUNNING
    assert world.export("message-2").status is Status.REJECTED


def test_a_refused_message_is_kept_whole_with_its_reason_and_a_record(world: World) -> None:
    body = message("wrong", groups=[visuals_group("CSV", "lines", "by-month")])
    assert world.send(body, "message-3") is Status.REJECTED
    (refused,) = world.rejected()
    assert json.loads(refused["Body"]) == body
    assert refused["MessageId"] == "message-3"
    assert refused["Reason"]["Problems"] == [
        {
            "Field": "Files",
            "Place": "SnapshotConfiguration.FileGroups[0].Files[0]",
            "Rule": "a CSV takes exactly 1 visual",
        }
    ]
    record = world.export("wrong")
    assert record.status is Status.REJECTED
    assert record.error is not None
    assert "a CSV takes exactly 1 visual" in record.error.message


def test_a_refused_id_can_be_used_again_when_the_message_is_mended(world: World) -> None:
    world.send(message("repaired", Priority=99))
    assert world.export("repaired").status is Status.REJECTED
    world.send(message("repaired"))
    world.driver.run()
    assert world.export("repaired").status is Status.COMPLETED


@pytest.mark.parametrize(
    "body",
    ["", "not json", "[]", "null", "{", '{"a": NaN}', '"\\ud800"', '{"\\ud800": 1}',
     '{"ExportId": "\\u0000"}', "[" * 5000, '{"a":' * 500 + "1" + "}" * 500, "9" * 5000,
     '{"DashboardId": "a", "DashboardId": "b"}', "x" * 300_000],
)  # fmt: skip
def test_bodies_that_are_no_requests_are_refused(world: World, body: str) -> None:
    assert world.send(body, "message-4") is Status.REJECTED
    assert world.export("message-4").status is Status.REJECTED
    assert len(world.rejected()) == 1


def test_tags_and_parameters_reach_neither_logs_nor_reasons(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="snapshot-export")
    secret = "cust-0007-secret"
    body: dict[str, Any] = message("private", customer=secret)
    body["SnapshotConfiguration"]["Parameters"] = {
        "StringParameters": [{"Name": "Region", "Values": [secret]}]
    }
    world.send(body)
    world.send(body | {"ExportId": "bad", "Priority": secret}, "message-5")
    world.send(message("long", customer=secret + "x" * 300), "message-6")
    world.driver.run()
    assert world.export("private").status is Status.COMPLETED
    lines = [str(vars(record)) for record in caplog.records if "snapshot" in record.name]
    assert any("finished" in line for line in lines), "the log is looked at"
    assert not [line for line in lines if secret in line]
    assert all(secret not in json.dumps(refused["Reason"]) for refused in world.rejected())


def test_what_is_accepted_does_not_wait_for_the_reads_of_the_rest_of_its_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "services_from_env", lambda: world.services)
    read = world.services.quicksight.version
    began: list[int] = []

    def read_slowly(dashboard_id: str, *, patience: float) -> Version:
        began.append(len([*world.services.store.leases()]))
        world.clock.sleep(ADMIT_EVERY_SECONDS)
        return read(dashboard_id, patience=patience)

    monkeypatch.setattr(world.services.quicksight, "version", read_slowly)
    boards = ("sales-overview", "open-invoices", "paid-invoices")
    bodies = [message(f"e{number}", dashboard=each) for number, each in enumerate(boards)]
    assert intake.handler(sqs_event(*bodies), None) == {"batchItemFailures": []}
    assert began == [0, 1, 2]
