"""The table's reads and transactions for bursts, each named after the step that it makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from snapshot_export.adapters.table.burst_records import (
    REFUSED_PREFIX,
    burst_attributes,
    burst_from,
    burst_key,
    query_key,
    refusal_attributes,
    refusal_from,
    refusal_key,
    retry_key,
    template_key,
)
from snapshot_export.adapters.table.dynamodb import Item, Key, Table, delete_of, put_of, update_of
from snapshot_export.adapters.table.name_claims import claim_key
from snapshot_export.adapters.table.records import Keys, export_from
from snapshot_export.adapters.table.store import accept_writes, join_writes
from snapshot_export.domain.burst import Burst, BurstStatus, Refusal, export_id_of
from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.domain.forecast import Estimate
from snapshot_export.domain.object_address import ObjectAddress, is_object_address
from snapshot_export.errors import ConditionFailedError, IdConflictError

MAX_READ_AT_ONCE = 100
_LASTING = ("pk", "sk", "burst_id", "expires_at", "files")
_CLOSING = "#status = :running AND (revision = :revision OR attribute_not_exists(revision))"
"""The burst is that of this revision, and not closed. Versions before 3 wrote no revision."""


class BurstStore:
    """Records of the bursts of one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def find(self, burst_id: str) -> Burst | None:
        """The burst, or None."""
        return burst_from(self._table.get(burst_key(burst_id)))

    def template(self, burst_id: str) -> dict[str, Any]:
        """The template of a burst that was not closed yet."""
        item = self._table.get(template_key(burst_id))
        template: dict[str, Any] = json.loads(item["template"]) if item else {}
        return template

    def query(self, burst_id: str) -> dict[str, Any]:
        """The query for the recipients of a burst that was not closed yet."""
        item = self._table.get(query_key(burst_id))
        query: dict[str, Any] = json.loads(item["query"]) if item else {}
        return query

    def unfinished_ids(self) -> list[str]:
        """Ids of the bursts that were accepted and not closed."""
        return [item["sk"] for item in self._table.query(self._keys.bursts_partition)]

    def refusals(
        self, burst_id: str, *, limit: int | None = None, after_line: int | None = None
    ) -> list[Refusal]:
        """Refused recipients in the order of their lines."""
        after = refusal_key(burst_id, after_line)[1] if after_line else None
        pk = burst_key(burst_id)[0]
        items = self._table.query(pk, prefix=REFUSED_PREFIX, limit=limit, after=after)
        return [refusal_from(item) for item in items]

    def exports(self, export_ids: Sequence[str]) -> list[Export]:
        """Those of up to 100 exports that exist, strongly consistent, in the order of the ids."""
        items = self._table.get_many([self._keys.export(each) for each in export_ids])
        found = {export.export_id: export for export in map(export_from, items)}
        return [found[each] for each in export_ids if each in found]

    def waiting_ids(self, burst_id: str, export_ids: Sequence[str]) -> list[str]:
        """Those of up to 100 exports that are the burst's and have not ended."""
        keys = [self._keys.export(each) for each in export_ids]
        items = self._table.get_many(keys, attributes=("export_id", "status", "burst_id"))
        own = [each for each in items if each.get("burst_id") == burst_id and "export_id" in each]
        ends = [status.value for status in Status if status.is_end]
        waiting = {each["export_id"] for each in own if each.get("status") not in ends}
        return [each for each in export_ids if each in waiting]

    def accept(
        self, burst: Burst, template: dict[str, Any], query: dict[str, Any] | None = None
    ) -> bool:
        """Write a burst with its template, its query and its marker. False if it was before.

        Raises IdConflictError if the id names another burst.
        """
        writes = [
            put_of(
                burst_key(burst.burst_id),
                burst_attributes(burst),
                condition="attribute_not_exists(digest)",
            ),
            put_of(template_key(burst.burst_id), {"template": json.dumps(template)}),
            put_of((self._keys.bursts_partition, burst.burst_id), {}),
        ]
        if query is not None:
            writes.append(put_of(query_key(burst.burst_id), {"query": json.dumps(query)}))
        if burst.wait is not None:
            writes += join_writes(self._keys, burst.wait, "BURST", burst.burst_id, burst.nonce)
        try:
            self._table.transact(writes)
            return True
        except ConditionFailedError:
            known = self.find(burst.burst_id)
            if known is None:
                raise
            if known.digest != burst.digest:
                raise IdConflictError(
                    burst.burst_id, known.accepted_at, "BurstId", "burst"
                ) from None
            return False

    def accept_recipients(
        self,
        seen: Burst,
        after: Burst,
        exports: Sequence[Export],
        refusals: Sequence[Refusal],
        expires_at: int,
    ) -> None:
        """Accept and refuse recipients and move the burst on from `seen` to `after`, or nothing.

        Raises ConditionFailedError with positions: 0 is the burst, which went on elsewhere; then
        two for each export, of which the first fails when its id names another export.
        """
        writes = [
            update_of(
                burst_key(seen.burst_id),
                "SET #offset = :offset, #line = :line, #read = :read, accepted = :accepted, "
                "refused = :refused, touched_at = :touched, finish_tag = :finish, "
                "warnings = :warnings",
                condition="#status = :expanding AND #offset = :seen",
                values={
                    ":expanding": BurstStatus.EXPANDING,
                    ":seen": seen.offset,
                    ":offset": after.offset,
                    ":line": after.line,
                    ":read": after.read,
                    ":accepted": after.accepted,
                    ":refused": after.refused,
                    ":touched": after.touched_at,
                    ":finish": after.finish_tag,
                    ":warnings": [asdict(each) for each in after.warnings],
                },
            )
        ]
        for export in exports:
            writes += accept_writes(self._keys, export)
        writes += [
            put_of(
                refusal_key(seen.burst_id, refusal.line),
                refusal_attributes(refusal) | {"expires_at": expires_at},
            )
            for refusal in refusals
        ]
        self._table.transact(writes)

    def end_expansion(self, seen: Burst, now: float, error: ErrorInfo | None) -> None:
        """Note that the manifest was read to its end, or as far as `error` let it."""
        text = "SET #status = :running, expanded_at = :now, touched_at = :now"
        values: Item = {
            ":running": BurstStatus.RUNNING,
            ":expanding": BurstStatus.EXPANDING,
            ":seen": seen.offset,
            ":now": now,
        }
        if error:
            text += ", #error = :error"
            values |= {":error": asdict(error)}
        self._update(seen.burst_id, text, "#status = :expanding AND #offset = :seen", values)

    def begin_query(self, burst: Burst) -> None:
        """Note which query runs. Raises ConditionFailedError if one does, or none is to."""
        self._update(
            burst.burst_id,
            "SET query_id = :id, queried_at = :at, touched_at = :at",
            "#status = :querying AND attribute_not_exists(query_id)",
            {":querying": BurstStatus.QUERYING, ":id": burst.query_id, ":at": burst.queried_at},
        )

    def end_query(self, burst: Burst) -> None:
        """Note the frozen recipients, how many they are, and that the burst goes on or is held.

        Raises ConditionFailedError if it went on elsewhere.
        """
        text = (
            "SET #status = :status, manifest_uri = :uri, manifest_etag = :etag, "
            "manifest_size = :size, #found = :found, touched_at = :touched"
        )
        values: Item = {
            ":querying": BurstStatus.QUERYING,
            ":status": burst.status,
            ":uri": burst.manifest_uri,
            ":etag": burst.manifest_etag,
            ":size": burst.manifest_size,
            ":found": burst.found,
            ":touched": burst.touched_at,
        }
        if burst.expected is not None:
            text += ", expected = :expected"
            values[":expected"] = burst.expected
        if burst.hold is not None:
            text += ", #hold = :hold"
            values[":hold"] = asdict(burst.hold)
        self._update(burst.burst_id, text, "#status = :querying", values)

    def note_hold_announced(self, burst_id: str) -> None:
        """Note that the hold was announced. Raises ConditionFailedError if it is over."""
        values = {":held": BurstStatus.HELD, ":true": True}
        text = "SET #hold.announced = :true"
        self._update(burst_id, text, "#status = :held", values)

    def release(self, burst_id: str, now: float) -> None:
        """End the hold: recipients are read. Raises ConditionFailedError if there is none."""
        self._update(
            burst_id,
            "SET #status = :expanding, released_at = :now, touched_at = :now",
            "#status = :held",
            {":held": BurstStatus.HELD, ":expanding": BurstStatus.EXPANDING, ":now": now},
        )

    def fail_before_recipients(self, seen: Burst, now: float, error: ErrorInfo) -> None:
        """Note why no recipient is read of a burst that queries or is held."""
        self._update(
            seen.burst_id,
            "SET #status = :running, expanded_at = :now, touched_at = :now, #error = :error",
            "#status = :seen",
            {
                ":running": BurstStatus.RUNNING,
                ":seen": seen.status,
                ":now": now,
                ":error": asdict(error),
            },
        )

    def begin_drain(self, burst_id: str, now: float) -> None:
        """Stop the expansion and mark the burst as cancelled; repeating it changes nothing.

        Raises ConditionFailedError if the burst has ended.
        """
        text = (
            "SET #status = :running, draining_at = if_not_exists(draining_at, :now), "
            "expanded_at = if_not_exists(expanded_at, :now), touched_at = :now"
        )
        values = {
            ":running": BurstStatus.RUNNING,
            ":expanding": BurstStatus.EXPANDING,
            ":querying": BurstStatus.QUERYING,
            ":waiting": BurstStatus.WAITING_FOR_DATA,
            ":held": BurstStatus.HELD,
            ":now": now,
        }
        condition = "#status IN (:waiting, :querying, :held, :expanding, :running)"
        self._update(burst_id, text, condition, values)

    def mark_drained(self, burst_id: str, line: int, now: float) -> None:
        """Note that all lines before `line` were cancelled."""
        self._update(
            burst_id,
            "SET drained_to = :line, touched_at = :now",
            "attribute_exists(digest)",
            {":line": line, ":now": now},
        )

    def touch(self, burst_id: str, now: float) -> None:
        """Note that somebody works on the burst."""
        values = {":now": now}
        self._update(burst_id, "SET touched_at = :now", "attribute_exists(digest)", values)

    def keep_closing(self, burst: Burst, now: float) -> None:
        """Note that the burst is being closed. Raises ConditionFailedError if it was, elsewhere."""
        values = {":now": now, ":running": BurstStatus.RUNNING, ":revision": burst.revision}
        self._update(burst.burst_id, "SET touched_at = :now", _CLOSING, values)

    def renew(self, burst: Burst, expires_at: int) -> int:
        """Let nothing expire earlier that a burst's ended exports, refusals and names left.

        Answers how many were renewed: each costs a write in a transaction. Those that expire later
        already, or not at all, cost their part of a read.
        """
        renewed = 0
        for found in self._expiring(burst, expires_at):
            keys = found
            while keys:
                try:
                    self._table.transact([_renewal(key, expires_at) for key in keys])
                    renewed += len(keys)
                    break
                except ConditionFailedError as error:  # gone since, or later already
                    keys = [key for at, key in enumerate(keys) if at not in error.failed]
        return renewed

    def _expiring(self, burst: Burst, expires_at: int) -> Iterator[list[Key]]:
        """What may expire earlier, up to MAX_READ_AT_ONCE at a time; of claims all are asked."""
        for start in range(1, burst.line, MAX_READ_AT_ONCE):
            lines = range(start, min(start + MAX_READ_AT_ONCE, burst.line))
            keys = [self._keys.export(export_id_of(burst.burst_id, line)) for line in lines]
            found = self._table.get_many(keys, attributes=_LASTING)
            own = [item for item in found if item.get("burst_id") == burst.burst_id]
            yield [_key_of(item) for item in own if item.get("expires_at", expires_at) < expires_at]
            yield from _batches(
                claim_key(ObjectAddress.parse(file["uri"]))
                for item in own
                for file in item.get("files", [])
                if is_object_address(file.get("uri") or "")
            )
        refused = self._table.query(burst_key(burst.burst_id)[0], prefix=REFUSED_PREFIX)
        yield from _batches(
            _key_of(item) for item in refused if item.get("expires_at", expires_at) < expires_at
        )

    def note_kept(self, burst_id: str, until: float) -> None:
        """Note that what the burst left lasts if it is closed by then."""
        values = {":until": until}
        self._update(burst_id, "SET kept_until = :until", "attribute_exists(digest)", values)

    def note_keep_asked(self, burst_id: str, now: float) -> None:
        """Note that records are about to be renewed."""
        values = {":now": now}
        self._update(burst_id, "SET keep_asked_at = :now", "attribute_exists(digest)", values)

    def mark_at_risk(self, burst_id: str, now: float) -> None:
        """Note that the burst's deadline was announced as at risk."""
        text = "SET at_risk_at = if_not_exists(at_risk_at, :now)"
        self._update(burst_id, text, "attribute_exists(digest)", {":now": now})

    def note_forecast(self, burst_id: str, now: float, estimate: Estimate) -> None:
        """Note the first forecast of a burst that runs.

        Raises ConditionFailedError if it has one, or does not run.
        """
        self._update(
            burst_id,
            "SET foretold_at = :now, foretold_p50 = :p50, foretold_p95 = :p95",
            "#status = :running AND attribute_not_exists(foretold_at)",
            {
                ":running": BurstStatus.RUNNING,
                ":now": now,
                ":p50": estimate.p50,
                ":p95": estimate.p95,
            },
        )

    def close(self, burst: Burst, expires_at: int) -> None:
        """Write the burst's end, with its error and reasons; remove what it needed till then.

        Raises ConditionFailedError if this revision of it was closed before.
        """
        error = burst.error and asdict(burst.error)
        zipped = burst.zipped_files
        self._table.transact(
            [
                update_of(
                    burst_key(burst.burst_id),
                    "SET #status = :end, finished_at = :at, expires_at = :expires, "
                    "reasons = :reasons, #empty = :empty, warnings = :warnings"
                    + (", #error = :error" if error else "")
                    + (" REMOVE zipped_files" if zipped is None else ", zipped_files = :zipped"),
                    condition=_CLOSING,
                    values={
                        ":revision": burst.revision,
                        ":end": burst.status,
                        ":running": BurstStatus.RUNNING,
                        ":at": burst.finished_at,
                        ":expires": expires_at,
                        ":reasons": [asdict(reason) for reason in burst.reasons],
                        ":empty": burst.empty,
                        ":warnings": [asdict(each) for each in burst.warnings],
                        ":zipped": zipped,
                        ":error": error,
                    },
                ),
                delete_of(template_key(burst.burst_id)),
                delete_of(query_key(burst.burst_id)),
                delete_of(retry_key(burst.burst_id)),
                delete_of((self._keys.bursts_partition, burst.burst_id)),
            ]
        )

    def _update(self, burst_id: str, text: str, condition: str, values: dict[str, Any]) -> None:
        """A transaction, since those that count ends conflict with it: then it is tried again."""
        self._table.transact([update_of(burst_key(burst_id), text, values, condition=condition)])


def _key_of(item: Item) -> Key:
    return item["pk"], item["sk"]


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    rest = iter(keys)
    while batch := list(dict.fromkeys(islice(rest, MAX_READ_AT_ONCE))):
        yield batch


def _renewal(key: Key, expires_at: int) -> Item:
    return update_of(
        key,
        "SET expires_at = :at",
        condition="expires_at < :at",
        values={":at": expires_at},
    )
