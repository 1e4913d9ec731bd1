"""The emulator as a process, and in the background of one."""

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

from local.quicksight import QuickSightServer, Settings
from tests.unit.quicksight_emulator.support import Caller

ROOT = Path(__file__).resolve().parents[3]


def test_a_process_tells_its_addresses_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.quicksight", "--state-dir", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "http://127.0.0.1:" in process.stdout.readline()
            state = json.loads((tmp_path / "quicksight.json").read_text(encoding="utf-8"))
            with urllib.request.urlopen(f"{state['url']}/_emulator/health", timeout=10) as answer:
                assert answer.status == 200
            assert state["pid"] == process.pid
            assert state["downloads_url"].startswith("https://127.0.0.1:")
            assert Path(state["ca_file"]).is_file()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
    assert not (tmp_path / "quicksight.json").exists()


def test_jobs_end_in_the_background_although_nobody_asks(
    aws_endpoint: str, bucket: str, s3: Any, monkeypatch: Any
) -> None:
    settings = Settings(
        aws_endpoint=aws_endpoint,
        time_scale=0.005,
        shortest_lead_seconds=0.0,
        longest_lead_seconds=0.0,
    )
    ended = threading.Event()
    with QuickSightServer(settings) as server:
        settle = server.emulator.settle

        def watch() -> None:
            settle()
            if server.emulator.ledger()["jobs"][0]["ended"]:
                ended.set()

        Caller(server.emulator).start(bucket=bucket, prefix="background")
        monkeypatch.setattr(server.emulator, "settle", watch)
        assert ended.wait(timeout=10)
        assert server.emulator.ledger()["jobs"][0]["status"] == "COMPLETED"
    assert s3.list_objects_v2(Bucket=bucket, Prefix="background")["KeyCount"] == 1
