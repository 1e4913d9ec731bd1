"""A burst: one request, an export for each recipient, and one end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snapshot_export.domain.burst import BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.errors import AlreadyEndedError, TransientError
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.work import work_on_burst
from tests.support.bursts import burst, csv_manifest, manifest_of, recipient, template
from tests.support.world import World


def counts(world: World, burst_id: str = "burst-1") -> dict[str, Any]:
    record = world.services.bursts.find(burst_id)
    assert record is not None
    names = ("status", "accepted", "refused", "completed", "failed", "cancelled")
    return {name: getattr(record, name) for name in names}


@pytest.fixture
def announced(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Events as they are sent: detail type and detail."""
    sent: list[tuple[str, dict[str, Any]]] = []
    real: Any = world.services.events._client.put_events

    def put_events(Entries: list[dict[str, Any]]) -> Any:
        sent.extend((entry["DetailType"], json.loads(entry["Detail"])) for entry in Entries)
        return real(Entries=Entries)

    monkeypatch.setattr(world.services.events._client, "put_events", put_events)
    return sent


def test_each_recipient_gets_files_of_its_own_and_the_burst_ends_once(
    world: World, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    people = [recipient(number) for number in range(1, 31)]
    people[4] = recipient(5, Name="../escape")
    people[9] = {"RecipientId": "no-tags"}
    people[19] = "nobody"  # type: ignore[call-overload]
    assert world.send({"Burst": burst(recipients=people)}) is Status.QUEUED
    world.driver.run()
    assert counts(world) == {
        "status": BurstStatus.COMPLETED_WITH_FAILURES,
        "accepted": 27,
        "refused": 3,
        "completed": 27,
        "failed": 0,
        "cancelled": 0,
    }
    manifest = manifest_of(world, "burst-1")
    assert len({file["S3Uri"] for file in manifest["Files"]}) == 27
    first = manifest["Files"][0]
    assert first["S3Uri"].endswith("exports/burst-1/r-1/report.pdf")
    assert [first[name] for name in ("ExportId", "RecipientId", "Line", "Status")] == [
        "burst-1-1",
        "r-1",
        1,
        "COMPLETED",
    ]
    assert first["Size"] > 0 and first["ETag"]
    assert [refused["Line"] for refused in manifest["Refused"]] == [5, 10, 20]
    assert manifest["Counts"]["Total"] == 30
    (end,) = [detail for kind, detail in announced if kind == "Snapshot Burst Completed"]
    assert end["Counts"] == manifest["Counts"]
    assert world.services.bursts.unfinished_ids() == []
    assert world.services.bursts.template("burst-1") == {}
    assert world.rejected() == []


def test_a_csv_manifest_gives_tags_parameters_and_names(world: World) -> None:
    text = (
        "\ufeffRecipientId,Name,tag:customer_id,parameter:string:Region,parameter:integer:Year,"
        "parameter:decimal:MinAmount,parameter:datetime:From\r\n"
        'a,"first, report",cust-0001,North,5,0.5,2026-01-01T00:00:00\r\n'
        "\r\n"
        'b,,cust-0002,"two\nlines",,,\r\n'
        "c,,,South,,,\r\n"
        "d,,cust-0004,South,many,,\r\n"
        "e,,cust-0005\r\n"
    )
    body = burst(
        Template=template(Name="{recipient}"), Manifest=csv_manifest(world, text), Priority=2
    )
    world.send({"Burst": body})
    world.driver.run()
    assert counts(world)["completed"] == 2
    first, second = world.export("burst-1-2"), world.export("burst-1-4")
    assert (first.recipient_id, second.recipient_id) == ("a", "b")
    assert first.name == "first, report" and first.priority == 2
    assert first.snapshot["UserConfiguration"]["AnonymousUsers"] == [
        {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": "cust-0001"}]}
    ]
    assert first.snapshot["SnapshotConfiguration"]["Parameters"] == {
        "StringParameters": [{"Name": "Region", "Values": ["North"]}],
        "IntegerParameters": [{"Name": "Year", "Values": [5]}],
        "DecimalParameters": [{"Name": "MinAmount", "Values": [0.5]}],
        "DateTimeParameters": [{"Name": "From", "Values": ["2026-01-01T00:00:00+00:00"]}],
    }
    refused = {
        refusal.line: refusal.problems[0] for refusal in world.services.bursts.refusals("burst-1")
    }
    assert {line: (each.place, each.rule) for line, each in refused.items()} == {
        6: ("tag:customer_id", "must not be empty"),
        7: (
            "parameter:integer:Year",
            "must be a whole number of digits only, such as 2026",
        ),
        8: ("", "must have 7 cells as the header, has 3"),
    }


def test_the_same_burst_again_is_the_same_and_another_content_is_refused(world: World) -> None:
    body = burst(recipients=[recipient(1)])
    assert world.send({"Burst": body}, "m-1") is Status.QUEUED
    assert world.send({"Burst": body}, "m-2") is Status.QUEUED
    other = burst(recipients=[recipient(2)])
    assert world.send({"Burst": other}, "m-3") is Status.REJECTED
    world.driver.run()
    assert world.send({"Burst": body}, "m-4") is Status.QUEUED, "also after its end"
    world.driver.run()
    assert len(world.ledger()["jobs"]) == 1
    (refused,) = world.rejected()
    assert refused["Reason"]["Problems"][0]["Field"] == "BurstId"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"Template": {"DashboardId": "a"}}, "Template.SnapshotConfiguration"),
        ({"Template": template() | {"ExportId": "x"}}, "Template.ExportId"),
        ({"Recipients": []}, "Recipients"),
        ({"Recipients": None}, ""),
        ({"BurstId": "x" * 49}, "BurstId"),
        ({"Recipients": None, "Manifest": {"S3Uri": "s3://others/a", "Format": "CSV"}},
         "Manifest.S3Uri"),
        ({"Recipients": None, "Manifest": {"S3Uri": "s3://allowed-bucket/a", "Format": "CSV"}},
         "Manifest.S3Uri"),
    ],
)  # fmt: skip
def test_a_burst_that_can_never_work_is_refused_as_a_whole(
    world: World, change: dict[str, Any], place: str
) -> None:
    body = burst(recipients=[recipient(1)]) | change
    world.send({"Burst": body}, "m-1")
    (refused,) = world.rejected()
    assert refused["Reason"]["Problems"][0]["Place"] == f"Burst.{place}".rstrip(".")
    assert world.services.bursts.unfinished_ids() == []


def test_a_manifest_with_a_wrong_header_ends_the_burst_as_failed(world: World) -> None:
    manifest = csv_manifest(world, "RecipientId,customer\na,b\n")
    world.send({"Burst": burst(Manifest=manifest)})
    world.driver.run()
    assert counts(world)["status"] is BurstStatus.FAILED
    assert manifest_of(world, "burst-1")["Error"] == {
        "Code": "MANIFEST_HEADER_INVALID",
        "Message": "column 2: is not a column of a manifest; the columns may be RecipientId, Name, "
        "Email, PasswordSecret, tag:<key>, parameter:<string|integer|decimal|datetime>:<name>",
    }


def test_a_manifest_replaced_while_it_is_read_is_not_mixed_with_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = csv_manifest(world, "RecipientId,tag:customer_id\na,cust-0001\n")
    body = burst(Manifest=manifest)
    with monkeypatch.context() as patched:
        patched.setattr(world.burst_queue, "send", lambda *_: None)
        world.send({"Burst": body})
    csv_manifest(world, "RecipientId,tag:customer_id\na,cust-0002\n")
    work_on_burst(world.services, "burst-1", Work.EXPAND, stop_at=world.clock.now() + 9)
    world.driver.run()
    assert counts(world)["status"] is BurstStatus.FAILED
    assert counts(world)["accepted"] == 0


@pytest.mark.nightly
def test_burst_work_that_hands_itself_on_moves_the_burst_on_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda's detection of recursive loops is off for it: what ends the chain is this."""
    sent: list[Work] = []
    monkeypatch.setattr(world.burst_queue, "send", lambda _, work: sent.append(work))
    lines = [f"r-{number},cust-{number:04d}\n" for number in range(1, 251)]
    manifest = csv_manifest(world, "RecipientId,tag:customer_id\n" + "".join(lines))
    world.send({"Burst": burst(Manifest=manifest)})

    def do_all(work: Work) -> list[int]:
        places: list[int] = []
        while sent and len(places) < 20:
            assert sent == [work], "one message sends one at most"
            work_on_burst(world.services, "burst-1", sent.pop(), stop_at=0)
            record = world.services.bursts.find("burst-1")
            assert record is not None
            places.append(record.line if work is Work.EXPAND else record.drained_to)
        return places

    expanded = do_all(Work.EXPAND)
    assert counts(world)["accepted"] == 250
    cancel_burst(world.services, "burst-1")
    drained = do_all(Work.DRAIN)
    assert not world.services.store.first_waiting(1, world.clock.now())
    for places in (expanded, drained):
        assert len(places) > 2 and places[:-1] == sorted(set(places[:-1])), places


def test_an_id_that_names_another_export_is_a_refusal_of_its_line(world: World) -> None:
    from tests.support.messages import message

    world.send(message("burst-1-2"))
    world.send({"Burst": burst(recipients=[recipient(n) for n in range(1, 5)])})
    world.driver.run()
    assert counts(world)["accepted"] == 3 and counts(world)["completed"] == 3
    (refusal,) = world.services.bursts.refusals("burst-1")
    assert refusal.line == 2 and refusal.problems[0].place == "ExportId"
    files = manifest_of(world, "burst-1")["Files"]
    assert [file["Line"] for file in files] == [1, 3, 4]


def test_recipients_too_large_for_the_table_are_refused_alone(world: World) -> None:
    long = [{"Name": "Year", "Values": [2025] * 20_000}]
    general = {"StringParameters": [{"Name": "Region", "Values": ["y" * 200_000]}]}
    body = template(Name="{recipient}")
    body["SnapshotConfiguration"]["Parameters"] = general
    people = [
        recipient(1, Parameters={"IntegerParameters": long}),
        recipient(2),
        {"x" * 100_000: 1},
    ]
    world.services.manifests.keep_recipients("large", "nonce", people)
    key = "bursts/large/recipients-nonce.jsonl"
    bucket, client = world.settings.export_bucket, world.session.client("s3")
    client.copy({"Bucket": bucket, "Key": key}, bucket, "manifests/large.jsonl")
    manifest = {"S3Uri": f"s3://{bucket}/manifests/large.jsonl", "Format": "JSON_LINES"}
    world.send({"Burst": burst(Template=body, Manifest=manifest)})
    world.driver.run()
    assert (counts(world)["completed"], counts(world)["refused"]) == (1, 2)
    first, third = world.services.bursts.refusals("burst-1")
    assert "must be at most 262144 bytes" in first.problems[0].rule
    assert len(third.problems[0].place) == 200


def test_a_failed_export_is_told_in_the_manifest(world: World) -> None:
    world.switch("fail_job", ErrorType="DATASET_DELETED")
    world.send({"Burst": burst(recipients=[recipient(n) for n in range(1, 4)])})
    world.driver.run()
    assert counts(world)["status"] is BurstStatus.COMPLETED_WITH_FAILURES
    assert (counts(world)["completed"], counts(world)["failed"]) == (2, 1)
    (failed,) = [f for f in manifest_of(world, "burst-1")["Files"] if f["Status"] == "FAILED"]
    assert failed["Error"]["Code"] == "DATASET_DELETED"


def test_a_burst_of_which_every_export_failed_is_failed_everywhere_with_the_reasons_counted(
    world: World, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    world.switch("fail_job", SnapshotJobId="burst-1-1-", ErrorType="CAPABILITY_RESTRICTED")
    for line in (2, 3):
        world.switch("fail_job", SnapshotJobId=f"burst-1-{line}-", ErrorType="DATASET_DELETED")
    world.send({"Burst": burst(recipients=[recipient(n) for n in range(1, 4)])})
    world.driver.run()
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.status is BurstStatus.FAILED
    counted = [("DATASET_DELETED", 2), ("CAPABILITY_RESTRICTED", 1)]
    assert [(each.code, each.count) for each in record.reasons] == counted
    assert all(each.message for each in record.reasons)
    ((_, event),) = [each for each in announced if each[0] == "Snapshot Burst Completed"]
    assert event["Status"] == "FAILED"
    assert [(each["Code"], each["Count"]) for each in event["Reasons"]] == counted
    assert event["FailureSummary"] == "3 of 3 failed: 2 DATASET_DELETED, 1 CAPABILITY_RESTRICTED"
    manifest = manifest_of(world, "burst-1")
    assert manifest["Status"] == "FAILED"
    assert [(each["Code"], each["Count"]) for each in manifest["Reasons"]] == counted


def test_a_cancelled_burst_is_drained_and_its_expansion_stops(
    world: World, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    world.send({"Burst": burst(recipients=[recipient(n) for n in range(1, 151)])})
    burst_id, work = world.burst_queue.sent.pop(0)
    work_on_burst(world.services, burst_id, work, stop_at=0)
    assert counts(world)["status"] is BurstStatus.EXPANDING
    assert 0 < counts(world)["accepted"] < 150, "handed on"
    cancel_burst(world.services, "burst-1")
    world.driver.run()
    found = counts(world)
    assert found["status"] is BurstStatus.CANCELLED
    assert found["cancelled"] == found["accepted"] < 150
    ends = [detail for kind, detail in announced if kind == "Snapshot Burst Completed"]
    assert [end["Status"] for end in ends] == ["CANCELLED"]
    with pytest.raises(AlreadyEndedError):
        cancel_burst(world.services, "burst-1")


def test_values_reach_neither_logs_nor_events_nor_refusals(
    world: World,
    announced: list[tuple[str, dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", logger="snapshot-export")
    secret = "cust-0007-secret"
    text = (
        "RecipientId,tag:customer_id,parameter:integer:Year\n"
        f'a,{secret},1\nb,{secret},{secret}\n{secret},{secret}\nc,"{secret}\n'
    )
    world.send({"Burst": burst(Manifest=csv_manifest(world, text))})
    world.driver.run()
    assert counts(world)["completed"] == 1 and counts(world)["refused"] == 3
    lines = [str(vars(record)) for record in caplog.records if "snapshot" in record.name]
    assert any("burst closed" in line for line in lines), "the log is looked at"
    assert not [line for line in lines if secret in line]
    assert secret not in json.dumps(announced)
    assert secret not in json.dumps(manifest_of(world, "burst-1"))


@pytest.mark.nightly
def test_what_was_forecast_when_the_recipients_were_known_is_kept(world: World) -> None:
    world.send({"Burst": burst(recipients=[recipient(number) for number in range(1, 31)])})
    world.work_on_bursts()
    begun = world.services.bursts.find("burst-1")
    assert begun is not None and begun.foretold_at == begun.expanded_at
    assert begun.foretold_p50 is not None and begun.foretold_p95 is not None
    assert world.clock.now() + 60 < begun.foretold_p50 < begun.foretold_p95
    world.driver.run()
    ended = world.services.bursts.find("burst-1")
    assert ended is not None and ended.status is BurstStatus.COMPLETED
    assert ended.foretold_p50 == begun.foretold_p50


def test_a_forecast_that_cannot_be_made_keeps_no_burst_from_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Any:
        raise TransientError("throughput is not to be read")

    monkeypatch.setattr(world.services.throughput, "overheads", fail)
    world.send({"Burst": burst(recipients=[recipient(1)])})
    world.driver.run()
    assert counts(world)["status"] is BurstStatus.COMPLETED
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.foretold_at is None
