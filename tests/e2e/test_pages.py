"""The tutorial and the how-tos, followed on the deployed stack as a reader would."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bench.costs import price_idle, read_template
from bench.prices import unit_prices
from local.account.environment import client_environment
from local.deployed import Deployed
from snapshot_export.domain.scopes import Scope, scope_of
from snapshot_export.handlers.api.document import make_document
from tests.e2e.conftest import OWN_BUCKET
from tests.infra.test_api import allowed_by
from tests.support.deployed_api import call_api
from tests.support.messages import message
from tests.support.pages import ROOT, follow_page, make_workspace, read_blocks
from tests.support.rows import bookmarks_of, customers_in, opened_with
from tests.support.shifted_clock import CLOCK

HOW_TO = ROOT / "docs" / "how-to"
Follow = Callable[[str], Path]
Found = TypeVar("Found")


@pytest.fixture
def follow(deployed: Deployed, tmp_path: Path) -> Iterator[Follow]:
    """Follow a page of docs/, and return the folder in which that was done."""
    workspace = make_workspace(tmp_path)
    state = tmp_path / "state.json"
    addresses = {
        "endpoint_url": deployed.endpoint_url,
        "quicksight_url": deployed.quicksight_url,
        "region": deployed.region,
    }
    state.write_text(json.dumps(addresses), encoding="utf-8")
    environment = {
        name: value
        for name, value in client_environment(deployed.endpoint_url).items()
        if name.startswith("AWS_") or name.lower() == "no_proxy"
    }
    environment |= {
        "AWS_ENDPOINT_URL_QUICKSIGHT": deployed.quicksight_url,
        "SNAPSHOTS_LOCAL": "1",
        "SNAPSHOTS_LOCAL_STATE": str(state),
        **CLOCK,
    }

    def run(page: str) -> Path:
        follow_page(ROOT / "docs" / page, workspace, environment)
        return workspace

    yield run


def test_the_tutorial_leads_to_the_files_of_a_burst(follow: Follow) -> None:
    files = follow("tutorial.md") / "files"

    shown = {path.name: customers_in(path.read_bytes(), "PDF") for path in files.rglob("*.pdf")}
    assert shown["statement-alder.pdf"] == {"cust-0001"}
    assert shown["statement-glen.pdf"] == {"cust-0006"}
    assert (files / "first" / "report.html").stat().st_size > 10_000


def test_every_how_to_is_in_the_list_and_followed_here() -> None:
    pages = {path.name for path in HOW_TO.glob("*.md")} - {"README.md"}
    listed = re.findall(r"\]\(([a-z-]+\.md)\) \|", (HOW_TO / "README.md").read_text("utf-8"))
    followed = re.findall(r"\"how-to/([a-z-]+\.md)\"", Path(__file__).read_text("utf-8"))

    assert len(listed) == 13
    assert {*listed} == {*followed} == pages


@pytest.mark.nightly
def test_weekly_files_carry_the_monday_of_their_zone(follow: Follow, deployed: Deployed) -> None:
    follow("how-to/weekly.md")

    scheduler, group = deployed.client("scheduler"), deployed.outputs["ScheduleGroupName"]
    printed = scheduler.get_schedule(GroupName=group, Name="berlin")
    auckland = scheduler.get_schedule(GroupName=group, Name="auckland")
    for name in ("berlin", "auckland"):
        scheduler.delete_schedule(GroupName=group, Name=name)
    assert printed["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert auckland["ScheduleExpressionTimezone"] == "Pacific/Auckland"
    assert "MON" in printed["ScheduleExpression"], "fires on Mondays only"
    occurrence = printed["Target"]["Input"].replace(
        "<aws.scheduler.scheduled-time>", "2026-11-23T05:30:00Z"
    )
    deployed.send(occurrence)
    export = deployed.wait_for_export("berlin-20261123T060000Z-3")
    (file,) = export["files"]
    assert file["uri"].endswith("/berlin-20261123T060000Z/2026-11-23/statement-birch.pdf")


@pytest.mark.nightly
def test_a_dashboards_address_is_enough_to_begin(follow: Follow, deployed: Deployed) -> None:
    fault = {"ErrorType": "DATASET_DELETED", "SnapshotJobId": "december-3"}
    deployed.switch({"kind": "fail_job", "times": 1, **fault})
    folder = follow("how-to/from-a-dashboard.md")

    (file,) = (folder / "files").rglob("*.pdf")
    assert customers_in(file.read_bytes(), "PDF") == {"cust-0009"}
    tried = {path.name: path.read_bytes() for path in (folder / "tried").rglob("*.pdf")}
    shown = {name: customers_in(content, "PDF") for name, content in tried.items()}
    again = {path.name: path.read_bytes() for path in (folder / "december").rglob("*.pdf")}
    assert again.keys() == tried.keys()
    assert customers_in(again["acme.pdf"], "PDF") == {"cust-0010"}
    assert shown == {"example-1.pdf": {"cust-0009"}, "acme.pdf": {"cust-0010"}}


@pytest.mark.nightly
def test_recipients_are_found_by_a_query(
    follow: Follow, deployed: Deployed, work_group: str
) -> None:
    follow("how-to/recipients-from-a-query.md")

    deployed.client("scheduler").delete_schedule(
        GroupName=deployed.outputs["ScheduleGroupName"], Name="statements"
    )
    assert deployed.wait_for_export("held-one-2")["recipient_id"] == "alder"


@pytest.mark.nightly
def test_a_whole_dashboard_is_one_file(follow: Follow) -> None:
    folder = follow("how-to/whole-dashboard.md")

    (file,) = (folder / "files").rglob("*.pdf")
    content = file.read_bytes()
    assert len(bookmarks_of(content)) == 2
    assert customers_in(content, "PDF") == {"cust-0011"}


@pytest.mark.nightly
def test_statements_open_with_their_own_password(follow: Follow) -> None:
    files = follow("how-to/passwords.md") / "files"

    for number, password in ((1, "tall trees 4711 lean"), (2, "white bark 0815 peels")):
        (pdf,), (archive,) = (
            [*(files / f"locked-{number + 1}").glob(pattern)] for pattern in ("*.pdf", "*.csv.zip")
        )
        for path, kind in ((pdf, "PDF"), (archive, "CSV")):
            plain = opened_with(password, path.read_bytes(), kind)
            assert customers_in(plain, kind) == {f"cust-{number:04d}"}


@pytest.mark.nightly
def test_a_burst_follows_the_refresh_once(follow: Follow, deployed: Deployed) -> None:
    folder = follow("how-to/after-refresh.md")
    follow("how-to/after-refresh.md")

    page = (HOW_TO / "after-refresh.md").read_text(encoding="utf-8")
    assert "examples/after_refresh.py invoices" in page and folder.is_dir()
    burst_ids = wait_for(lambda: bursts_of(deployed, "invoices-"))
    assert len(burst_ids) == 1, "twice the same"
    assert deployed.wait_for_export(f"{burst_ids.pop()}-1")["status"] == "COMPLETED"


def bursts_of(deployed: Deployed, prefix: str) -> set[str]:
    rows = call_api(deployed, "GET", "/exports?Limit=100")["Exports"]
    return {row["BurstId"] for row in rows if str(row.get("BurstId")).startswith(prefix)}


def wait_for(find: Callable[[], Found], seconds: float = 60.0) -> Found:
    """What is found, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "nothing is found"
        time.sleep(0.3)
    return found


@pytest.mark.nightly
def test_only_the_failed_ones_run_again(follow: Follow, deployed: Deployed, tmp_path: Path) -> None:
    template = {**message(None, dashboard="customer-statement"), "Name": "{recipient}"}
    template.pop("UserConfiguration")
    people = {"alder": "cust-0001", "birch": "cust-0002"}
    recipients = [
        {"RecipientId": name, "RowLevelPermissionTags": [{"Key": "customer_id", "Value": value}]}
        for name, value in people.items()
    ]
    fault = {"ErrorType": "DATASET_DELETED", "SnapshotJobId": "november-2"}
    deployed.switch({"kind": "fail_job", "times": 9, **fault})
    deployed.send(
        {"Burst": {"BurstId": "november", "Template": template, "Recipients": recipients}}
    )
    rows = "".join(f"{name},{value}\n" for name, value in people.items())
    folder = tmp_path / "checkout"
    (folder / "customers.csv").write_text(f"RecipientId,tag:customer_id\n{rows}")
    (folder / "template.json").write_text(json.dumps(template))
    assert deployed.wait_for_export("november-2")["status"] == "FAILED"
    wait_for(lambda: call_api(deployed, "GET", "/bursts/november")["FinishedAt"])
    deployed.clear_switches()

    files = follow("how-to/failed-again.md") / "files"

    assert deployed.exports(["november-2"])["november-2"]["status"] == "COMPLETED"
    (statement,) = (files / "november-2").iterdir()
    assert customers_in(statement.read_bytes(), "PDF") == {"cust-0002"}
    manifest = json.loads((files / "november" / "manifest.json").read_text(encoding="utf-8"))
    assert {each["ExportId"]: each["Revision"] for each in manifest["Files"]} == {
        "november-1": 1, "november-2": 2,
    }  # fmt: skip


@pytest.mark.nightly
def test_another_environment_is_a_stack_of_its_own(follow: Follow) -> None:
    folder = follow("how-to/environments.md")

    production, staging = (
        deployment_of(folder, name) for name in ("SnapshotExport", "SnapshotExportStaging")
    )
    shared = staging["snapshot_job_limit"], staging["calls_per_second"]
    assert shared == (2, 1.5)
    assert production["reserved_slots"] == shared[0]
    assert production["calls_per_second"] + shared[1] <= 10, "of QuickSight's calls a second"


@pytest.mark.nightly
def test_the_limit_is_lowered_and_put_back_and_deployed(follow: Follow, deployed: Deployed) -> None:
    wait_for(lambda: not deployed.leases())  # of tests before
    folder = follow("how-to/limit.md")

    assert deployment_of(folder, "SnapshotExport")["snapshot_job_limit"] == 20
    assert call_api(deployed, "GET", "/capacity")["Limit"] == 12


def deployment_of(folder: Path, stack_name: str) -> dict[str, Any]:
    text = (folder / "cdk.out" / f"{stack_name}.json").read_text(encoding="utf-8")
    deployment: dict[str, Any] = json.loads(text)
    return deployment


@pytest.mark.nightly
def test_a_program_sends_messages(follow: Follow, deployed: Deployed) -> None:
    follow("how-to/send-from-python.md")

    for export_id in ("from-python-1", "from-python-2"):
        assert deployed.wait_for_export(export_id)["status"] == "COMPLETED"
    (shown,) = (b for b in read_blocks(HOW_TO / "send-from-python.md") if b.language == "python")
    program = (ROOT / "examples" / "send_message.py").read_text(encoding="utf-8")
    assert program.endswith(shown.text)


@pytest.mark.nightly
def test_files_come_to_a_bucket_of_ones_own(follow: Follow, deployed: Deployed) -> None:
    s3 = deployed.client("s3")
    s3.create_bucket(
        Bucket=OWN_BUCKET, CreateBucketConfiguration={"LocationConstraint": deployed.region}
    )

    folder = follow("how-to/own-bucket.md")

    assert deployment_of(folder, "SnapshotExport")["allowed_buckets"] == [OWN_BUCKET]
    (found,) = s3.list_objects_v2(Bucket=OWN_BUCKET, Prefix="exports/")["Contents"]
    content = s3.get_object(Bucket=OWN_BUCKET, Key=found["Key"])["Body"].read()
    assert customers_in(content, "PDF") == {"cust-0001"}


@pytest.mark.nightly
def test_who_may_read_may_read_and_nothing_else(follow: Follow, deployed: Deployed) -> None:
    iam = deployed.client("iam")
    iam.create_role(RoleName="analysts", AssumeRolePolicyDocument="{}")

    follow("how-to/access.md")

    policy = iam.get_role_policy(RoleName="analysts", PolicyName="snapshots-read")
    document = policy["PolicyDocument"]
    calls, _ = document["Statement"]
    calls["Resource"] = [
        each.replace(f":{deployed.outputs['ApiId']}/", ":<ApiId>/") for each in calls["Resource"]
    ]
    for path, operations in make_document()["paths"].items():
        for method in map(str.upper, operations):
            allowed = allowed_by({"Statement": [calls]}, method, re.sub(r"\{\w+\}", "id", path))
            assert allowed == (scope_of(method, path) is Scope.READ), (method, path)


@pytest.mark.nightly
def test_the_example_of_costs_is_computed(follow: Follow) -> None:
    follow("how-to/costs.md")
    page = (HOW_TO / "costs.md").read_text(encoding="utf-8")
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    idle = sum(price_idle(read_template(), unit_prices()).values())
    shown = dict(re.findall(r"^\| (.+?) \| .+? \| ([\d,.]+) \|$", page, re.M))
    (per_thousand,) = re.findall(r"21,500 . \$([\d.]+) / 1,000", page)
    (reports,) = re.findall(r"1,000 reports of .+ \| ([\d,.]+) \|", costs)

    assert f"| **together** | **{per_thousand}** |" in costs
    amounts = [float(text.replace(",", "")) for text in shown.values()]
    per_report = float(reports.replace(",", "")) / 1000
    assert amounts == [
        round(idle, 2), round(21.5 * float(per_thousand), 2), 21_500 * per_report,
    ]  # fmt: skip
