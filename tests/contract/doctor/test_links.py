"""Where mails have links, the doctor finds out whether these reach what opens them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from snapshots.doctor.links import judge_links
from tests.contract.doctor.conftest import Examine
from tests.contract.doctor.patient import Patient
from tests.contract.doctor.test_doctor import ALL

CHECK = "mails: links"


@pytest.fixture
def links_url() -> Iterator[str]:
    """What answers unknown tokens under /files/ as the function does, and all else as a gateway."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            if self.path.startswith("/files/"):
                self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def linking(patient: Patient, links_url: str) -> None:
    """A deployment whose mails have links."""
    patient.send_mails()
    patient.variables["EMAIL"] = json.dumps(
        json.loads(patient.variables["EMAIL"]) | {"link_days": 14}
    )
    patient.outputs["LinksUrl"] = links_url


def test_links_that_reach_their_function_pass(examine: Examine, links_url: str) -> None:
    done = examine(*ALL)
    assert (done.code, done.checks[CHECK]["State"]) == (0, "ok")
    assert done.checks[CHECK]["Seen"] == f"links begin at {links_url}"


def test_links_that_lead_elsewhere_are_found_and_only_they(
    examine: Examine, patient: Patient, links_url: str
) -> None:
    patient.outputs["LinksUrl"] = f"{links_url}/wrong"
    done = examine(*ALL)
    assert (done.code, done.named("failed")) == (1, {CHECK})
    assert "custom domain" in done.checks[CHECK]["Fix"]


def test_an_address_that_nobody_answers_at_is_found(examine: Examine, patient: Patient) -> None:
    patient.outputs["LinksUrl"] = "http://127.0.0.1:9"
    assert examine(*ALL).named("failed") == {CHECK}


def test_a_deployment_without_links_is_not_asked_about_them(
    examine: Examine, patient: Patient
) -> None:
    patient.send_mails()
    assert CHECK not in examine(*ALL).checks


def test_a_link_that_is_throttled_is_a_warning() -> None:
    assert judge_links("https://a.example", 429, None).state == "warning"
