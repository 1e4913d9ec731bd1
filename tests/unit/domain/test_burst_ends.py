"""How a burst ends by how its exports did."""

from __future__ import annotations

import pytest

from snapshot_export.domain.burst import BurstStatus, status_of_ends


@pytest.mark.parametrize(
    ("completed", "failed", "cancelled", "refused", "status"),
    [
        (3, 0, 0, 0, BurstStatus.COMPLETED),
        (0, 0, 0, 0, BurstStatus.COMPLETED),
        (2, 0, 1, 0, BurstStatus.COMPLETED),
        (2, 1, 0, 0, BurstStatus.COMPLETED_WITH_FAILURES),
        (2, 0, 0, 1, BurstStatus.COMPLETED_WITH_FAILURES),
        (0, 3, 0, 0, BurstStatus.FAILED),
        (0, 0, 0, 3, BurstStatus.FAILED),
        (0, 1, 2, 0, BurstStatus.FAILED),
        (0, 0, 3, 0, BurstStatus.CANCELLED),
    ],
)
def test_only_a_burst_without_failures_is_completed(
    completed: int, failed: int, cancelled: int, refused: int, status: BurstStatus
) -> None:
    found = status_of_ends(completed=completed, failed=failed, cancelled=cancelled, refused=refused)
    assert found is status
