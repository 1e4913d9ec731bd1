"""Admit: let the first of the backlog in while slots are free.

Order of writes: one transaction counts the slots, writes the leases and takes the backlog entries;
then each export's execution is started (or, by hand_over, its job before that). A function that
dies between the two leaves a lease without an execution: the reconciler starts it. Everybody who
frees a slot or adds to the backlog calls this; calling it too often does no harm.

No entry stops those behind it: one that cannot be read, whose export does not wait, or on which
admissions keep failing is dropped, written anew or set aside (adapters/table/repairs.py), each in
one transaction with its export's.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.dynamodb import Key
from snapshot_export.adapters.table.repairs import Outcome
from snapshot_export.adapters.table.store import MAX_ADMITTED_AT_ONCE
from snapshot_export.domain.admission import attempt_of
from snapshot_export.domain.backlog import BacklogEntry, in_order_of_admission, look_ahead
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.gate import Admission, Gate, decide_admission
from snapshot_export.errors import (
    ConditionFailedError,
    SnapshotExportError,
    TransientError,
    UnreadableRecordError,
    WriteRefusedError,
)
from snapshot_export.metric import Metric

ROUNDS = 12
FAILURES = 3
"""After this many failures on one entry in one admission the entry is set aside."""

logger = Logger(child=True)


def start_executions(services: Services, attempts: Sequence[Attempt]) -> None:
    """Start the executions of admissions; a failure is left to the reconciler."""
    for attempt in attempts:
        try:
            services.executions.start(attempt, services.settings.target)
        except TransientError as error:
            logger.warning("execution not started", reason=str(error), export_id=attempt.export_id)


def admit(
    services: Services,
    begin: Callable[[Services, Sequence[Attempt]], None] = start_executions,
) -> int:
    """Fill the free slots from the backlog. Answers how many exports were admitted.

    `begin` gets the attempts of each admission's transaction, and starts their executions.
    """
    admitted, most, failures = 0, MAX_ADMITTED_AT_ONCE, Counter[Key]()
    for _ in range(ROUNDS):
        now = services.now()
        gate = read_gate(services)
        decision = admission_at(services, gate, now)
        if decision.slots == 0:
            return admitted
        entries = _first_in_order(services, min(decision.slots, most), now)
        if not entries:
            return admitted
        attempts = [attempt_of(entry, decision.limit, now) for entry in entries]
        try:
            services.store.admit(decision.for_count(len(attempts)), attempts, entries)
        except ConditionFailedError as error:
            _settle_failed(services, entries, error.failed, failures)
            services.sleep(random.uniform(0.01, 0.06))
            continue
        except WriteRefusedError as error:
            logger.error("admission refused", reason=str(error), entries=len(entries))
            if error.failed or len(entries) == 1:
                at_fault = {(position - 1) // 3 for position in error.failed} or {0}
                _settle(services, [_key_of(entries[index]) for index in at_fault], True)
            else:
                most = len(entries) // 2
            continue
        except TransientError:
            logger.warning("admission conflicted", reason="transaction")
            return admitted
        logger.info(
            "admitted",
            reason=decision.reason,
            running=gate.running + len(attempts),
            export_ids=[attempt.export_id for attempt in attempts],
        )
        services.measure(Metric.EXPORTS_ADMITTED, len(attempts))
        begin(services, attempts)
        admitted += len(attempts)
    return admitted


def admission_at(services: Services, gate: Gate, now: float) -> Admission:
    """How many exports of the target may be admitted at that moment."""
    return decide_admission(
        gate,
        default_limit=services.settings.snapshot_job_limit,
        default_reserved=services.settings.reserved_slots,
        now=now,
    )


def read_gate(services: Services) -> Gate:
    """The gate; one that cannot be read is repaired first, since everybody waits for it."""
    try:
        return services.store.gate()
    except UnreadableRecordError as error:
        repair_gate(services, error)
        return services.store.gate()


def repair_gate(services: Services, error: UnreadableRecordError) -> None:
    """Write a gate that cannot be read anew from the leases, without what cannot be read of it."""
    leases = sum(attempt.holds_slot for attempt in services.store.leases())
    members = services.repairs.repair_gate(leases)
    logger.error("gate repaired", reason=str(error), members=members)


def _first_in_order(services: Services, count: int, now: float) -> list[BacklogEntry]:
    """The next to admit: retries that are due, then the backlog by rank.

    The places of each flow among those that are read are given to its longest first, by what is
    known now: as a last job that is long would keep one slot while the others are free.
    """
    head = services.store.head(look_ahead(services.settings.open_slots), now)
    _settle(services, head.unreadable, is_stubborn=True)
    entries = head.entries
    if len(entries) <= count:
        return entries
    try:
        expected = services.durations.recent()
    except TransientError:
        return entries[:count]
    unknown = services.durations.unknown

    def seconds(entry: BacklogEntry) -> float:
        return expected.get((entry.dashboard_id, entry.formats), unknown).mean

    return in_order_of_admission(entries, seconds)[:count]


def try_admit(services: Services) -> int:
    """Admit after an accept, which stands whatever happens here; the reconciler admits later."""
    try:
        return admit(services)
    except SnapshotExportError as error:
        logger.warning("not admitted", reason=f"{type(error).__name__}: {error}")
        return 0


def _settle_failed(
    services: Services,
    entries: list[BacklogEntry],
    failed: tuple[int, ...],
    failures: Counter[Key],
) -> None:
    """Settle the entries that an admission failed on, each the third of its export's writes.

    Where the entry's own delete failed, another admission took it; one that is read again after
    FAILURES of them is there, and at fault.
    """
    for index, entry in enumerate(entries):
        delete, lease, export = (1 + 3 * index + each for each in range(3))
        if not {delete, lease, export} & set(failed):
            continue
        key = _key_of(entry)
        failures[key] += 1
        is_stubborn = failures[key] >= FAILURES
        if is_stubborn or (export in failed and delete not in failed):
            _settle(services, [key], is_stubborn)


def _settle(services: Services, keys: Iterable[Key], is_stubborn: bool) -> None:
    for key in keys:
        try:
            outcome = services.repairs.settle_entry(key, is_stubborn=is_stubborn)
        except ConditionFailedError:
            continue
        if outcome is not Outcome.LEFT:
            logger.error("backlog entry settled", reason=outcome.value, pk=key[0], sk=key[1])


def _key_of(entry: BacklogEntry) -> Key:
    assert entry.key is not None, "an entry that was read"
    return entry.key
