"""IfEmpty: what has no rows is skipped or marked, what cannot be read is an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snapshot_export.adapters.s3.files import Files
from snapshot_export.domain.emptiness import UnreadableRowsError
from snapshot_export.domain.export import Status
from tests.flows.test_cancel import keys_in_bucket
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient, template
from tests.support.messages import csv_groups, message, pdf_group, visuals_group
from tests.support.world import World

CSV, EXCEL = visuals_group("CSV", "lines"), visuals_group("EXCEL", "lines")
PROBE = {"SheetId": "details", "VisualId": "lines"}
NOBODY = "cust-9999"
"""A customer of whom there are no rows."""


def delivered(world: World) -> list[str]:
    return [key for key in keys_in_bucket(world) if key.startswith("exports/")]


@pytest.mark.parametrize(
    "body",
    [
        {"groups": [CSV]},
        {"groups": [EXCEL]},
        {"groups": [pdf_group(), CSV, EXCEL]},
        {"groups": [pdf_group()], "Probe": PROBE},
    ],
    ids=["csv", "excel", "three", "probe"],
)
@pytest.mark.parametrize("action", ["SKIP", "NOTE"])
@pytest.mark.parametrize("customer", [NOBODY, "cust-0001"])
def test_what_has_no_rows_is_skipped_or_marked(
    world: World, body: dict[str, Any], action: str, customer: str
) -> None:
    world.send(message("one", customer=customer, IfEmpty=action, **body))
    world.driver.run()
    export, is_empty = world.export("one"), customer == NOBODY
    assert (export.status, export.is_empty) == (Status.COMPLETED, is_empty)
    formats = [group["Files"][0]["FormatType"] for group in body["groups"]]
    wanted = [] if is_empty and action == "SKIP" else formats
    assert [file.format for file in export.files] == wanted
    assert len(delivered(world)) == len(wanted), "the probe is delivered to nobody"
    answer = call_api(world.services, "GET", "/exports/one").body
    assert answer["Empty"] is is_empty
    for query in ("", "?Status=COMPLETED"):
        (row,) = call_api(world.services, "GET", f"/exports{query}").body["Exports"]
        assert row["Empty"] is is_empty


def test_without_a_word_about_it_an_empty_file_is_sent(world: World) -> None:
    world.send(message("one", customer=NOBODY, groups=[CSV]))
    world.send(message("two", customer=NOBODY, groups=[CSV], IfEmpty="SEND"))
    world.driver.run()
    assert len(delivered(world)) == 2
    assert not world.export("one").is_empty and world.export("one").if_empty is None


def test_the_probe_is_of_the_same_job_and_a_skip_saves_the_jobs_behind_it(world: World) -> None:
    merge = {"FormatType": "PDF", "Sheets": "ALL"}
    for name, customer in (("none", NOBODY), ("some", "cust-0001")):
        body = message(name, customer=customer, IfEmpty="SKIP", Probe=PROBE, Merge=merge)
        del body["SnapshotConfiguration"]
        world.send(body)
        world.driver.run()
    assert (world.export("none").is_empty, world.export("none").files) == (True, ())
    assert [file.format for file in world.export("some").files] == ["PDF"]
    assert len(world.ledger()["jobs"]) == 1 + 2


def test_a_note_outlives_the_parts_behind_it(world: World) -> None:
    body = message("many", customer=NOBODY, dashboard="board-pack", groups=csv_groups(6))
    world.send(body | {"IfEmpty": "NOTE", "Probe": {"SheetId": "part-5", "VisualId": "lines"}})
    world.driver.run()
    export = world.export("many")
    assert (export.status, export.is_empty, len(export.files)) == (Status.COMPLETED, True, 6)
    assert len(delivered(world)) == 6


@pytest.mark.parametrize("probe", [{}, {"Probe": PROBE}])
def test_what_cannot_be_read_is_tried_once_more_and_then_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch, probe: dict[str, Any]
) -> None:
    def head(*_arguments: Any) -> tuple[bytes, int]:
        raise UnreadableRowsError("S3: AccessDenied")

    monkeypatch.setattr(Files, "head", head)
    groups = [pdf_group()] if probe else [CSV]
    world.send(message("one", customer=NOBODY, groups=groups, IfEmpty="SKIP", **probe))
    world.driver.run()
    export = world.export("one")
    assert export.status is Status.FAILED and not export.is_empty
    assert export.error is not None and export.error.code == "ROWS_UNREADABLE"
    assert ("the probe" if probe else "file 0") in export.error.message
    assert len(world.ledger()["jobs"]) == 2
    assert delivered(world) == []


def test_a_file_without_bytes_is_broken_and_not_empty(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Files, "head", lambda *_: (b"", 0))
    world.send(message("one", groups=[CSV], IfEmpty="SKIP"))
    world.driver.run()
    error = world.export("one").error
    assert error is not None and "no header line" in error.message


def test_files_of_a_try_before_do_not_outlive_a_skip(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try had rows, and failed in its other file; the second has none."""
    world.switch("fail_file", times=1, FileGroup=1, ErrorType="INTERNAL_ERROR")
    heads = iter([(b"a\n1\n", 4)])
    monkeypatch.setattr(Files, "head", lambda *_: next(heads, (b"a\n", 2)))
    world.send(message("one", groups=[CSV, pdf_group()], IfEmpty="SKIP"))
    world.driver.run()
    assert world.export("one").is_empty
    assert delivered(world) == []


def test_the_last_try_decides(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try had no rows, and failed in its other file; the second has some."""
    world.switch("fail_file", times=1, FileGroup=1, ErrorType="INTERNAL_ERROR")
    heads = iter([(b"a\n", 2)])
    monkeypatch.setattr(Files, "head", lambda *_: next(heads, (b"a\n1\n", 4)))
    world.send(message("one", groups=[CSV, pdf_group()], IfEmpty="NOTE"))
    world.driver.run()
    export = world.export("one")
    assert (export.status, export.is_empty, len(export.files)) == (Status.COMPLETED, False, 2)


def test_a_burst_says_who_had_no_rows(world: World) -> None:
    people = [recipient(1), recipient(9999), recipient(2)]
    body = burst("mixed", people)
    body["Template"] = template(groups=[CSV], Name="{recipient}", IfEmpty="SKIP")
    world.send({"Burst": body})
    world.work_on_bursts()
    world.driver.run()
    world.work_on_bursts()
    manifest = manifest_of(world, "mixed")
    assert (manifest["Status"], manifest["Empty"]) == ("COMPLETED", 1)
    empty = [each for each in manifest["Files"] if each.get("Empty")]
    assert [(each["RecipientId"], each["S3Uri"]) for each in empty] == [("r-9999", None)]
    assert call_api(world.services, "GET", "/bursts/mixed").body["Empty"] == 1
    bucket = world.settings.export_bucket
    page = world.session.client("s3").get_object(Bucket=bucket, Key="bursts/mixed/report.html")
    text = page["Body"].read().decode()
    assert "1 without rows" in text and "no rows: not delivered" in text


def test_a_schedule_says_it_too(world: World) -> None:
    body = {
        "ScheduleExpression": "rate(1 day)",
        "Export": {"IfEmpty": "NOTE", **message(None, groups=[CSV])},
    }
    assert call_api(world.services, "PUT", "/schedules/daily", json.dumps(body)).status == 200


@pytest.mark.parametrize(
    ("body", "place", "rule"),
    [
        (message("one", IfEmpty="SKIP"), "IfEmpty", "must have a CSV or EXCEL file"),
        (message("one", Probe=PROBE), "Probe", "beside IfEmpty"),
        (message("one", groups=[CSV], IfEmpty="SKIP", Probe=PROBE), "Probe", "FileGroups too"),
        (
            message("one", dashboard="board-pack", groups=csv_groups(6), IfEmpty="SKIP"),
            "IfEmpty",
            "more than one job makes",
        ),
        (
            message("one", IfEmpty="SKIP", Probe=PROBE | {"VisualId": "by-month"}),
            "Probe.VisualId",
            "must be a table",
        ),
        (
            message("one", IfEmpty="SKIP", Probe=PROBE | {"SheetId": "gone"}),
            "Probe.SheetId",
            "must be a sheet",
        ),
        (message("one", IfEmpty="SKIPP"), "IfEmpty", "SKIP"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_place_and_rule(
    world: World, body: dict[str, Any], place: str, rule: str
) -> None:
    assert world.send(body) is Status.REJECTED
    problems = world.rejected()[0]["Reason"]["Problems"]
    assert [each for each in problems if each["Place"] == place and rule in each["Rule"]], problems
