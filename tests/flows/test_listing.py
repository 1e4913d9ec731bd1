"""Lists: newest first, filtered, in pages that neither lose nor repeat; and single exports."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from snapshot_export.adapters.table import listing
from snapshot_export.adapters.table.dynamodb import put_of
from snapshot_export.adapters.table.records import export_attributes
from snapshot_export.domain.export import BEFORE_BACKLOG, Export, Status
from tests.support.api import call_api
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import START_TIME, World

STATUSES = [each for each in Status if each not in BEFORE_BACKLOG]


def put_exports(world: World, count: int, **changes: Any) -> list[str]:
    """Records of exports, one second apart, of every status in turn."""
    ids = []
    for number in range(count):
        fields: dict[str, Any] = {
            "export_id": f"export-{number:03d}",
            "status": STATUSES[number % 6],
            "digest": "0",
            "nonce": "n",
            "dashboard_id": ("sales", "stock")[number % 2],
            "snapshot": {},
            "rank": f"1#5#{number:04d}",
            "accepted_at": START_TIME + number,
            "source": "test",
        }
        export = Export(**fields | changes)
        ids.append(export.export_id)
        table = world.services.store._table
        table.write(put_of(world.keys.export(export.export_id), export_attributes(export)))
    return ids


def list_all(world: World, query: str = "", limit: int = 7) -> list[dict[str, Any]]:
    found, token = [], ""
    for _ in range(200):
        url = f"/exports?Limit={limit}{query}" + (f"&NextToken={token}" if token else "")
        answer = call_api(world.services, "GET", url)
        assert answer.status == 200, answer.body
        assert len(answer.body["Exports"]) <= limit
        found += answer.body["Exports"]
        token = answer.body["NextToken"]
        if token is None:
            return found
    raise AssertionError("the list does not end")


def ids_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["ExportId"] for row in rows]


def test_without_filters_all_statuses_are_merged_newest_first(world: World) -> None:
    ids = put_exports(world, 40)
    assert ids_of(list_all(world)) == ids[::-1]


def test_filters_by_status_dashboard_and_time_hold_together(world: World) -> None:
    ids = put_exports(world, 60)
    queued = [name for number, name in enumerate(ids) if number % 6 == 0]
    assert ids_of(list_all(world, "&Status=QUEUED")) == queued[::-1]
    stock = ids[1::2]
    assert ids_of(list_all(world, "&DashboardId=stock")) == stock[::-1]
    since, until = "2027-01-15T08:00:10Z", quote("2027-01-15T09:00:19+01:00")
    assert START_TIME == 1_800_000_000.0
    assert ids_of(list_all(world, f"&From={since}&To={until}")) == ids[10:20][::-1]
    both = list_all(world, f"&From={since}&Status=FAILED&DashboardId=stock")
    assert ids_of(both) == [n for i, n in enumerate(ids) if i >= 10 and i % 6 == 3][::-1]
    assert list_all(world, f"&From={until}&To=2027-01-15T08:00:01Z") == []


def test_a_burst_lists_its_own_also_by_status(world: World) -> None:
    put_exports(world, 3)
    ids = []
    for number in range(12):
        ids += put_exports(
            world,
            1,
            export_id=f"burst-1-{number:02d}",
            burst_id="burst-1",
            status=(Status.QUEUED, Status.COMPLETED)[number % 2],
        )
    assert ids_of(list_all(world, "&BurstId=burst-1", limit=5)) == ids[::-1]
    completed = list_all(world, "&BurstId=burst-1&Status=COMPLETED", limit=2)
    assert ids_of(completed) == ids[1::2][::-1]


def test_a_recipient_lists_what_bursts_made_for_it_newest_first(world: World) -> None:
    put_exports(world, 3)
    ids = []
    for number in range(12):
        ids += put_exports(
            world,
            1,
            export_id=f"burst-{number:02d}-1",
            burst_id=f"burst-{number:02d}",
            recipient_id=("cust-1", "cust-2")[number % 2],
            accepted_at=START_TIME + number,
            status=(Status.COMPLETED, Status.COMPLETED, Status.FAILED)[number % 3],
        )
    assert ids_of(list_all(world, "&RecipientId=cust-1", limit=4)) == ids[::2][::-1]
    failed = list_all(world, "&RecipientId=cust-1&Status=FAILED", limit=1)
    assert ids_of(failed) == ["burst-08-1", "burst-02-1"]
    both = list_all(world, "&RecipientId=cust-2&BurstId=burst-03")
    assert ids_of(both) == ["burst-03-1"] and both[0]["BurstId"] == "burst-03"
    since = list_all(world, "&RecipientId=cust-2&From=2027-01-15T08:00:08Z")
    assert ids_of(since) == ["burst-11-1", "burst-09-1"]
    assert list_all(world, "&RecipientId=CUST-1") == []
    shown = call_api(world.services, "GET", "/exports/burst-02-1").body
    assert shown["RecipientId"] == "cust-1"


def test_a_recipients_records_that_have_left_the_table_are_left_out(world: World) -> None:
    """The index is a second behind."""
    ids = [
        put_exports(world, 1, export_id=f"b-{n}", recipient_id="cust", accepted_at=START_TIME + n)[
            0
        ]
        for n in range(5)
    ]
    table = world.services.store._table
    real = table.get_many
    gone = world.keys.export(ids[2])
    table.get_many = lambda keys, attributes=(): real(  # type: ignore[method-assign]
        [key for key in keys if key != gone], attributes
    )
    assert ids_of(list_all(world, "&RecipientId=cust", limit=2)) == [
        "b-4", "b-3", "b-1", "b-0",
    ]  # fmt: skip


def test_a_wrong_recipient_is_refused_without_its_value(world: World) -> None:
    answer = call_api(world.services, "GET", "/exports?RecipientId=Mustermann%20GmbH")
    assert answer.status == 400 and "Mustermann" not in str(answer.body)
    assert answer.body["Problems"][0]["Field"] == "RecipientId"


def test_a_list_says_which_running_exports_are_being_collected(world: World) -> None:
    world.services.store.change_gate({"limit": 2})
    for name in ("first", "second"):
        world.send(message(name))
    attempt = world.services.store.attempt("first")
    assert attempt is not None
    world.services.store.release(attempt, "COMPLETED", attempt.admitted_at + 9, world.clock.now())
    rows = {row["ExportId"]: row for row in list_all(world)}
    assert (rows["first"]["Status"], rows["first"]["Collecting"]) == ("RUNNING", True)
    assert (rows["second"]["Status"], rows["second"]["Collecting"]) == ("RUNNING", False)
    world.driver.run()
    assert {row["Collecting"] for row in list_all(world)} == {False}


def test_exports_that_move_between_pages_are_neither_lost_nor_repeated(world: World) -> None:
    ids = put_exports(world, 12, status=Status.QUEUED)
    first = call_api(world.services, "GET", "/exports?Limit=5").body
    put_exports(world, 12, status=Status.RUNNING)
    rest = call_api(world.services, "GET", f"/exports?Limit=50&NextToken={first['NextToken']}").body
    assert ids_of(first["Exports"]) + ids_of(rest["Exports"]) == ids[::-1]


def test_a_page_reads_a_bounded_number_of_rows_and_continues_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_EXAMINED", 10)
    ids = put_exports(world, 30)
    put_exports(world, 1, export_id="rare", dashboard_id="rare")
    answer = call_api(world.services, "GET", "/exports?DashboardId=rare")
    assert answer.body["Exports"] == [] and answer.body["NextToken"]
    assert len(ids) == 30
    assert ids_of(list_all(world, "&DashboardId=rare")) == ["rare"]


@pytest.mark.parametrize("token", ["x", "!!!", "e30", "WyJhIiwgImIiXQ", "%F0%9F%98%80", "A" * 500])
def test_a_token_that_was_tampered_with_is_400(world: World, token: str) -> None:
    answer = call_api(world.services, "GET", f"/exports?NextToken={token}")
    assert (answer.status, answer.body["Problems"][0]["Field"]) == (400, "NextToken")


def test_a_token_goes_with_its_own_question_only(world: World) -> None:
    put_exports(world, 12)
    token = call_api(world.services, "GET", "/exports?Limit=5").body["NextToken"]
    assert call_api(world.services, "GET", f"/exports?Limit=9&NextToken={token}").status == 200
    answer = call_api(world.services, "GET", f"/exports?Status=FAILED&NextToken={token}")
    assert (answer.status, answer.body["Problems"][0]["Field"]) == (400, "NextToken")


@pytest.mark.parametrize(
    "query",
    ["Status=DONE", "Limit=0", "Limit=101", "Limit=x", "From=yesterday", "To=2027-01-15",
     "BurstId=a%20b", "DashboardId=", "Colour=red"],
)  # fmt: skip
def test_a_parameter_that_breaks_a_rule_is_400_by_name(world: World, query: str) -> None:
    answer = call_api(world.services, "GET", f"/exports?{query}")
    assert (answer.status, answer.body["Code"]) == (400, "INVALID_REQUEST")
    (problem,) = answer.body["Problems"]
    assert problem["Field"] == query.split("=", maxsplit=1)[0]


def test_a_row_tells_what_the_index_carries(world: World) -> None:
    world.send(message("wrong", Priority=99))
    world.send(message("named", Name="report", Priority=2, Deadline="2027-02-01T00:00:00Z"))
    world.driver.run()
    named, wrong = list_all(world, "")
    if named["ExportId"] == "wrong":
        named, wrong = wrong, named
    assert (wrong["Status"], wrong["Error"]["Code"]) == ("REJECTED", "INVALID_REQUEST")
    assert named["Status"] == "COMPLETED"
    assert (named["Name"], named["Priority"]) == ("report", 2)
    assert named["Deadline"] == "2027-02-01T00:00:00.000Z"
    assert named["AcceptedAt"] <= named["AdmittedAt"] <= named["FinishedAt"]
    assert named["Error"] is None


def test_an_export_tells_its_place_and_expected_end_while_it_waits(world: World) -> None:
    for number in range(15):
        world.send(message(f"export-{number:02d}"))
    shown = [call_api(world.services, "GET", f"/exports/export-{n:02d}").body for n in range(15)]
    assert [body["Place"] for body in shown] == [None] * 12 + [1, 2, 3]
    assert [body["Status"] for body in shown] == ["RUNNING"] * 12 + ["QUEUED"] * 3
    assert all(body["ExpectedEnd"] > body["AcceptedAt"] for body in shown)
    assert shown[14]["ExpectedEnd"] > shown[12]["ExpectedEnd"] > shown[0]["ExpectedEnd"]
    assert not any(body["PlaceIsAtLeast"] for body in shown)


def test_a_place_far_behind_is_a_lower_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshot_export.flows.view.MAX_COUNTED", 2)
    for number in range(16):
        world.send(message(f"export-{number:02d}"))
    body = call_api(world.services, "GET", "/exports/export-15").body
    assert (body["Place"], body["PlaceIsAtLeast"], body["ExpectedEnd"]) == (3, True, None)


def test_a_completed_export_shows_files_with_addresses_that_expire(world: World) -> None:
    world.send(
        message("done", groups=[pdf_group(), visuals_group("CSV", "lines")], Tags={"a": "b"})
    )
    world.driver.run()
    body = call_api(world.services, "GET", "/exports/done").body
    assert (body["Status"], body["Tags"], body["Place"]) == ("COMPLETED", {"a": "b"}, None)
    assert [file["FormatType"] for file in body["Files"]] == ["PDF", "CSV"]
    for file in body["Files"]:
        assert file["S3Uri"].startswith(f"s3://{world.settings.export_bucket}/exports/done/")
        assert "X-Amz-Expires=900" in file["DownloadUrl"]
        assert "X-Amz-Signature=" in file["DownloadUrl"]
        assert file["DownloadUrlExpiresAt"] > body["FinishedAt"]
        assert file["Size"] > 0


def test_a_file_in_a_bucket_of_others_has_no_download_address(world: World) -> None:
    assert world.services.files.download_url("s3://allowed-bucket/a.pdf", 900) is None


def test_an_unknown_export_is_404(world: World) -> None:
    for name in ("never", "a%20b", "x" * 65, "x" * 3000):
        answer = call_api(world.services, "GET", f"/exports/{name}")
        assert (answer.status, answer.body["Code"]) == (404, "NOT_FOUND")


def test_the_secrets_of_a_request_are_in_no_answer(world: World) -> None:
    world.send(message("private", customer="cust-0042"))
    world.driver.run()
    for url in ("/exports/private", "/exports"):
        answer = call_api(world.services, "GET", url)
        assert "private" in str(answer.body)
        assert "cust-0042" not in str(answer.body)
