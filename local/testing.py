"""Test support: the stack deployed onto an embedded account, once for all tests of a session."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.deployed import Deployed
from local.quicksight_process import QuickSightSettings
from local.settings import SCALED_CALLS_PER_SECOND

TEST_QUICKSIGHT = QuickSightSettings(limit=12, calls_per_second=10, time_scale=0.05, seed=7)
"""Jobs take 2 s on average."""


def expected_of(quicksight: QuickSightSettings) -> dict[str, Any]:
    """The deployment parameters that follow from an emulator's settings."""
    return {
        "snapshotJobLimit": quicksight.limit,
        "expectedJobSeconds": 40 * quicksight.time_scale,
        "callsPerSecond": SCALED_CALLS_PER_SECOND,
    }


@contextmanager
def deployed_stack(
    state_dir: Path,
    *,
    quicksight: QuickSightSettings = TEST_QUICKSIGHT,
    parameters: Mapping[str, Any] | None = None,
    enforce_iam: bool = False,
) -> Iterator[Deployed]:
    """A stack of its own, gone at the end; logs stay in `state_dir`."""
    with LocalCloud(state_dir, quicksight=quicksight, enforce_iam=enforce_iam) as cloud:
        yield cloud.deploy(expected_of(quicksight) | dict(parameters or {}))
