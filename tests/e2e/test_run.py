"""`make run`, as a user starts it: a process, its output, what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from local.account.processes import ProcessIdentity
from local.mail import Mailbox
from tests.support.nightly import nightly_but

ROOT = Path(__file__).resolve().parents[2]
COUNT = 15
CLOSING_LINE = re.compile(
    r"exports: (\d+) completed, (\d+) failed \| peak running (\d+) of (\d+) \| throttled (\d+) \| "
    r"limit exceeded (\d+) \| makespan (\d+\.\d) s, bound (\d+\.\d) s, ratio (\d+\.\d\d)"
)


def start_run(exports: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.run", "--exports", str(exports)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def children_of(parent: int) -> list[ProcessIdentity]:
    """Every descendant of a process that lives now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if ppid == parent:
            identity = ProcessIdentity.of(int(folder.name))
            found += [identity] if identity else []
            found += children_of(int(folder.name))
    return found


def wait_until_gone(processes: list[ProcessIdentity], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while alive := [each for each in processes if each.is_alive()]:
        assert time.monotonic() < deadline, f"still alive: {alive}"
        time.sleep(0.1)


def test_a_run_exports_everything_and_says_so() -> None:
    process = start_run(COUNT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    last = output.strip().splitlines()[-1]
    match = CLOSING_LINE.fullmatch(last)
    assert match is not None, last
    told = json.loads((ROOT / ".local" / "run.json").read_text())
    assert [told["completed"], told["failed"]] == [COUNT, 0] == [int(match[1]), int(match[2])]
    assert [told["peak_running"], told["limit"]] == [12, 12] == [int(match[3]), int(match[4])]
    assert [told["throttled"], told["limit_exceeded"]] == [0, 0] == [int(match[5]), int(match[6])]
    assert match[7] == f"{told['makespan_s']:.1f}" and match[8] == f"{told['bound_s']:.1f}"
    assert told["makespan_s"] / told["bound_s"] == pytest.approx(told["ratio"], abs=0.001)
    assert told["ratio"] >= 1
    assert told["state_transitions_per_export"] > 0 and told["quicksight_calls_per_export"] >= 3
    exported = sorted((ROOT / ".local" / "exports").iterdir())
    assert len(exported) == COUNT
    assert all(any(folder.iterdir()) for folder in exported)
    check_report(output)
    check_mails(output)


def check_mails(output: str) -> None:
    """Each customer got its own files, and nobody else's; the pages show them."""
    shown = re.search(r"(\d+) mails with (\d+) files to (\d+) addresses; .*: (\S+)", output)
    assert shown is not None, output
    mails = Mailbox(ROOT / ".local" / "run" / "mail").read()
    assert [int(shown[1]), int(shown[3])] == [COUNT, COUNT] == [len(mails), len(mails)]
    index = Path(shown[4]).read_text(encoding="utf-8")
    exported = {
        folder.name: sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        for folder in (ROOT / ".local" / "exports").iterdir()
    }
    for mail in mails:
        (address,) = mail.recipients
        export_id = mail.tags["DeliveryId"].rsplit("-", 3)[0]
        assert address == f"cust-{int(export_id.rpartition('-')[2]):04}@example.com"
        assert sorted(each.content for each in mail.attachments) == exported.pop(export_id)
        assert (mail.reached, mail.message.defects) == ([address], [])
        assert f'href="{mail.message_id}/index.html"' in index
    assert exported == {}


def check_report(output: str) -> None:
    """It is told of, shows every export on the slots, and links to files that are there."""
    told = re.search(r"a report to look at: (\S+)", output)
    assert told is not None, output
    page = Path(told[1]).read_text(encoding="utf-8")
    assert f"{COUNT} of {COUNT} exports completed" in page
    assert page.count('<g class="bar completed">') == COUNT
    assert page.count('<rect class="lane" y=') == 12
    assert "before they were sent" in page, "the forecast of the deployed API"
    links = [unquote(link) for link in re.findall(r'href="(exports/[^"]+)"', page)]
    assert len(set(links)) == len(links) >= COUNT
    assert all((Path(told[1]).parent / link).is_file() for link in links)
    besides_names = re.sub(r"Statement(?: |%20)of(?: |%20)cust-\d{4}", "", page)
    assert besides_names != page, "the statements are named after their customers"
    tags = [f"cust-{number:04}" for number in range(1, COUNT + 1)]
    assert not [tag for tag in tags if tag in besides_names]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="lists processes by /proc")
@pytest.mark.parametrize(
    "number", nightly_but({signal.SIGINT}, [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
)
def test_a_stopped_run_leaves_no_process_behind(number: signal.Signals) -> None:
    process = start_run(1)
    assert process.stdout is not None
    while "deploying" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.5)
    started = children_of(process.pid)
    assert len(started) >= 2
    os.kill(process.pid, number)
    process.wait(timeout=20)
    wait_until_gone(started)
    assert process.returncode not in (0, None)
    process.stdout.close()
