"""/bursts through the API's handler."""

from __future__ import annotations

from typing import Any

import requests

from local.quicksight.catalogue import DataSet
from snapshot_export.flows.periodic.start_after_data import start_after_data
from tests.support.api import call_api
from tests.support.bursts import burst, recipient, template
from tests.support.world import World


def call(world: World, method: str, path: str, body: Any = None) -> Any:
    return call_api(world.services, method, path, body)


def test_open_bursts_are_listed_also_those_without_exports(world: World) -> None:
    world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    late = {"DataSets": ["fresh"], "Since": "PT1H", "Until": "PT1M", "Otherwise": "HOLD"}
    world.send({"Burst": burst("held", [recipient(1)], After=late)})
    world.send({"Burst": burst("ended", [recipient(1)])})
    world.driver.run()
    world.clock.sleep(61)
    start_after_data(world.services, stop_at=world.clock.now() + 20)
    world.send({"Burst": burst("runs", [recipient(1)])})
    listed = call_api(world.services, "GET", "/bursts").body
    found = {each["BurstId"]: each for each in listed["Bursts"]}
    assert {name: each["Status"] for name, each in found.items()} == {
        "held": "HELD", "runs": "EXPANDING",
    }  # fmt: skip
    assert found["held"]["Data"]["Outcome"] == "HELD" and not listed["More"]
    limited = call_api(world.services, "GET", "/bursts?Limit=1").body
    assert len(limited["Bursts"]) == 1 and limited["More"]


def test_a_burst_is_accepted_shown_and_known_again(world: World) -> None:
    people = [recipient(1), recipient(2), {"RecipientId": "no-tags"}, "nobody"]
    body = burst(recipients=people)
    accepted = call(world, "POST", "/bursts", body)
    assert accepted.status == 202
    assert accepted.body == {
        "BurstId": "burst-1",
        "Revision": 1,
        "Status": "EXPANDING",
        "StatusPath": "/bursts/burst-1",
        "Warnings": [],
    }
    world.driver.run()
    again = call(world, "POST", "/bursts", body)
    assert (again.status, again.body["Status"]) == (202, "COMPLETED_WITH_FAILURES")
    other = call(world, "POST", "/bursts", burst(recipients=[recipient(3)]))
    assert (other.status, other.body["Code"]) == (409, "ID_CONFLICT")
    shown = call(world, "GET", "/bursts/burst-1").body
    assert (
        shown["Status"] == "COMPLETED_WITH_FAILURES" and shown["FinishedAt"] and not shown["Error"]
    )
    assert shown["Counts"] == {
        "Total": 4,
        "Accepted": 2,
        "Refused": 2,
        "Completed": 2,
        "Failed": 0,
        "Cancelled": 0,
    }
    assert shown["Reasons"] == []
    assert [each["Line"] for each in shown["Refusals"]] == [3, 4]
    assert shown["Refusals"][0]["Problems"][0]["Field"] == "RowLevelPermissionTags"
    assert shown["ManifestS3Uri"].endswith("/bursts/burst-1/manifest.json")
    assert shown["ReportS3Uri"].endswith("/bursts/burst-1/report.html")
    listed = requests.get(shown["ManifestDownloadUrl"], timeout=5).json()
    assert [each["Line"] for each in listed["Refused"]] == [3, 4] and len(listed["Files"]) == 2
    page = requests.get(shown["ReportDownloadUrl"], timeout=5)
    assert page.headers["Content-Type"].startswith("text/html") and "burst-1" in page.text


def test_refusals_come_in_pages(world: World) -> None:
    call(world, "POST", "/bursts", burst(recipients=[recipient(1), *["nobody"] * 7]))
    world.driver.run()
    lines, token = [], ""
    for _ in range(9):
        path = f"/bursts/burst-1?RefusalsLimit=3{token}"
        shown = call(world, "GET", path).body
        lines.append([each["Line"] for each in shown["Refusals"]])
        if shown["RefusalsNextToken"] is None:
            break
        token = f"&RefusalsNextToken={shown['RefusalsNextToken']}"
    assert lines == [[2, 3, 4], [5, 6, 7], [8]]


def test_a_burst_is_cancelled_once_and_not_after_its_end(world: World) -> None:
    call(world, "POST", "/bursts", burst(recipients=[recipient(n) for n in range(1, 31)]))
    world.work_on_bursts()
    assert call(world, "DELETE", "/bursts/burst-1").status == 202
    assert call(world, "DELETE", "/bursts/burst-1").status == 202
    assert call(world, "GET", "/bursts/burst-1").body["CancelRequested"] is True
    world.driver.run()
    assert call(world, "GET", "/bursts/burst-1").body["Status"] == "CANCELLED"
    ended = call(world, "DELETE", "/bursts/burst-1")
    assert (ended.status, ended.body["Code"]) == (409, "ALREADY_ENDED")


def test_what_is_not_there_is_404_and_what_is_wrong_is_400(world: World) -> None:
    for method in ("GET", "DELETE"):
        assert call(world, method, "/bursts/nothing").status == 404
        assert call(world, method, "/bursts/" + "x" * 49).status == 404
    assert call(world, "GET", "/bursts/nothing?RefusalsNextToken=abc").status == 404
    large = burst(recipients=[recipient(1)], Template=template(Tags={"x": "y" * 300_000}))
    (problem,) = call(world, "POST", "/bursts", large).body["Problems"]
    assert problem["Place"] == "Template" and "at most 262144 bytes" in problem["Rule"]
    answer = call(world, "POST", "/bursts", {"Template": {"DashboardId": "a"}})
    assert answer.status == 400 and answer.body["Problems"]
