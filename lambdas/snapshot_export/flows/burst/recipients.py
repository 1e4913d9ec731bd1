"""A burst's recipients, read from its manifest and made into exports or refusals.

Which RecipientIds were given before is not written anywhere: the manifest has it, which cannot
change while it is read (manifests.chunks). An invocation that goes on in its middle reads the ids
before that place again, without judging the recipients, so it comes to the same answers as one that
began at the start, wherever the one before it died.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from snapshot_export.adapters.s3.manifests import Found
from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst, ManifestFormat, Refusal, export_id_of, line_of
from snapshot_export.domain.burst_request import USER_MEMBERS, Recipient, body_of
from snapshot_export.domain.delivery_request import TO_PLACE
from snapshot_export.domain.export import Export
from snapshot_export.domain.json_text import MAX_BODY_BYTES
from snapshot_export.domain.manifest_check import (
    HEAD_BYTES,
    ManifestFault,
    find_fault,
    read_header,
)
from snapshot_export.domain.manifest_lines import Record, split_records
from snapshot_export.domain.problem import (
    MAX_PLACE_CHARACTERS,
    MAX_PROBLEMS,
    InvalidRequestError,
    Problem,
)
from snapshot_export.domain.protect_request import PASSWORD_PLACE
from snapshot_export.domain.recipients import Columns, RecipientIds, column_of, recipient_of
from snapshot_export.domain.request import check_request
from snapshot_export.domain.row_level_security import TAGS_PLACE
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.errors import ManifestError
from snapshot_export.flows.burst.flow import BurstFlow
from snapshot_export.flows.dashboard.guard import RecipientGuard
from snapshot_export.flows.export.accept import export_of
from snapshot_export.flows.export.file_names import check_names

MAX_WRITES = 99
"""A transaction takes 100, and one is the burst's."""
MAX_BYTES = 3_000_000
"""A transaction takes 4 MB."""


@dataclass
class Slice:
    """Recipients that are accepted in one transaction; the manifest goes on at offset and line.

    `read` counts the records, each of which is an export or a refusal. `finish_tag` is where the
    burst's flow has come with it.
    """

    offset: int
    line: int
    read: int = 0
    exports: list[Export] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    size: int = 0
    finish_tag: float = 0.0
    warnings: tuple[SecurityWarning, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether another recipient might not fit."""
        writes = 2 * len(self.exports) + len(self.refusals)
        return writes > MAX_WRITES - 2 or self.size > MAX_BYTES - MAX_BODY_BYTES


def slices(services: Services, burst: Burst, template: dict[str, Any]) -> Iterator[Slice]:
    """The rest of the burst's recipients. Raises ManifestError where it cannot be read on."""
    columns, first = _head(services, burst)
    ids = RecipientIds()
    if first is not None and burst.offset == 0:
        burst = replace(burst, offset=first.next_offset, line=first.next_line)
    elif burst.version > 1:
        _read_again(services, burst, columns, first, ids)
    current = Slice(burst.offset, burst.line)
    guard = RecipientGuard(services, template["DashboardId"])
    place = BurstFlow(services, burst)
    for record in _records(services, burst, burst.offset, burst.line):
        current.read += 1
        outcome = _judge(services, burst, template, record, columns, ids, guard)
        current.warnings = guard.warnings
        if isinstance(outcome, Export):
            outcome = replace(outcome, rank=place.next_rank(outcome))
            current.exports.append(outcome)
            current.finish_tag = place.finish_tag
            current.size += len(json.dumps(outcome.snapshot)) + _size_of_mail(outcome)
        else:
            current.refusals.append(outcome)
        current.offset, current.line = record.next_offset, record.next_line
        if current.is_full:
            yield current
            current = Slice(record.next_offset, record.next_line)
    if current.exports or current.refusals:
        yield current


def count_recipients(services: Services, burst: Burst) -> int:
    """How many records the burst's manifest has. Raises ManifestError, TransientError."""
    header = burst.manifest_format is ManifestFormat.CSV
    return max(0, sum(1 for _ in _records(services, burst, 0, 1)) - header)


def _read_again(
    services: Services,
    burst: Burst,
    columns: Columns | None,
    header: Record | None,
    ids: RecipientIds,
) -> None:
    """Take the ids of the records before the burst's place."""
    offset, line = (header.next_offset, header.next_line) if header else (0, 1)
    for record in _records(services, burst, offset, line):
        if record.next_offset > burst.offset:
            return
        ids.add(record, columns)


def _chunks(services: Services, burst: Burst, offset: int) -> Iterator[bytes]:
    found = Found(burst.manifest_etag, burst.manifest_size)
    return services.manifests.chunks(burst.manifest_uri, found, offset)


def _records(services: Services, burst: Burst, offset: int, line: int) -> Iterator[Record]:
    is_csv = burst.manifest_format is ManifestFormat.CSV
    chunks = _chunks(services, burst, offset)
    return split_records(chunks, is_csv=is_csv, offset=offset, line=line)


def _head(services: Services, burst: Burst) -> tuple[Columns | None, Record | None]:
    """The columns of a CSV with their record; and whether the file is a manifest at all."""
    is_csv = burst.manifest_format is ManifestFormat.CSV
    if burst.offset and not is_csv:
        return None, None
    head = next(_chunks(services, burst, 0), b"")
    if burst.offset == 0 and (fault := find_fault(head[:HEAD_BYTES], burst.manifest_format)):
        raise ManifestError(fault.code, fault.message)
    if not is_csv:
        return None, None
    header = read_header(head)
    if isinstance(header, ManifestFault):
        raise ManifestError(header.code, header.message)
    return header


def _judge(
    services: Services,
    burst: Burst,
    template: dict[str, Any],
    record: Record,
    columns: Columns | None,
    ids: RecipientIds,
    guard: RecipientGuard,
) -> Export | Refusal:
    problems = ids.add(record, columns) if burst.version > 1 else ()
    try:
        recipient = recipient_of(record, columns)
        export = _export_of(services, burst, template, record.line, recipient, guard)
        judged = guard.problems(export.snapshot, export.allows or ())
        parameters = recipient.Parameters.model_dump() if recipient.Parameters else {}
        judged += guard.problems_of_parameters(parameters)
        problems += _as_of_recipient(judged, recipient, columns)
    except InvalidRequestError as error:
        problems += tuple(map(_of_line, error.problems))
    if not problems:
        return export
    shown = tuple(
        Problem(problem.place[:MAX_PLACE_CHARACTERS], problem.rule)
        for problem in problems[:MAX_PROBLEMS]
    )
    return Refusal(line=record.line, problems=shown)


def _export_of(
    services: Services,
    burst: Burst,
    template: dict[str, Any],
    line: int,
    recipient: Recipient,
    guard: RecipientGuard,
) -> Export:
    same_rows = burst.same_rows_for_all or _saw_the_templates_rows(burst, template, recipient)
    body = body_of(template, recipient, same_rows_for_all=same_rows)
    request = check_request(body, services.targets)
    export_id = export_id_of(burst.burst_id, line)
    request = replace(request, export_id=export_id)
    sheets = guard.merged_sheets(request)
    export = export_of(services, request, burst.source, burst.accepted_at, sheets)
    export = replace(export, burst_id=burst.burst_id, recipient_id=recipient.RecipientId)
    check_names(export)
    return export


def _of_line(problem: Problem) -> Problem:
    """A problem of an address or a secret by the recipient's member, which is the column of a CSV
    too."""
    if problem.place.startswith(TO_PLACE):
        return Problem("Email", problem.rule)
    if problem.place == PASSWORD_PLACE:
        return Problem("PasswordSecret", problem.rule)
    return problem


def _size_of_mail(export: Export) -> int:
    return len(json.dumps(asdict(export.mail))) if export.mail else 0


def _saw_the_templates_rows(burst: Burst, template: dict[str, Any], recipient: Recipient) -> bool:
    """Whether it was accepted when a recipient without tags saw the rows of the template's user."""
    names_user = any(name in template for name in USER_MEMBERS)
    return burst.version == 1 and names_user and recipient.RowLevelPermissionTags is None


def _as_of_recipient(
    problems: tuple[Problem, ...], recipient: Recipient, columns: Columns | None
) -> tuple[Problem, ...]:
    """Problems of tags and parameters by the recipient's own member, or by the column of a CSV."""
    tags = recipient.RowLevelPermissionTags or []
    columns_of = [f"tag:{tag.Key}" for tag in tags] if columns else []

    def place_of(place: str) -> str:
        of_parameter = re.match(r"Parameters\.(\w+)\[(\d+)\]", place)
        if of_parameter and columns:
            given = getattr(recipient.Parameters, of_parameter[1])[int(of_parameter[2])]
            return column_of(of_parameter[1], given.Name)
        rest = place.removeprefix(TAGS_PLACE)
        if rest == place or not tags:
            return place
        index = re.match(r"\[(\d+)\]", rest)
        return columns_of[int(index[1])] if columns and index else f"RowLevelPermissionTags{rest}"

    return tuple(Problem(place_of(each.place), each.rule) for each in problems)


def refusal_of_taken_id(export_id: str) -> Refusal:
    """The refusal of a recipient whose export's id names an export that is none of this burst's."""
    problem = Problem("ExportId", f"{export_id} already names another export")
    return Refusal(line=line_of(export_id), problems=(problem,))
