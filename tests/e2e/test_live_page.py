"""`snapshots open` as a process in front of the deployed stack, with a browser that looks at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.account.environment import REGION
from local.deployed import Deployed
from local.examples import load_examples
from tests.support.chromium import Page, chromium
from tests.support.deployed_api import call_api
from tests.support.shifted_clock import CLOCK

SNAPSHOTS = Path(sys.executable).parent / "snapshots"
ASKS = "document.querySelector('#ask').open"


@pytest.fixture
def tab() -> Iterator[Page]:
    with chromium() as browser:
        page = Page(browser)
        yield page
        page.close()


@pytest.fixture
def command(deployed: Deployed, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, which serves; at the end nothing is paused."""
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"endpoint_url": deployed.endpoint_url, "region": REGION}))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "SNAPSHOTS_LOCAL": "1",
        "SNAPSHOTS_LOCAL_STATE": str(state), "PYTHONUNBUFFERED": "1", **CLOCK,
    }  # fmt: skip
    with subprocess.Popen(
        [SNAPSHOTS, "open", "--no-browser"], env=environment, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            call_api(deployed, "PUT", "/capacity", {"PausedUntil": None})


def request(export_id: str) -> dict[str, Any]:
    return {**load_examples()["pdf-of-one-sheet"], "ExportId": export_id}


def row(body: str, export_id: str) -> str:
    return f"document.querySelector('#{body} tr[data-key=\"{export_id}\"]')"


def answer_yes(tab: Page) -> None:
    tab.wait_until(ASKS)
    tab.click("#yes")


def test_a_morning_on_the_page(
    deployed: Deployed, command: subprocess.Popen[str], tab: Page
) -> None:
    """Pause, see what waits, cancel one, resume, see it run, end and fail."""
    assert command.stdout and command.stderr
    address = command.stdout.readline().strip()
    tab.show_as(width=1000)
    tab.open(address)
    tab.wait_until("!document.querySelector('#main').hidden")
    assert tab.complaints == []
    tab.click("#pause")
    answer_yes(tab)
    tab.wait_until("!document.querySelector('#resume').hidden")
    ids = [f"page-{name}-{uuid.uuid4().hex[:8]}" for name in ("done", "regretted", "broken")]
    deployed.switch({"kind": "fail_job", "SnapshotJobId": ids[2], "ErrorType": "DATASET_DELETED"})
    for export_id in ids:
        call_api(deployed, "POST", "/exports", request(export_id))
    for export_id in ids:
        tab.wait_until(f"{row('backlog', export_id)} !== null")
    tab.evaluate(f"{row('backlog', ids[1])}.querySelector('button').click()")
    answer_yes(tab)
    tab.wait_until(f"{row('backlog', ids[1])} === null")
    assert call_api(deployed, "GET", f"/exports/{ids[1]}")["Status"] == "CANCELLED"
    tab.click("#resume")
    answer_yes(tab)
    tab.wait_until(f"{row('backlog', ids[0])} === null")
    tab.wait_until(f"{row('failures', ids[2])} !== null")
    assert "DATASET_DELETED" in tab.evaluate(f"{row('failures', ids[2])}.innerText")
    assert tab.evaluate("document.title").partition(" ")[2].startswith("failed")
    assert tab.evaluate("document.querySelector('#alerts [data-of=api]')") is None
    command.send_signal(signal.SIGINT)
    _, shown = command.communicate(timeout=60)
    assert command.returncode == 0 and "Traceback" not in shown
