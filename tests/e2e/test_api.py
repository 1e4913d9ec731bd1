"""The deployed API, called as its users call it: over HTTP, signed with SigV4."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.account.environment import REGION
from local.deployed import Deployed
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.rows import customers_in


@dataclass(frozen=True)
class Api:
    """Signed calls of one deployed API."""

    url: str

    def call(
        self, method: str, path: str, body: Any = None, *, signed: bool = True
    ) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        request = AWSRequest(
            method, self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        if signed:
            SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
        sent = urllib.request.Request(
            self.url + path,
            data=data.encode() if data is not None else None,
            headers=dict(request.headers),
            method=method,
        )
        try:
            with urllib.request.urlopen(sent, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")


@pytest.fixture
def api(deployed: Deployed) -> Api:
    return Api(deployed.api_url)


def test_a_call_without_a_signature_is_refused(api: Api) -> None:
    assert api.call("GET", "/capacity", signed=False)[0] == 403


def test_an_export_goes_from_post_to_files_that_can_be_downloaded(
    api: Api, deployed: Deployed
) -> None:
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    body = message("api-1", customer="cust-0007", groups=groups)
    assert api.call("POST", "/exports", body) == (
        202,
        {
            "ExportId": "api-1",
            "Status": "RUNNING",
            "StatusPath": "/exports/api-1",
            "Warnings": [],
        },
    )
    assert api.call("POST", "/exports", body)[0] == 202, "the same again"
    deployed.wait_for_export("api-1")
    status, export = api.call("GET", "/exports/api-1")
    assert (status, export["Status"]) == (200, "COMPLETED")
    for file in export["Files"]:
        with urllib.request.urlopen(file["DownloadUrl"], timeout=30) as answer:
            content = answer.read()
        assert len(content) == file["Size"]
        assert customers_in(content, file["FormatType"]) <= {"cust-0007"}
    assert api.call("POST", "/exports", body | {"Priority": 1})[0] == 409
    rows = api.call("GET", "/exports?Status=COMPLETED&Limit=100")[1]["Exports"]
    assert "api-1" in [row["ExportId"] for row in rows]


def wait_for_job(deployed: Deployed, export_id: str) -> None:
    """Until QuickSight has the export's job: marked before that, it holds its slot for 60 s."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        jobs = [job["SnapshotJobId"] for job in deployed.ledger()["jobs"]]
        if any(job.startswith(f"{export_id}-") for job in jobs):
            return
        time.sleep(0.1)
    raise TimeoutError(f"QuickSight has no job of {export_id}")


def test_refusals_have_one_shape(api: Api) -> None:
    wrong = message("api-2", groups=[visuals_group("CSV", "a", "b")])
    calls: list[tuple[int, str, str, Any]] = [
        (400, "POST", "/exports", wrong),
        (400, "POST", "/exports", "{"),
        (400, "POST", "/exports", "x" * 300_000),
        (400, "GET", "/exports?Limit=0", None),
        (404, "GET", "/exports/never", None),
        (404, "GET", "/nothing", None),
        (405, "PATCH", "/exports", {}),
    ]
    for expected, method, path, body in calls:
        status, answer = api.call(method, path, body)
        assert (status, set(answer)) == (expected, {"Code", "Message", "Problems"}), path


def test_what_waits_and_what_runs_is_cancelled_and_a_pause_holds_the_backlog(
    api: Api, deployed: Deployed
) -> None:
    assert api.call("POST", "/exports", message("api-runs"))[1]["Status"] == "RUNNING"
    wait_for_job(deployed, "api-runs")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    status, capacity = api.call("PUT", "/capacity", {"PausedUntil": until})
    assert (status, capacity["PausedUntil"][:19]) == (200, until[:19])
    assert api.call("POST", "/exports", message("api-waits"))[1]["Status"] == "QUEUED"
    assert api.call("POST", "/exports", message("api-stays"))[1]["Status"] == "QUEUED"
    assert api.call("GET", "/exports/api-stays")[1]["Place"] == 2
    assert api.call("GET", "/capacity")[1]["Waiting"] == 2
    assert api.call("DELETE", "/exports/api-waits")[1]["Status"] == "CANCELLED"
    marked = api.call("DELETE", "/exports/api-runs")
    assert marked == (200, {"ExportId": "api-runs", "Status": "RUNNING"})
    assert deployed.wait_for_export("api-runs", 120)["status"] == "CANCELLED"
    status, capacity = api.call("PUT", "/capacity", {"PausedUntil": None})
    assert (capacity["PausedUntil"], capacity["Running"]) == (None, 1), "admitted at once"
    assert deployed.wait_for_export("api-stays", 120)["status"] == "COMPLETED"
    assert deployed.exports(["api-waits"])["api-waits"]["status"] == "CANCELLED"
    assert api.call("GET", "/exports/api-runs")[1]["Files"] == []
    jobs = [job["SnapshotJobId"] for job in deployed.ledger()["jobs"]]
    assert not [job for job in jobs if job.startswith("api-waits")]
    assert api.call("GET", "/capacity")[1]["CompletedLastHour"] > 0
