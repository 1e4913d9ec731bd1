"""The page that a closed burst leaves beside its manifest."""

from __future__ import annotations

import re

import pytest

from snapshot_export.domain.burst import BurstStatus, Work
from snapshot_export.errors import TransientError
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.work import work_on_burst
from tests.support.bursts import burst, recipient, report_of, template
from tests.support.world import World

TAG, PARAMETER, TEAM = "tag-value-9071", "parameter-value-5512", "label-3377"


def test_it_tells_what_was_asked_how_it_went_and_when_slots_were_held(world: World) -> None:
    people = [recipient(number) for number in range(1, 17)]
    people[9] = {"RecipientId": "no-tags"}
    world.switch("fail_job", SnapshotJobId="burst-1-7-", ErrorType="DATASET_DELETED")
    world.send({"Burst": burst(recipients=people, Deadline="2027-06-01T10:00:00Z")})
    world.driver.run()
    page = report_of(world, "burst-1")
    assert "14 of 16 recipients completed" in page and "1 failed, 1 refused" in page
    assert "sales-overview" in page and "15 PDF" in page and "1 Jun 2027, 10:00:00 UTC" in page
    assert page.count('<g class="bar ') == 15 and page.count('<g class="bar failed">') == 1
    assert page.count('<rect class="lane" y=') == 12
    rows = re.findall(r"<tr><td.*?</tr>", page, re.S)
    assert len(rows) == 16 and "burst-1-7<" in rows[0] and "DATASET_DELETED" in rows[0]
    assert "RowLevelPermissionTags" in rows[15] and ">10<" in rows[15]
    link = re.search(r'href="([^"]+)" title="(s3://[^"]+)">report.pdf</a>', rows[1])
    assert link is not None
    assert link[2] == f"s3://{world.settings.export_bucket}/exports/burst-1/r-1/report.pdf"
    assert link[1].startswith("https://us-east-1.console.aws.amazon.com/s3/object/")
    assert "X-Amz-" not in page
    assert "Expected (P50)" in page and "The deadline was kept" in page


def test_nothing_of_a_request_is_on_it_but_ids_and_names(world: World) -> None:
    body = template(Name="{recipient}/report", Tags={"team": TEAM})
    body["SnapshotConfiguration"]["Parameters"] = {
        "StringParameters": [{"Name": "Region", "Values": [PARAMETER]}]
    }
    tags = [{"Key": "customer_id", "Value": TAG}]
    people = [{"RecipientId": "a", "RowLevelPermissionTags": tags}]
    people += [{"RecipientId": TAG * 20, "RowLevelPermissionTags": tags}]
    world.send({"Burst": burst(recipients=people, Template=body)})
    world.driver.run()
    page = report_of(world, "burst-1")
    assert "1 of 2 recipients completed" in page and ">a</td>" in page and "RecipientId" in page
    for secret in (TAG, PARAMETER, TEAM):
        assert secret not in page


def test_closing_again_writes_the_same_page_and_a_page_that_fails_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(world.services.manifests, "write_report", _refuse)
        world.send({"Burst": burst(recipients=[recipient(1)])})
        with pytest.raises(TransientError):
            world.driver.run()
        record = world.services.bursts.find("burst-1")
        assert record is not None and record.status is BurstStatus.RUNNING
    work_on_burst(world.services, "burst-1", Work.CLOSE, stop_at=0)
    first = report_of(world, "burst-1")
    work_on_burst(world.services, "burst-1", Work.CLOSE, stop_at=0)
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.status is BurstStatus.COMPLETED
    assert report_of(world, "burst-1") == first


def _refuse(*_: object) -> None:
    raise TransientError("S3: SlowDown")


def test_a_burst_that_nobody_was_accepted_of_has_a_page_too(world: World) -> None:
    world.send({"Burst": burst(recipients=["nobody"])})
    world.driver.run()
    page = report_of(world, "burst-1")
    assert "0 of 1 recipient completed" in page and "Nothing ended" in page
    assert "No export held a slot" in page


def test_a_cancelled_burst_shows_what_was_cancelled(world: World) -> None:
    world.send({"Burst": burst(recipients=[recipient(number) for number in range(1, 21)])})
    world.work_on_bursts()
    world.driver.run(until=world.clock.now() + 5)
    cancel_burst(world.services, "burst-1")
    world.driver.run()
    page = report_of(world, "burst-1")
    assert "0 of 20 recipients completed" in page and "20 cancelled" in page
    assert page.count('<g class="bar cancelled">') == 12
