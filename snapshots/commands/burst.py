"""`snapshots burst`: one template, many recipients."""

from __future__ import annotations

import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from snapshot_export.domain.object_address import SCHEME, ObjectAddress, is_object_address
from snapshots.commands.status import finish_burst
from snapshots.commands.waiting import timeout_seconds, wait_options
from snapshots.connection import telling_of_aws
from snapshots.errors import CliError, ExitCode, UsageError
from snapshots.help import examples
from snapshots.inputs import FILE, read_object, read_text
from snapshots.invocation import Invocation, command_options, target_option
from snapshots.manifests import format_of, print_refused, read_manifest
from snapshots.row_level_security import allowance_options, allowances, print_warnings
from snapshots.times import parse_time


@click.command(
    epilog=examples(
        "burst --template report.json --manifest customers.csv --wait",
        f"burst --template report.json --manifest {SCHEME}ours/manifests/w.csv",
        "burst burst.json --burst-id november --deadline 2h",
    ),
)
@click.argument("source", metavar="[FILE|-]", required=False, type=FILE)
@click.option("--template", metavar="FILE", type=FILE, help="Export request for each recipient.")
@click.option(
    "--manifest",
    metavar="FILE|s3://…",
    type=FILE,
    help="Recipients as CSV or JSON Lines; a file is uploaded.",
)
@click.option(
    "--query",
    metavar="FILE",
    type=FILE,
    help="Recipients from Athena: a file with the SELECT; needs --work-group.",
)
@click.option("--work-group", metavar="NAME", help="Athena's, in which the query runs.")
@click.option("--database", metavar="NAME", help="Of the query's tables.")
@click.option(
    "--expected-count",
    type=int,
    help="How many recipients the query should find; else the burst is held.",
)
@click.option(
    "--same-rows-for-all",
    is_flag=True,
    help="All see the rows of the template's user; else each recipient brings its own tags.",
)
@click.option("--burst-id", metavar="ID", help="Its id; the same id again is the same burst.")
@click.option("--priority", type=int, help="1 comes first, 9 last; 5 unless given.")
@click.option("--weight", type=int, help="Its share beside bursts of equal priority, 1 to 10.")
@click.option("--zip", "as_zip", is_flag=True, help="All files also as one zip, at the end.")
@click.option("--deadline", metavar="TIME", help="When it should be done: 2h, or a time.")
@allowance_options
@target_option
@wait_options
@command_options
def burst(
    invocation: Invocation,
    source: str | None,
    template: str | None,
    manifest: str | None,
    query: str | None,
    work_group: str | None,
    database: str | None,
    expected_count: int | None,
    same_rows_for_all: bool,
    burst_id: str | None,
    priority: int | None,
    weight: int | None,
    as_zip: bool,
    deadline: str | None,
    allow_match_all: bool,
    allow_several_values: bool,
    target: str | None,
    wait: bool,
    timeout: str | None,
    download: Path | None,
) -> int:
    """Submit a burst: a burst request as JSON, or --template with --manifest or --query.

    Options are laid over the file's members.
    """
    seconds = timeout_seconds(timeout)
    body = read_object(source) if source else {}
    body["BurstId"] = burst_id or body.get("BurstId") or str(uuid.uuid4())
    if template:
        body["Template"] = read_object(template)
    if same_rows_for_all:
        body["SameRowsForAll"] = True
    body |= allowances(match_all=allow_match_all, several_values=allow_several_values)
    if target:
        body["Target"] = target
    if priority is not None:
        body["Priority"] = priority
    if weight is not None:
        body["Weight"] = weight
    if as_zip:
        body["Zip"] = True
    if deadline:
        body["Deadline"] = parse_time(deadline, now=invocation.now, direction=1)
    if manifest:
        if "Recipients" in body:
            raise UsageError("--manifest and the file's Recipients exclude each other")
        body["Manifest"] = _manifest_of(
            invocation,
            manifest,
            body["BurstId"],
            same_rows_for_all=body.get("SameRowsForAll") is True,
        )
    if query or work_group or database or expected_count is not None:
        body["Manifest"] = _with_query(body, query, work_group, database, expected_count)
    if "Template" not in body or not ("Recipients" in body or "Manifest" in body):
        raise UsageError("give a burst request with Template and Recipients, or --template with "
                         "--manifest or --query")  # fmt: skip
    answer = invocation.api.post("bursts", body=body)
    print_warnings(invocation.err, [answer])
    if wait or download:
        return finish_burst(
            invocation, answer["BurstId"], wait=wait, timeout=seconds, download=download
        )
    if invocation.as_json:
        invocation.print_json(answer)
    else:
        look = invocation.command_line("status", answer["BurstId"], "--wait")
        line = f"{answer['BurstId']} {answer['Status']}: {look}"
        invocation.out.print(line, markup=False, soft_wrap=True)
    return ExitCode.OK


def _with_query(
    body: dict[str, Any],
    query: str | None,
    work_group: str | None,
    database: str | None,
    expected_count: int | None,
) -> dict[str, Any]:
    """The burst's manifest with the options of a query laid over it."""
    manifest = dict(body.get("Manifest") or {})
    if "Recipients" in body or "S3Uri" in manifest:
        raise UsageError("options of a query exclude --manifest and the file's recipients")
    athena = dict(manifest.get("Athena") or {})
    if query:
        athena = {each: athena[each] for each in athena if each != "NamedQueryId"}
        athena["QueryString"] = read_text(query)
    if work_group:
        athena["WorkGroup"] = work_group
    if database:
        athena["Database"] = database
    manifest["Athena"] = athena
    if expected_count is not None:
        manifest["ExpectedCount"] = expected_count
    return manifest


def _manifest_of(
    invocation: Invocation, path: str, burst_id: str, *, same_rows_for_all: bool
) -> dict[str, str]:
    """Where the manifest is in S3; a file is checked, and uploaded to the stack's own bucket.

    Its content is in its key: another content under the same id is another request, which the API
    refuses, and the object that a burst is reading is never written again.
    """
    from snapshot_export.domain.prefixes import UPLOADS_PREFIX

    kind = format_of(path)
    if is_object_address(path):
        return {"S3Uri": path, "Format": kind}
    manifest = read_manifest(path, same_rows_for_all=same_rows_for_all)
    print_refused(invocation.err, manifest)
    bucket = _output(invocation, "ExportBucketName")
    digest = sha256(manifest.content).hexdigest()
    key = f"{UPLOADS_PREFIX}{burst_id}-{digest}{Path(path).suffix.lower()}"
    with telling_of_aws():
        _upload_once(invocation.account.client("s3"), bucket, key, manifest.content)
    return {"S3Uri": str(ObjectAddress(bucket, key)), "Format": kind}


def _upload_once(s3: Any, bucket: str, key: str, content: bytes) -> None:
    try:
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=content,
            ContentType="application/octet-stream",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise


def _output(invocation: Invocation, name: str) -> Any:
    try:
        return invocation.outputs[name]
    except KeyError:
        message = f"the stack has no output {name}: deploy its present version"
        raise CliError(message, ExitCode.NOT_FOUND) from None
