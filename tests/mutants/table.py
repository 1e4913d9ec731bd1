"""Which tests claim which module: the fast ones first, since the first failure ends a mutant."""

from __future__ import annotations

PACKAGE = "lambdas/snapshot_export"
UNIT, FLOWS = "tests/unit/domain", "tests/flows"
LINES = f"{FLOWS}/test_log_lines.py"

CLAIMS: dict[str, tuple[str, ...]] = {
    "domain/gate.py": (f"{UNIT}/test_gate.py", f"{FLOWS}/test_store.py"),
    "domain/retry.py": (f"{UNIT}/test_decisions.py",),
    "domain/backlog.py": (f"{UNIT}/test_backlog.py",),
    "adapters/table/store.py": (
        f"{FLOWS}/test_store_conditions.py",
        LINES,
        f"{FLOWS}/test_store.py",
        f"{FLOWS}/test_starts.py",
        f"{FLOWS}/test_ends.py",
        f"{FLOWS}/test_cancel.py",
        f"{FLOWS}/test_leases.py",
        f"{FLOWS}/test_hand_over.py",
        f"{FLOWS}/test_warnings.py",
        f"{FLOWS}/test_failures.py",
    ),
    "adapters/table/pacer.py": (f"{FLOWS}/test_pacer.py",),
    "adapters/table/name_claims.py": (f"{FLOWS}/test_names.py",),
    "adapters/table/burst_store.py": (f"{FLOWS}/test_burst_store.py",),
    "adapters/table/dynamodb.py": (
        f"{FLOWS}/test_store.py",
        f"{FLOWS}/test_growth.py",
        f"{FLOWS}/test_listing.py",
    ),
    "flows/export/admit.py": (
        LINES,
        f"{FLOWS}/test_entry_keys.py",
        f"{FLOWS}/test_metrics.py",
        f"{FLOWS}/test_capacity.py",
    ),
    "flows/export/start.py": (
        LINES,
        f"{FLOWS}/test_starts.py",
        f"{FLOWS}/test_failures.py",
        f"{FLOWS}/test_ends.py",
    ),
    "flows/export/check.py": (
        LINES,
        f"{FLOWS}/test_polling.py",
        f"{FLOWS}/test_failures.py",
        f"{FLOWS}/test_metrics.py",
    ),
    "flows/export/hand_over.py": (
        LINES,
        f"{FLOWS}/test_hand_over.py",
    ),
    "flows/export/collect.py": (
        LINES,
        f"{FLOWS}/test_failures.py",
        f"{FLOWS}/test_cancel.py",
        f"{FLOWS}/test_ends.py",
        f"{FLOWS}/test_transfers.py",
    ),
    "flows/export/finish.py": (
        LINES,
        f"{FLOWS}/test_events.py",
        f"{FLOWS}/test_ends.py",
        f"{FLOWS}/test_cancel.py",
        f"{FLOWS}/test_metrics.py",
    ),
    "flows/periodic/reconcile.py": (
        LINES,
        f"{FLOWS}/test_drift.py",
        f"{FLOWS}/test_crashes.py",
    ),
    "flows/burst/expand.py": (
        LINES,
        f"{FLOWS}/test_bursts.py",
        f"{FLOWS}/test_manifests.py",
        f"{FLOWS}/test_metrics.py",
    ),
    "flows/burst/close.py": (LINES, f"{FLOWS}/test_burst_close.py"),
    "flows/burst/cancel.py": (LINES, f"{FLOWS}/test_burst_cancel.py"),
}
"""Module, with the files of tests that it is run against."""
