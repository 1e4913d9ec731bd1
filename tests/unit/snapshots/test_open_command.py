"""`snapshots open` as a process: Ctrl-C ends it, whatever the API does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[3]


class SilentApi(ThreadingHTTPServer):
    """Answers once, and keeps every later call waiting until `go_on`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_asked, self.go_on = threading.Event(), threading.Event()
        self.answers = 1


class _Handler(BaseHTTPRequestHandler):
    server: SilentApi

    def do_GET(self) -> None:
        self.server.answers -= 1
        if self.server.answers < 0:
            self.server.is_asked.set()
            self.server.go_on.wait()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[SilentApi]:
    with SilentApi() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


def test_ctrl_c_ends_it_while_the_api_does_not_answer(api: SilentApi) -> None:
    url = f"http://127.0.0.1:{api.server_port}"
    environment = os.environ | {"SNAPSHOTS_TOKEN": "t", "SNAPSHOTS_API_URL": url}
    command = [sys.executable, "-m", "snapshots.main", "open", "--no-browser"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            address = urlsplit(process.stdout.readline().strip())
            assert address.port
            page = HTTPConnection("127.0.0.1", address.port, timeout=30)
            origin = {"Origin": f"http://{address.netloc}", "Content-Type": "application/json"}
            page.request("POST", "/session", json.dumps({"Ticket": address.fragment}), origin)
            key = json.loads(page.getresponse().read())["Key"]
            page.request("GET", "/status", headers={"Authorization": f"Bearer {key}"})
            assert api.is_asked.wait(30)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0 and "Traceback" not in err
