"""Repair: records that cannot be read are written anew from others, before a pass relies on them.

Each repair is one conditional write, or one transaction with the record that it follows, so dying
between two leaves the rest to the next pass. What cannot be repaired is left where it is, stops
nobody, and is reported in each pass.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.drift import Drift, Finding
from snapshot_export.errors import SnapshotExportError, UnreadableRecordError
from snapshot_export.flows.export.admit import repair_gate

logger = Logger(child=True)


def repair(services: Services) -> int:
    """Repair the gate and the attempts of a target, and put back what was set aside.

    Answers how many records could not be read.
    """
    is_gate_bad = False
    try:
        services.store.gate()
    except UnreadableRecordError as error:
        is_gate_bad = True
        repair_gate(services, error)
    attempts = services.store.leases()
    unreadable = [each.export_id for each in attempts if not each.is_readable]
    for export_id in unreadable:
        _rewrite_attempt(services, export_id)
    services.repairs.put_back()
    return len(unreadable) + is_gate_bad


def find_unreadable(services: Services, repaired: int) -> Finding | None:
    """What could not be read in this pass, and the entries that are set aside."""
    aside = services.repairs.count_aside()
    if not repaired and not aside:
        return None
    reason = f"{repaired} records could not be read, {aside} backlog entries are set aside"
    return Finding(Drift.RECORDS_UNREADABLE, repaired + aside, reason)


def _rewrite_attempt(services: Services, export_id: str) -> None:
    try:
        done = services.repairs.rewrite_attempt(export_id)
    except SnapshotExportError as error:
        logger.warning("attempt not repaired", reason=str(error), export_id=export_id)
        return
    reason = "written anew from its export" if done else "its export is no help"
    logger.error("attempt cannot be read", reason=reason, export_id=export_id)
