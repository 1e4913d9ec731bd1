"""The deliberate bugs of `make chaos-selftest`."""

from __future__ import annotations

from tests.chaos.bug import ADAPTERS, DOMAIN, FLOWS, Bug
from tests.chaos.mail_bugs import DELIVERY_BUGS, MAIL_BUGS, OUTBOX_BUG
from tests.chaos.tenant_bugs import TENANT_BUGS

STORE = f"{ADAPTERS}/table/store.py"
BUGS = (
    Bug(
        "release without its condition",
        (
            (
                STORE,
                """                self._on_attempt(
                    attempt,
                    "SET holds_slot = :no, job_status = :status, job_ended_at = :at, "
                    "released_at = :released",
                    {
""",
                """                update_of(
                    self._keys.attempt(attempt.export_id),
                    "SET holds_slot = :no, job_status = :status, job_ended_at = :at, "
                    "released_at = :released",
                    values={
""",
            ),
            (
                STORE,
                """                    | more,
                    condition=condition,
                ),
""",
                """                    | more,
                ),
""",
            ),
        ),
    ),
    Bug(
        "start before lease",
        (
            (
                f"{FLOWS}/export/admit.py",
                """        try:
            services.store.admit(""",
                """        from snapshot_export.domain.parts import snapshot_of_part

        for each in attempts:
            export = services.store.export(each.export_id)
            if export:
                sent = snapshot_of_part(export.snapshot, export.part)
                services.quicksight.start(
                    each.dashboard_id, each.snapshot_job_id, sent, send_by=each.start_by
                )
        try:
            services.store.admit(""",
            ),
        ),
    ),
    Bug(
        "<> for < in the gate",
        (
            (STORE, "OR running <= :room)", "OR running <> :room)"),
            (STORE, '":room": admission.cap - count}', '":room": admission.cap}'),
            (
                f"{DOMAIN}/gate.py",
                "slots = max(0, cap - gate.running)",
                "slots = int(cap != gate.running)",
            ),
        ),
    ),
    Bug(
        "counter and lease in two writes",
        (
            (
                STORE,
                """                    },
                ),
            ]
        self._table.transact(writes)
""",
                """                    },
                ),
            ]
        self._table.transact(writes[:1])
        self._table.transact(writes[1:])
""",
            ),
        ),
    ),
    Bug(
        "finish without its conditions",
        (
            (
                STORE,
                """                condition=f"{_NOT_MARKED} AND (attribute_not_exists(ending) "
                "OR (ending = :end AND attribute_not_exists(ending_at)))",
""",
                "",
            ),
            (
                STORE,
                """            self._delete_attempt(attempt, holds_slot=attempt.holds_slot),
            *outbox_writes""",
                """            delete_of(self._keys.attempt(attempt.export_id)),
            *outbox_writes""",
            ),
            (
                STORE,
                """        writes = [
            self._on_export(
                attempt,
                "SET #status = :end, files = :files, #error = :error, finished_at = :at, "
                "job_seconds = :seconds, leases = :leases, expires_at = :expires",
                {
""",
                """        writes = [
            update_of(
                self._keys.export(attempt.export_id),
                "SET #status = :end, files = :files, #error = :error, finished_at = :at, "
                "job_seconds = :seconds, leases = :leases, expires_at = :expires",
                values={
""",
            ),
            (
                STORE,
                """                condition=other_end,
            ),
""",
                """            ),
""",
            ),
        ),
    ),
    Bug(
        "a SnapshotJobId of each start's own",
        (
            (
                f"{FLOWS}/export/start.py",
                """    try:
        _send(services, calling, export)
    except QuickSightError as error:
""",
                """    from dataclasses import replace
    from uuid import uuid4

    calling = replace(calling, snapshot_job_id=f"{export_id}-{attempt}-{uuid4().hex}")
    try:
        _send(services, calling, export)
    except QuickSightError as error:
""",
            ),
            (
                STORE,
                """                "SET started_at = if_not_exists(started_at, :at)",
                {":at": started_at},
""",
                """                "SET started_at = if_not_exists(started_at, :at), "
                "snapshot_job_id = :job",
                {":at": started_at, ":job": attempt.snapshot_job_id},
""",
            ),
        ),
    ),
    Bug(
        "the reconciler does not admit",
        (
            (
                f"{FLOWS}/periodic/reconcile.py",
                "resume_bursts(services), admit(services)",
                "resume_bursts(services), 0",
            ),
        ),
    ),
    Bug(
        "the reconciler restarts no execution",
        (
            (
                f"{FLOWS}/periodic/reconcile.py",
                "attempt.execution_name not in running",
                "attempt.execution_name not in running and attempt.restarts < 0",
            ),
        ),
    ),
    Bug(
        "the event after the end",
        (
            (
                f"{FLOWS}/export/finish.py",
                """    if status is not Status.CANCELLED:
        services.events.announce_end(done)
    try:
""",
                """    try:
""",
            ),
            (
                f"{FLOWS}/export/finish.py",
                """        return
    ask_for_deliveries(services, done)
    ask_for_close(services, done.burst_id)
    services.measure""",
                """        return
    if status is not Status.CANCELLED:
        services.events.announce_end(done)
    ask_for_deliveries(services, done)
    ask_for_close(services, done.burst_id)
    services.measure""",
            ),
        ),
    ),
    Bug(
        "the next attempt queued in two writes",
        (
            (
                STORE,
                """                self._delete_attempt(attempt, holds_slot=False),
                put_of(key, entry_attributes(entry)),
""",
                """                self._delete_attempt(attempt, holds_slot=False),
""",
            ),
            (
                STORE,
                """                        ":due": due_at or 0,
                    },
                    condition=_GOES_ON,
                ),
            ]
        )
""",
                """                        ":due": due_at or 0,
                    },
                    condition=_GOES_ON,
                ),
            ]
        )
        self._table.transact([put_of(key, entry_attributes(entry))])
""",
            ),
        ),
    ),
    Bug(
        "accept without its condition",
        (
            (
                STORE,
                """        export_attributes(export),
        condition="attribute_not_exists(pk) OR #status = :rejected",
        values={":rejected": Status.REJECTED},
    )
    return [record, *place]""",
                """        export_attributes(export),
    )
    return [record, *place]""",
            ),
        ),
    ),
    Bug(
        "the ends of a retry uncounted in a write of their own",
        (
            (
                f"{ADAPTERS}/table/burst_retries.py",
                "        self._table.transact(writes)\n",
                "        for part in (writes[1:], writes[:1]):\n"
                "            self._table.transact(part)\n",
            ),
        ),
    ),
    Bug(
        "a refused message is not kept",
        (
            (
                f"{FLOWS}/take_message.py",
                "    services.rejected.send("
                "first=FirstDelivery(message_id, sent_at), reason=reason, body=body)\n",
                "",
            ),
        ),
    ),
    Bug(
        "a wrong message is delivered again",
        (
            (
                f"{FLOWS}/take_message.py",
                """    except InvalidRequestError as error:
        return Outcome(_reject(services, message_id, body, sent_at, error.problems))
""",
                """    except InvalidRequestError as error:
        raise TimeoutError from error
""",
            ),
        ),
    ),
    Bug(
        "an end noted over another",
        (
            (
                STORE,
                """                condition=f"{_NOT_MARKED} AND (attribute_not_exists(ending) "
                "OR (ending = :end AND attribute_not_exists(ending_at)))",
""",
                """                condition=_NOT_MARKED,
""",
            ),
        ),
    ),
    Bug(
        "hand back although a start was noted",
        (
            (
                STORE,
                """                self._free_slot(hold_until=now + HOLD_SECONDS),
                self._delete_attempt(attempt, holds_slot=True),
""",
                """                self._free_slot(hold_until=now + HOLD_SECONDS),
                delete_of(
                    self._keys.attempt(attempt.export_id),
                    condition=f"{SAME_ADMISSION} AND holds_slot = :holds",
                    values=admission_values(attempt) | {":holds": True},
                ),
""",
            ),
        ),
    ),
    Bug(
        "a job lost by one single 404",
        (
            (
                f"{FLOWS}/export/check.py",
                "    elif now - record.first_unknown_at >= LOST_AFTER_SECONDS and _free(",
                """        from dataclasses import replace

        record = replace(record, first_unknown_at=now)
    if _free(""",
            ),
        ),
    ),
    Bug(
        "records noted as kept before they are",
        (
            (
                f"{FLOWS}/burst/keep_records.py",
                """    renewed = services.bursts.renew(burst, expires_at)
    services.bursts.note_kept(burst_id, expires_at - settings.retention_seconds)
""",
                """    services.bursts.note_kept(burst_id, expires_at - settings.retention_seconds)
    renewed = services.bursts.renew(burst, expires_at)
""",
            ),
        ),
    ),
    Bug(
        "a revoked link opens",
        (
            (
                f"{DOMAIN}/link.py",
                "        return self.revoked_at is None and now < self.ends_at\n",
                "        return now < self.ends_at\n",
            ),
            (
                f"{ADAPTERS}/table/links.py",
                """if_not_exists(first_opened_at, :now) ADD opened :one",
                    condition="attribute_exists(pk) AND attribute_not_exists(revoked_at)",
""",
                """if_not_exists(first_opened_at, :now) ADD opened :one",
                    condition="attribute_exists(pk)",
""",
            ),
        ),
    ),
    *TENANT_BUGS,
    *MAIL_BUGS,
    *DELIVERY_BUGS,
    OUTBOX_BUG,
)
