"""What must hold for every message of a batch, whatever it was.

Each is accepted, and then what would be sent to QuickSight passes botocore's validator and the
emulator's rules and says what the message said; or it is refused, kept whole in the rejected queue
with a reason that names the place, and has a REJECTED record. Never both, never neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import botocore.session
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from local.quicksight.rules import check_start
from local.quicksight.service_model import START, load_operations
from local.quicksight.settings import Settings
from local.quicksight.validation import read_members
from snapshot_export.domain.export import Export, Status, snapshot_job_id
from snapshot_export.domain.parts import formats_of, snapshot_of_part, split_file_groups
from tests.chaos.fuzz_harness import Outcome
from tests.chaos.fuzz_requests import ACCOUNT, ALLOWED_BUCKET, REGION, SECRET

_SHOWN = 200
_XML = re.compile(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def violations_of(ids: Sequence[str], bodies: Sequence[str], outcome: Outcome) -> list[str]:
    """What is wrong with a batch's outcome; empty if nothing is."""
    found = [f"the function crashed: {outcome.crash}"] if outcome.crash else []
    if SECRET in outcome.log:
        line = next(line for line in outcome.log.splitlines() if SECRET in line)
        found.append(f"a value of a tag or parameter in the log: {line[:_SHOWN]}")
    if unknown := outcome.refused.keys() - set(ids):
        found.append(f"refused, but never sent: {unknown}")
    for message_id, body in zip(ids, bodies, strict=True):
        found += [f"{text}: {body[:_SHOWN]!r}" for text in _judge(message_id, body, outcome)]
    for export in outcome.exports.values():
        if export.status is not Status.REJECTED:
            found += [f"{export.export_id}: {text}" for text in _problems_with_export(export)]
    return found


def is_deliverable(body: str) -> bool:
    """Whether SQS could have carried the text: 1 byte to 1 MiB of XML's characters."""
    return bool(_XML.fullmatch(body)) and 0 < len(body.encode()) <= 2**20


def fate_of(message_id: str, body: str, outcome: Outcome) -> str:
    """ACCEPTED, REJECTED, AGAIN (to be delivered again) or LOST."""
    if message_id in outcome.failed_ids:
        return "AGAIN"
    if message_id in outcome.refused:
        return "REJECTED"
    return "ACCEPTED" if _records_of(message_id, body, outcome) else "LOST"


def _judge(message_id: str, body: str, outcome: Outcome) -> list[str]:
    fate = fate_of(message_id, body, outcome)
    if fate == "LOST":
        return ["the message disappeared"]
    if fate == "AGAIN":
        return ["nothing can pass here, but it shall be delivered again"]
    return _problems_with_refusal(message_id, body, outcome) if fate == "REJECTED" else []


def _records_of(message_id: str, body: str, outcome: Outcome) -> list[object]:
    """The records that an accepted message has: of its own id, or of one that it names."""
    names = {message_id, *_ids_in(body, message_id)}
    kept: list[object] = [
        export
        for export in outcome.exports.values()
        if export.export_id in names and export.status is not Status.REJECTED
    ]
    return kept + [burst for name, burst in outcome.bursts.items() if name in names]


def _ids_in(body: str, message_id: str) -> set[str]:
    data = json.loads(body)
    plain = data.get("Burst") if isinstance(data.get("Burst"), dict) else data
    if "Schedule" in data:
        name, at = data["Schedule"], str(data["Occurrence"])
        if at.startswith("<"):
            return {f"{name}-{re.sub('[^A-Za-z0-9]', '', message_id)[:17]}"}
        return {f"{name}-{stamp}" for stamp in _stamps(at)}
    return {str(plain[name]) for name in ("ExportId", "SnapshotJobId", "BurstId") if name in plain}


def _stamps(text: str) -> set[str]:
    from datetime import UTC, datetime

    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return {at.strftime("%Y%m%dT%H%M%SZ")}


def _problems_with_refusal(message_id: str, body: str, outcome: Outcome) -> list[str]:
    kept = outcome.refused[message_id]
    found = [] if len(kept) == 1 else [f"kept {len(kept)} times in the rejected queue"]
    if kept[0].body != (body or "(empty)"):
        found.append("not kept to the letter")
    records = [
        export
        for export in outcome.exports.values()
        if export.status is Status.REJECTED
        and (export.source == message_id or export.export_id in _claimed(body, message_id))
    ]
    if not records and not _is_taken_by_a_later_one(message_id, body, outcome):
        found.append("refused without a REJECTED record")
    if not all(export.error and export.error.message for export in records):
        found.append("a REJECTED record without its reason")
    problems = kept[0].reason.get("Problems", [])
    if not problems or kept[0].reason.get("ProblemCount", 0) < len(problems):
        found.append("refused without a problem")
    if SECRET in json.dumps(kept[0].reason):
        found.append("a value of a tag or parameter in the reason")
    for problem in problems:
        if not problem["Rule"] or not problem["Field"]:
            found.append(f"a problem without field or rule: {problem}")
        if not _is_place(body, problem["Place"]):
            found.append(f"a place that the message does not have: {problem}")
    return found


def _is_taken_by_a_later_one(message_id: str, body: str, outcome: Outcome) -> bool:
    """Whether the record made way: a refused id may be used again when the message is repaired."""
    ids = _claimed(body, message_id)
    return any(
        export.export_id in ids and export.source > message_id
        for export in outcome.exports.values()
    )


def _claimed(body: str, message_id: str) -> set[str]:
    """Ids that a refused body may give itself; another refused message of the batch may too."""
    try:
        return _ids_in(body, message_id)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError):
        return set(re.findall(r'"(?:ExportId|SnapshotJobId)": ?"([A-Za-z0-9_\-]{1,64})"', body))


def _is_place(body: str, place: str) -> bool:
    """Whether a place, but for a missing last member, is there in a body. "" always is."""
    if place == "" or len(place) == _SHOWN:
        return True
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return _leads(tree, place)


def _leads(tree: Any, rest: str) -> bool:
    """Whether `rest` is a way into the tree; names may hold dots and brackets themselves."""
    if rest == "":
        return True
    if isinstance(tree, list):
        match = re.match(r"\[(\d+)\]\.?", rest)
        return bool(
            match and int(match[1]) < len(tree) and _leads(tree[int(match[1])], rest[match.end() :])
        )
    if not isinstance(tree, dict):
        return False
    if rest == "(a member's name)":
        return True
    for name in tree:
        if rest.startswith(name):
            after = rest[len(name) :]
            if after in ("", ".[key]"):
                return True
            if after[0] in ".[" and _leads(tree[name], after.removeprefix(".")):
                return True
    return bool(re.fullmatch(r"\w+", rest))


@cache
def _operation() -> Any:
    return botocore.session.get_session().get_service_model("quicksight").operation_model(START)


def _problems_with_export(export: Export) -> list[str]:
    """What QuickSight would have against any of the export's snapshot jobs."""
    found: list[str] = []
    parts = split_file_groups(formats_of(export.snapshot))
    for part in range(len(parts)):
        snapshot = snapshot_of_part(export.snapshot, part)
        registered = "RegisteredUser" in snapshot
        arguments = {
            "AwsAccountId": ACCOUNT,
            "DashboardId": export.dashboard_id,
            "SnapshotJobId": snapshot_job_id(export.export_id, part + 1, export.nonce),
        } | {name: value for name, value in snapshot.items() if name != "RegisteredUser"}
        report = ParamValidator().validate(arguments, _operation().input_shape)
        if report.has_errors():
            found.append(f"botocore refuses: {report.generate_report()[:_SHOWN]}")
            continue
        members, broken = read_members(load_operations()[START].input_shape, _sent(arguments))
        found += [f"the service model refuses: {text[:_SHOWN]}" for text in broken]
        if not broken:
            try:
                user = "someone" if registered else None
                check_start(members, user=user, settings=Settings(region=REGION))
            except Exception as error:
                found.append(f"the emulator refuses: {error}")
    for destination in _destinations(export):
        bucket = destination["BucketConfiguration"]
        own = bucket["BucketName"].startswith("test-")
        if bucket["BucketName"] != ALLOWED_BUCKET and not own:
            found.append("a bucket that is not allowed")
        if own and not bucket["BucketPrefix"].startswith("snapshots/"):
            found.append("another place in the stack's own bucket")
    return found


def _destinations(export: Export) -> list[dict[str, Any]]:
    configuration = export.snapshot["SnapshotConfiguration"].get("DestinationConfiguration", {})
    return list(configuration.get("S3Destinations", []))


def _sent(arguments: dict[str, Any]) -> dict[str, Any]:
    """The members as they arrive: written by botocore's serializer, read from its JSON."""
    request = create_serializer("rest-json").serialize_to_request(arguments, _operation())
    ids = ("AwsAccountId", "DashboardId", "SnapshotJobId")
    sent = json.loads(request["body"]) | {name: arguments[name] for name in ids}
    path = "/accounts/{AwsAccountId}/dashboards/{DashboardId}/snapshot-jobs".format(**arguments)
    assert request["url_path"] == path, "an id that is not itself in the address"
    return dict(sent)
