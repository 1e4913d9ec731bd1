"""What must hold: after every write, whoever dies, and when nothing moves any more.

The witness reads moto's memory and the emulator's ledger, not the code that it judges.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from snapshot_export.domain.export import BEFORE_BACKLOG
from snapshot_export.domain.naming import fold
from tests.support.world import ACCOUNT, REGION, World

ENDS = {"COMPLETED", "COMPLETED_WITH_FAILURES", "FAILED", "CANCELLED"}
Item = dict[str, Any]


@dataclass
class Seen:
    """The table at one moment, by what its items are."""

    gate: Item = field(default_factory=dict)
    attempts: dict[str, Item] = field(default_factory=dict)
    exports: dict[str, Item] = field(default_factory=dict)
    entries: list[Item] = field(default_factory=list)
    bursts: dict[str, Item] = field(default_factory=dict)
    markers: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)

    @property
    def leases(self) -> dict[str, Item]:
        """Attempts that hold a slot."""
        return {name: each for name, each in self.attempts.items() if each["holds_slot"]}

    @property
    def running(self) -> int:
        """The gate's counter."""
        return int(self.gate.get("running", 0))


class Witness:
    """Judges one world. `violations` are sentences; the first is the one to look at."""

    def __init__(self, world: World, limit: int) -> None:
        self._world = world
        self._limit = limit
        self._before = Seen()
        self._ended: dict[str, tuple[str, Any]] = {}
        self.violations: list[str] = []
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.hears_mail: Callable[[Item], bool] = lambda _entry: False
        self.hand_made_drift = False
        """Set while a test's own hand has broken the counter or an entry."""

    def note(self, text: str) -> None:
        """A violation, once."""
        if text not in self.violations:
            self.violations.append(text)

    def on_effect(self, operation: str, body: dict[str, Any]) -> None:
        """One call took effect."""
        service, _, name = operation.partition(".")
        if service == "dynamodb" and name.startswith(("Put", "Update", "Delete", "Transact")):
            self.look()
        elif operation == "events.PutEvents":
            for entry in body["Entries"]:
                if self.hears_mail(entry):
                    continue
                detail = json.loads(entry["Detail"])
                if "Status" in detail:  # an end, and not a warning
                    self._hear(detail.get("ExportId") or detail["BurstId"], detail)
        elif operation == "quicksight.StartDashboardSnapshotJob":
            self._look_at_start()

    def _hear(self, name: str, detail: dict[str, Any]) -> None:
        """Events may be sent again; all of one revision of an export or burst say the same end."""
        heard = self.events[name]
        if heard and heard[0].get("Revision", 1) < detail["Revision"]:
            heard.clear()
        if heard and heard[0]["Status"] != detail["Status"]:
            self.note(f"{name} was announced {heard[0]['Status']} and then {detail['Status']}")
        heard.append(detail)

    def expire(self, now: float) -> list[str]:
        """Remove the records whose time is over, as DynamoDB does; the exports among them."""
        gone = []
        table = dynamodb_backends[ACCOUNT][REGION].tables[self._world.settings.table_name]
        for partition in table.items.values():
            for key, item in [*partition.items()]:
                plain = {name: _plain(each) for name, each in item.attrs.items()}
                if float(plain.get("expires_at") or now) < now:
                    del partition[key]
                    if plain["sk"] == "EXPORT":
                        gone.append(str(plain["export_id"]))
        for name in gone:
            self._ended.pop(name, None)
            self.events.pop(name, None)
        self._before = self.read()
        return gone

    def look(self) -> Seen:
        """Judge this instant."""
        seen = self.read()
        if not self.hand_made_drift:
            self._judge_counter(seen)
            self._judge_places(seen)
        for name in set(seen.markers) & set(seen.bursts):
            self._judge_counts(name, seen.bursts[name], seen)
        self._judge_leases(seen)
        self._judge_jobs_have_leases(seen)
        self._judge_ends(seen)
        self._before = seen
        return seen

    def read(self) -> Seen:
        """The table now."""
        seen = Seen()
        table = dynamodb_backends[ACCOUNT][REGION].tables[self._world.settings.table_name]
        for partition in table.items.values():
            for item in partition.values():
                _sort_in(seen, {name: _plain(each) for name, each in item.attrs.items()})
        return seen

    def limit_of(self, seen: Seen) -> int:
        """How many may run now."""
        return int(seen.gate.get("limit", self._limit))

    def _judge_counter(self, seen: Seen) -> None:
        if seen.running != len(seen.leases):
            self.note(f"counter {seen.running}, leases {sorted(seen.leases)}")
        if seen.running > max(self._before.running, self.limit_of(seen)):
            self.note(f"{seen.running} admitted over a limit of {self.limit_of(seen)}")

    def _judge_places(self, seen: Seen) -> None:
        """An accepted export is in one place: the backlog, an attempt, or its end."""
        entries = Counter(entry["export_id"] for entry in seen.entries)
        for name, export in seen.exports.items():
            status = export["status"]
            expected = (1, False) if status == "QUEUED" else (0, status == "RUNNING")
            found = (entries[name], name in seen.attempts)
            if found != expected:
                self.note(f"{name} is {status} with {found[0]} entries, attempt: {found[1]}")
        if strays := set(entries) - set(seen.exports):
            self.note(f"entries without an export: {sorted(strays)}")

    def _judge_leases(self, seen: Seen) -> None:
        """A lease that is gone was of a job that QuickSight does not run."""
        book = self._world.quicksight.emulator._account.book
        for name, lease in self._before.leases.items():
            if name in seen.leases and seen.leases[name]["admission"] == lease["admission"]:
                continue
            job = book.find(lease["dashboard_id"], lease["snapshot_job_id"])
            if job is not None and job.ended is None:
                self.note(f"the lease of {name} was freed while its job was {job.status}")

    def _judge_ends(self, seen: Seen) -> None:
        """An end stays, unless its burst is retried with it."""
        for name in [*self._ended]:
            revision = seen.exports.get(name, {}).get("revision", 1)
            if revision > self._before.exports.get(name, {}).get("revision", 1):
                del self._ended[name]
        for name, (status, at) in self._ended.items():
            now = seen.exports.get(name, {})
            if (now.get("status"), now.get("finished_at")) != (status, at):
                self.note(f"{name} ended {status} and then {now.get('status')}")
        for name, export in seen.exports.items():
            if export["status"] in ENDS:
                self._ended.setdefault(name, (export["status"], export["finished_at"]))

    def _judge_jobs_have_leases(self, seen: Seen) -> None:
        held = {lease["snapshot_job_id"] for lease in seen.leases.values()}
        for job in self._world.quicksight.emulator._account.book.history:
            if job.ended is None and job.job_id not in held:
                self.note(f"job {job.job_id} runs without a lease")

    def _look_at_start(self) -> None:
        seen = self.read()
        self._judge_jobs_have_leases(seen)
        book = self._world.quicksight.emulator._account.book
        if book.running > max(self.limit_of(seen), seen.running):
            self.note(f"{book.running} jobs run over a limit of {self.limit_of(seen)}")

    def is_quiet(self) -> bool:
        """Whether no export or burst is under way."""
        seen = self.read()
        waits = any(each["status"] in BEFORE_BACKLOG for each in seen.exports.values())
        return not (seen.attempts or seen.entries or seen.markers or waits)

    def judge_end(self, ends: dict[str, str], jobs: range, *, executions: bool = True) -> None:
        """Judge what is left. `ends`: the statuses that each export may have, by `|`.

        Without `executions` nobody has driven those that were started.
        """
        seen = self.look()
        if seen.attempts or seen.entries or seen.running:
            left = [entry["export_id"] for entry in seen.entries]
            self.note(f"left: counter {seen.running}, {sorted(seen.attempts)}, backlog {left}")
        accepted = {name for name, each in seen.exports.items() if each["status"] != "REJECTED"}
        if accepted != set(ends):
            self.note(f"accepted {sorted(accepted)}, expected {sorted(ends)}")
        for name in sorted(accepted & set(ends)):
            self._judge_export(name, seen.exports[name], ends[name])
        self._judge_owners(seen)
        self._judge_jobs(jobs)
        for name, burst in seen.bursts.items():
            self._judge_counts(name, burst, seen)
            self._judge_burst(name, burst, seen)
        machines = stepfunctions_backends[ACCOUNT][REGION].state_machines
        running = [e.name for m in machines for e in m.executions if e.status == "RUNNING"]
        if running and executions:
            self.note(f"executions still run: {running}")

    def _judge_export(self, name: str, export: Item, expected: str) -> None:
        status = export["status"]
        if status not in expected.split("|"):
            self.note(f"{name} is {status} ({export.get('error')}), expected {expected}")
        announced = {event["Status"] for event in self.events[name]}
        if announced != ({status} if status in ("COMPLETED", "FAILED") else set()):
            self.note(f"{name} is {status} and was announced as {sorted(announced)}")
        objects = self._objects()
        files = [file for file in export.get("files", []) if file.get("uri")]
        for file in files:
            if objects.get(file["uri"]) != file["size"]:
                self.note(f"{name}: {file['uri']} has {objects.get(file['uri'])} bytes")
        action = (export.get("if_empty") or {}).get("action")
        is_skipped = action == "SKIP" and bool(export.get("is_empty"))
        is_whole = len(files) == len(export.get("files", [])) and bool(files) is not is_skipped
        if status == "COMPLETED" and not is_whole:
            self.note(f"{name} is COMPLETED with files {export['files']}")
        if export.get("password_secret") and status == "COMPLETED":
            self._judge_protected(name, files)
        kept = [uri for uri in objects if f"/exports/{name}/" in uri]
        if (status == "CANCELLED" or is_skipped) and kept:
            self.note(f"{name} is {status} and left {kept}")

    def _judge_protected(self, name: str, files: list[Any]) -> None:
        """Each file is encrypted, and the one that was announced; no plain one is left."""
        for file in files:
            key = self._keys()[file["uri"]]
            data = key.value
            locked = b"/Encrypt" in data if data.startswith(b"%PDF") else data[6] & 1
            if not locked or key.etag.strip('"') != file["etag"]:
                self.note(f"{name}: {file['uri']} is plain, or not the one that was announced")
        if plain := [uri for uri in self._objects() if f"/snapshots/{name}/" in uri]:
            self.note(f"{name} left without a password: {plain}")

    def _judge_owners(self, seen: Seen) -> None:
        """Every object of a finished file is one export's, case and normalization aside."""
        uris = Counter(
            fold(file["uri"])
            for export in seen.exports.values()
            for file in export.get("files", [])
            if file.get("uri")
        )
        shared = [uri for uri, count in uris.items() if count > 1]
        if shared:
            self.note(f"several files have one object: {shared}")

    def _judge_jobs(self, expected: range) -> None:
        ledger = self._world.ledger()
        for job in ledger["jobs"]:
            if job["starts"] != 1:
                self.note(f"job {job['SnapshotJobId']} was started {job['starts']} times")
        if len(ledger["jobs"]) not in expected:
            names = [job["SnapshotJobId"] for job in ledger["jobs"]]
            self.note(f"{len(names)} snapshot jobs instead of {[*expected]}: {names}")

    def _judge_counts(self, name: str, burst: Item, seen: Seen) -> None:
        own = [each for each in seen.exports.values() if each.get("burst_id") == name]
        counted = Counter(each["status"].lower() for each in own)
        told = {each: int(burst.get(each, 0)) for each in ("completed", "failed", "cancelled")}
        if told != {each: counted[each] for each in told} or burst["accepted"] != len(own):
            self.note(f"burst {name} counts {told} of {burst['accepted']}, are {dict(counted)}")

    def _judge_burst(self, name: str, burst: Item, seen: Seen) -> None:
        if burst["read"] != burst["accepted"] + burst["refused"]:
            self.note(f"burst {name} read {burst['read']}, lost some of them")
        if burst["status"] not in ENDS or name in seen.markers or name in seen.templates:
            self.note(f"burst {name} is {burst['status']} and not closed")
        if not self.events[name]:
            self.note(f"burst {name} was not announced")
        uri = f"s3://{self._world.settings.export_bucket}/bursts/{name}/manifest.json"
        if uri not in self._objects():
            self.note(f"burst {name} has no manifest")

    def rejected_ids(self) -> set[str]:
        """Ids of the messages in the rejected queue."""
        queue = sqs_backends[ACCOUNT][REGION].queues[
            self._world.settings.rejected_queue_url.rsplit("/", 1)[1]
        ]
        attributes = (message.message_attributes for message in queue._messages)
        return {each["MessageId"]["StringValue"] for each in attributes}

    def _objects(self) -> dict[str, int]:
        """Sizes of all objects, by address."""
        return {uri: key.size for uri, key in self._keys().items()}

    def _keys(self) -> dict[str, Any]:
        """All objects, by address."""
        buckets = s3_backends[ACCOUNT]["aws"].buckets
        return {
            f"s3://{name}/{key.name}": key
            for name, bucket in buckets.items()
            for key in bucket.keys.values()
        }


def _sort_in(seen: Seen, item: Item) -> None:
    pk, sk = item["pk"], item["sk"]
    kind = pk.partition("#")[0]
    if sk == "GATE":
        seen.gate = item
    elif sk.startswith("ATTEMPT#"):
        seen.attempts[item["export_id"]] = item
    elif kind == "EXPORT" and sk == "EXPORT":
        seen.exports[item["export_id"]] = item
    elif kind in ("BACKLOG", "RETRY"):
        seen.entries.append(item)
    elif kind == "BURST" and sk == "BURST":
        seen.bursts[pk.removeprefix("BURST#")] = item
    elif kind == "BURST" and sk == "TEMPLATE":
        seen.templates.append(pk.removeprefix("BURST#"))
    elif kind == "BURSTS":
        seen.markers.append(sk)


def _plain(value: Any) -> Any:
    """A value of moto's table as Python's."""
    if value.type == "L":
        return [_plain(each) for each in value.value]
    if value.type == "M":
        return {name: _plain(each) for name, each in value.value.items()}
    return value.cast_value if value.type == "N" else value.value
