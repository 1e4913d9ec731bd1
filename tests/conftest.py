"""How the tests are shared out between workers (`make test` runs two, see the Makefile), and the
clock that they see."""

from __future__ import annotations

import locale
import os
import signal
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from local.deployment import QUIET_JSII

# As the stack sets it: read by Powertools where a handler is imported.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "SnapshotExport")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "SnapshotExport")
os.environ.update(QUIET_JSII)
# How long an example takes is the machine's business, and no test's.
settings.register_profile(
    "any machine", settings.get_profile(settings.get_current_profile_name()), deadline=None
)
settings.load_profile("any machine")
# A script that starts the tests in the background has its children ignore Ctrl-C; the commands
# that tests start must heed it all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What starts a server, synthesizes a template or makes mutants does so once a session, hence on one
# worker. A group is handed out whole, in the order of these names; tests of no group follow one by
# one. The deployed stack comes first, since its tests wait most of their time.
GROUPS = {
    "deployed stack": "tests/e2e/",
    "template": "tests/infra/",
    "embedded account": "tests/contract/test_",
    "make run": "tests/e2e/test_run.py",
    "faults": "tests/chaos/test_stack.py",
    "IAM": "tests/chaos/test_iam.py",
    "burst of many": "tests/e2e/test_burst_of_many.py",
    "permissions": "tests/infra/permissions/",
    "browser": "tests/browser/",
    "state machine": "tests/statemachine/",
    "doctor": "tests/contract/doctor/",
    "QuickSight emulator": "tests/contract/quicksight_emulator/",
    "adapters": "tests/contract/adapters/",
    "mutants": "tests/mutants/",
}
ORDER = list(GROUPS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clock", metavar="TIME", help="Begin at this ISO 8601 time, in the process' own locale."
    )
    parser.addoption(
        "--nightly",
        action="store_true",
        help="Run the tests that are marked as nightly, and no others.",
    )
    parser.addoption(
        "--with-nightly",
        action="store_true",
        help="Run the tests that are marked as nightly, and the others.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the clock of this process, and of workers theirs; it goes on from there."""
    config.addinivalue_line("markers", "nightly: takes long; `make nightly` only")
    if begin := config.getoption("--clock"):
        import time_machine

        locale.setlocale(locale.LC_ALL, "")
        traveller = time_machine.travel(begin)
        traveller.start()
        config.add_cleanup(traveller.stop)


def group_of(nodeid: str) -> str:
    """The group with the longest prefix of a test's id, or the id itself."""
    fitting = {len(prefix): name for name, prefix in GROUPS.items() if nodeid.startswith(prefix)}
    return fitting[max(fitting)] if fitting else nodeid


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """xdist's own groups by mark (`--dist loadgroup`) do not work with this pytest."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Groups for every `-n`, in the order of the collection."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the nightly tests or the others. On workers, put groups before tests of no group."""
    if not config.getoption("--with-nightly"):
        chosen: tuple[list[pytest.Item], ...] = ([], [])
        for item in items:
            is_nightly = item.get_closest_marker("nightly") is not None
            chosen[is_nightly == config.getoption("--nightly")].append(item)
        if chosen[False]:
            config.hook.pytest_deselected(items=chosen[False])
            items[:] = chosen[True]
    if hasattr(config, "workerinput"):
        groups = [group_of(item.nodeid) for item in items]
        places = {name: ORDER.index(name) if name in GROUPS else len(ORDER) for name in groups}
        order = sorted(range(len(items)), key=lambda index: places[groups[index]])
        items[:] = [items[index] for index in order]
