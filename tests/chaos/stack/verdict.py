"""What a run left behind, and whether every promise was kept."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.deployed import FINAL, Deployed
from tests.chaos.stack.messages import take_all
from tests.chaos.stack.workload import CANCELLED, COMPLETED, FAILED, Wanted


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is read after a run. `exports` are all that the table has, by id."""

    exports: Mapping[str, Mapping[str, Any]]
    objects: Collection[str]
    ledger: Mapping[str, Any]
    rejected: Sequence[str]
    ends: Mapping[str, Collection[str]]
    left: Mapping[str, int]


def gather(deployed: Deployed, ends_url: str) -> Evidence:
    """Read everything, the queues to their end."""
    ends: dict[str, set[str]] = defaultdict(set)
    for each in take_all(deployed, ends_url):
        detail = json.loads(each["Body"])["detail"]
        ends[detail["ExportId"]].add(detail["Status"])
    ids = _export_ids(deployed)
    return Evidence(
        exports=deployed.exports(ids),
        objects=_objects(deployed),
        ledger=deployed.ledger(),
        rejected=[m["Body"] for m in take_all(deployed, deployed.outputs["RejectedQueueUrl"])],
        ends=ends,
        left={
            "counted on the gate": int(deployed.gate().get("running", 0)),
            "attempts": len(deployed.partition("GATE", "ATTEMPT#")),
            "in the backlog": len(deployed.partition("BACKLOG")),
            "waiting for a retry": len(deployed.partition("RETRY")),
        },
    )


def judge_exports(
    evidence: Evidence, wanted: Mapping[str, Wanted], answers: Mapping[str, str]
) -> Iterator[str]:
    """Violations in how exports ended: each asked for has exactly one end, and no other is there.

    `answers` are the API's to those who cancelled.
    """
    for export_id, want in wanted.items():
        export = evidence.exports.get(export_id)
        if export is None or export["status"] not in FINAL:
            yield f"lost: {export_id} is {export['status'] if export else 'unknown'}"
            continue
        status, code = export["status"], (export.get("error") or {}).get("code")
        if status not in want.ends:
            yield f"{export_id} ended {status} ({code}), not {' or '.join(sorted(want.ends))}"
        if want.code and code != want.code:
            yield f"{export_id} failed for {code}, not {want.code}"
        if answers.get(export_id) == CANCELLED != status:
            yield f"{export_id} was cancelled, the API said, and ended {status}"
        if status == COMPLETED:
            yield from _judge_files(evidence, export_id, export, want)
        yield from _judge_announcement(evidence, export_id, status)
    for export_id, export in evidence.exports.items():
        if export_id not in wanted and export["status"] != "REJECTED":
            yield f"{export_id} was never asked for, and is {export['status']}"


def _judge_files(
    evidence: Evidence, export_id: str, export: Mapping[str, Any], want: Wanted
) -> Iterator[str]:
    uris = [file.get("uri") for file in export["files"]]
    if len(uris) != want.files:
        yield f"{export_id} has {len(uris)} files, not {want.files}"
    for uri in uris:
        if uri not in evidence.objects:
            yield f"{export_id} is COMPLETED without its file {uri}"


def _judge_announcement(evidence: Evidence, export_id: str, status: str) -> Iterator[str]:
    told = set(evidence.ends.get(export_id, ()))
    expected = {status} if status in (COMPLETED, FAILED) else set()
    if told != expected:
        yield f"{export_id} is {status}, announced as {sorted(told) or 'nothing'}"


def judge_jobs(evidence: Evidence, wanted: Mapping[str, Wanted]) -> Iterator[str]:
    """Violations in what QuickSight was asked for: started twice, needless, over the limit."""
    jobs = evidence.ledger["jobs"]
    for job in jobs:
        if job["starts"] != 1:
            yield f"started twice: {job['SnapshotJobId']}, {job['starts']} times"
    of_export = Counter(job["SnapshotJobId"].rsplit("-", 2)[0] for job in jobs)
    for export_id, want in wanted.items():
        if not want.fewest_jobs <= of_export[export_id] <= want.most_jobs:
            what = "started twice" if of_export[export_id] > want.most_jobs else "too few jobs"
            text = f"{export_id} took {of_export[export_id]} jobs, not {want.most_jobs}"
            yield f"{what}: {text}"
    for stranger in of_export.keys() - wanted.keys():
        yield f"a job of an export that nobody asked for: {stranger}"
    limit = evidence.ledger["limit"]
    for call in evidence.ledger["calls"]:
        if call["running"] > limit:
            yield f"over the limit: {call['running']} jobs ran after {call['SnapshotJobId']}"
        elif call["outcome"] == "LimitExceededException" and call["running"] >= limit:
            yield f"over the limit: another start was tried, {call['SnapshotJobId']}"


def judge_refused(evidence: Evidence, refused: Sequence[str]) -> Iterator[str]:
    """Violations in the rejected queue: each bad message is in it, and nothing else."""
    for body in set(refused) - set(evidence.rejected):
        yield f"dropped silently: the message {body[:80]}"
    for body in set(evidence.rejected) - set(refused):
        yield f"refused, but sound: the message {body[:80]}"


def judge_left(evidence: Evidence) -> Iterator[str]:
    """Violations in what should be empty at the end."""
    for what, count in evidence.left.items():
        if count:
            yield f"left at the end: {count} {what}"


def _export_ids(deployed: Deployed) -> list[str]:
    pages = (
        deployed.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployed.outputs["TableName"],
            ConsistentRead=True,
            FilterExpression="sk = :sk",
            ExpressionAttributeValues={":sk": {"S": "EXPORT"}},
        )
    )
    return [item["pk"]["S"].removeprefix("EXPORT#") for page in pages for item in page["Items"]]


def _objects(deployed: Deployed) -> set[str]:
    bucket = deployed.outputs["ExportBucketName"]
    pages = deployed.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        return {
            f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", [])
        }
    except ClientError as error:
        raise RuntimeError(f"the export bucket cannot be listed: {error}") from error
