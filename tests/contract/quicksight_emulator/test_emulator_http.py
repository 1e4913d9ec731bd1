"""Who may call and how, and the emulator's own endpoints."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from local.quicksight.service_model import DESCRIBE, START
from tests.contract.quicksight_emulator.support import ACCOUNT, Service, ids, make_client, request


def open_raw(url: str, headers: dict[str, str]) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-amzn-errortype"]


def scope(service: str, region: str = "us-east-1") -> dict[str, str]:
    credential = f"Credential=AKID/20260101/{region}/{service}/aws4_request"
    signature = f"SignedHeaders=host, Signature={'0' * 64}"
    return {"Authorization": f"AWS4-HMAC-SHA256 {credential}, {signature}"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 403, "MissingAuthenticationTokenException"),
        ({"Authorization": "Basic abc"}, 400, "IncompleteSignatureException"),
        (scope("s3"), 403, "InvalidSignatureException"),
        (scope("quicksight", "eu-west-1"), 403, "InvalidSignatureException"),
        (scope("quicksight"), 404, "ResourceNotFoundException"),
    ],
)
def test_unsigned_and_wrongly_scoped_calls_are_refused(
    service: Service, headers: dict[str, str], status: int, code: str
) -> None:
    path = f"/accounts/{ACCOUNT}/dashboards/sales-overview/snapshot-jobs/job-1"
    assert open_raw(service.server.url + path, headers) == (status, code)


def test_an_unknown_route_is_no_operation(service: Service) -> None:
    url = f"{service.server.url}/accounts/{ACCOUNT}/analyses"
    assert open_raw(url, scope("quicksight")) == (404, "UnknownOperationException")


def test_a_lost_response_is_a_closed_connection(service: Service) -> None:
    service.server.emulator.add_switch({"kind": "lose_response", "Operation": START})
    with pytest.raises(ConnectionClosedError):
        service.call(START, request())
    assert service.call(DESCRIBE, ids())["JobStatus"] == "QUEUED"


def test_a_validating_client_with_its_defaults_is_served(service: Service) -> None:
    client = make_client(service.server.url, parameter_validation=True, retries={"mode": "legacy"})
    client.start_dashboard_snapshot_job(**request())
    assert client.describe_dashboard_snapshot_job(**ids())["Status"] == 200


HOME = ("000000000000", "us-east-1")


def admin(service: Service, method: str, name: str, body: bytes | None = None) -> tuple[int, Any]:
    url = f"{service.server.url}/_emulator/{name}"
    call = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(call) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_emulators_own_endpoints(service: Service) -> None:
    assert admin(service, "GET", "health") == (200, {"status": "ok"})
    assert admin(service, "POST", "switches", b'{"kind": "hang_job"}')[0] == 200
    assert admin(service, "POST", "switches", b'{"kind": "explode"}')[0] == 400
    assert admin(service, "POST", "switches", b"not json")[0] == 400
    assert admin(service, "POST", "occupy", b'{"slots": 11, "seconds": null}')[0] == 200
    assert admin(service, "POST", "occupy", b'{"slots": -1}')[0] == 400
    assert admin(service, "POST", "data-sets", b'{"data_set_id": "sales", "name": "S"}')[0] == 200
    assert admin(service, "POST", "data-sets", b'{"data_set_id": "sales"}')[0] == 400
    assert service.server.emulator.places[HOME].account.data_set("sales").rules == ()
    assert admin(service, "POST", "unfulfilled-tags", b'{"shows": "SHOW_NOTHING"}')[0] == 200
    assert admin(service, "POST", "unfulfilled-tags", b'{"shows": "MERCY"}')[0] == 400
    service.call(START, request())
    assert admin(service, "GET", "switches")[1]["switches"][0]["fired"] == 1
    assert admin(service, "DELETE", "switches")[0] == 200
    assert admin(service, "DELETE", "occupy")[0] == 200
    ledger = admin(service, "GET", "ledger")[1]
    assert [call["others"] for call in ledger["calls"]] == [11]
    assert admin(service, "POST", "reset")[0] == 200
    assert admin(service, "GET", "ledger")[1]["calls"] == []
    assert admin(service, "GET", "nothing")[0] == 404
