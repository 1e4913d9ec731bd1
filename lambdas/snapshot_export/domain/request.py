"""A user's request for one export: the envelope around QuickSight's own members.

Shape: DashboardId, UserConfiguration, SnapshotConfiguration as in start_dashboard_snapshot_job,
and around them ExportId, Target, Priority, Deadline, Name, Tags, Merge, After, Delivery, Zip,
Protect. AwsAccountId and SnapshotJobId may be there, since people paste that call's arguments: the
account must be the target's, and the job id serves as ExportId where none is given.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Tag, ValidationInfo

from snapshot_export.domain.after import After, AfterBody
from snapshot_export.domain.backlog import DEFAULT_PRIORITY
from snapshot_export.domain.delivery_request import DeliveryBody, delivery_problems
from snapshot_export.domain.emptiness import JUDGED_FORMATS, IfEmpty
from snapshot_export.domain.formats import MAX_FILE_GROUPS, MAX_FILES_PER_JOB, Format
from snapshot_export.domain.json_text import MAX_BODY_BYTES, digest_of, read_json, written
from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.merge import MergedSheets
from snapshot_export.domain.naming import check_segments
from snapshot_export.domain.parts import formats_of
from snapshot_export.domain.prefixes import SNAPSHOTS_PREFIX
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.protect_request import ProtectBody, protect_problems
from snapshot_export.domain.registered_user import SnapshotRegisteredUser
from snapshot_export.domain.row_level_security import ALLOWANCES
from snapshot_export.domain.shape import A_LIST, ONE_WORD, WORD_OR_LIST, Moment, Shape, rule
from snapshot_export.domain.snapshot_request import (
    FileGroup,
    NonBlank,
    ResourceId,
    SnapshotConfiguration,
    SnapshotUserConfiguration,
    as_sent,
)
from snapshot_export.domain.target import DEFAULT_TARGET, TARGET_NAME, Target, Targets
from snapshot_export.domain.templates import TemplateError, parse_template

EXPORT_ID = r"[A-Za-z0-9_\-]{1,64}"
"""Short enough for the names of executions and snapshot jobs that are made from it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that was checked. `snapshot` is QuickSight's part, as it will be sent."""

    export_id: str | None
    target: str
    priority: int
    deadline: datetime | None
    name: str | None
    tags: dict[str, str]
    allows: tuple[str, ...]
    dashboard_id: str
    snapshot: dict[str, Any]
    digest: str
    merge: MergedSheets | None = None
    if_empty: str = IfEmpty.SEND
    probe: tuple[str, str] | None = None
    """Sheet and visual of the CSV that decides."""
    after: After | None = None
    mail: MailOrder | None = None
    zip: bool = False
    password_secret: str | None = None

    @property
    def formats(self) -> tuple[str, ...]:
        """FormatType of each file, in the order of FileGroups."""
        return formats_of(self.snapshot)


def file_name(value: str) -> str:
    """A name, as pydantic's validators take it: a template that can be filled in."""
    try:
        parse_template(value)
        check_segments(value)
    except TemplateError as error:
        raise rule(str(error)) from None
    return value


def _one_user(
    value: SnapshotUserConfiguration | None, others: ValidationInfo
) -> SnapshotUserConfiguration | None:
    if "RegisteredUser" in others.data:
        registered = others.data["RegisteredUser"] is not None
        if value is None and not registered:
            raise rule("is required, unless there is a RegisteredUser")
        if value is not None and registered:
            raise rule("must not stand beside RegisteredUser")
    return value


def _each_sheet_once(sheets: list[str]) -> list[str]:
    if len(set(sheets)) < len(sheets):
        raise rule("must name each sheet once")
    return sheets


class MergeConfiguration(Shape):
    """Sheets of the dashboard as one file."""

    FormatType: Literal["PDF"]
    Sheets: Annotated[
        Annotated[Literal["ALL"], Tag(ONE_WORD)]
        | Annotated[
            list[ResourceId],
            Field(min_length=1, max_length=MAX_FILE_GROUPS),
            AfterValidator(_each_sheet_once),
            Tag(A_LIST),
        ],
        WORD_OR_LIST,
    ] = Field(
        description="the ids of the sheets in their order, or ALL: those that are published when "
        "the request is accepted, in the dashboard's order"
    )


class ProbeVisual(Shape):
    """A table or pivot table whose rows decide whether there is anything to say."""

    SheetId: ResourceId
    VisualId: ResourceId


def _files_of(
    value: SnapshotConfiguration | None, others: ValidationInfo
) -> SnapshotConfiguration | None:
    if "Merge" in others.data and others.data["Merge"] is None:
        if value is None:
            raise rule("is required, unless there is a Merge")
        if value.FileGroups is None:
            raise rule("must have FileGroups, unless there is a Merge")
    return value


_Configuration = SnapshotConfiguration


class ExportRequest(Shape):
    """The body of a message, and of POST /exports."""

    ExportId: Annotated[str, Field(pattern=f"^{EXPORT_ID}$")] | None = Field(
        default=None,
        description="yours: the same id twice is the same export; "
        "else a pasted SnapshotJobId, else the message's id",
    )
    Target: Annotated[str, Field(pattern=f"^{TARGET_NAME}$")] = Field(
        default=DEFAULT_TARGET,
        description="which QuickSight account and region ([targets.md](targets.md))",
    )
    Priority: Annotated[int, Field(ge=1, le=9)] = Field(
        default=DEFAULT_PRIORITY, description="1 goes first"
    )
    Deadline: Moment | None = Field(
        default=None, description="with its offset; earlier ones go first within a priority"
    )
    Name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(file_name)] | None = (
        Field(
            default=None,
            description="what the files are called, without suffix; may be a template "
            "([names.md](names.md)); else the dashboard's id",
        )
    )
    Tags: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=128)],
            Annotated[str, Field(max_length=256)],
        ],
        Field(
            max_length=50,
            default_factory=dict,
            description="labels of yours, kept with the export; no row-level-security tags",
        ),
    ]
    After: AfterBody | None = Field(
        default=None,
        description="the data that it waits for ([after-data.md](after-data.md))",
    )
    AwsAccountId: NonBlank | None = Field(
        default=None, description="allowed, since it is pasted: must be the deployment's"
    )
    SnapshotJobId: Annotated[str, Field(pattern=f"^{EXPORT_ID}$")] | None = Field(
        default=None,
        description="allowed, since it is pasted: serves as ExportId where there is none",
    )
    DashboardId: ResourceId
    RegisteredUser: SnapshotRegisteredUser | None = Field(
        default=None,
        description="instead of UserConfiguration: whose rows are shown "
        "([registered-users.md](registered-users.md))",
    )
    UserConfiguration: Annotated[
        SnapshotUserConfiguration | None,
        Field(validate_default=True, description="required, unless there is a RegisteredUser"),
        AfterValidator(_one_user),
    ] = None
    AllowMatchAll: bool = Field(
        default=False,
        description="true: a row-level-security tag may have the data set's match-all value, which "
        "shows every row of its column ([row-level-security.md](row-level-security.md))",
    )
    AllowSeveralValues: bool = Field(
        default=False,
        description="true: a row-level-security tag may hold the data set's multi-value delimiter",
    )
    Merge: MergeConfiguration | None = Field(
        default=None,
        description="sheets as one PDF with bookmarks, besides the files of SnapshotConfiguration "
        "([one-file.md](one-file.md))",
    )
    IfEmpty: Literal["SEND", "SKIP", "NOTE"] = Field(
        default="SEND",
        description="what happens if there are no rows: deliver, deliver nothing, or deliver and "
        "say so ([if-empty.md](if-empty.md))",
    )
    Probe: ProbeVisual | None = Field(
        default=None,
        description="whose rows decide; else those of all CSVs and workbooks of the export",
    )
    Delivery: DeliveryBody | None = Field(
        default=None,
        description="mails with the files, once they are there ([delivery.md](delivery.md))",
    )
    Zip: bool = Field(
        default=False,
        description="true: all files also as one zip, which is the last of them "
        "([one-file.md](one-file.md#all-files-as-one))",
    )
    Protect: ProtectBody | None = Field(
        default=None,
        description="files that open with a password only ([passwords.md](passwords.md))",
    )
    SnapshotConfiguration: Annotated[
        _Configuration | None,
        Field(validate_default=True, description="required, unless there is a Merge"),
        AfterValidator(_files_of),
    ] = None


def parse_request(text: str, targets: Targets) -> Request:
    """Check a body over the whole of the API's request.

    Raises InvalidRequestError with every problem found, each with its place; values are not
    repeated, since tags and parameters are the users' customers' secrets.
    """
    return check_request(read_json(text), targets)


def check_request(data: Any, targets: Targets, *, is_template: bool = False) -> Request:
    """Check a body that was read already; raises as parse_request does.

    A burst's template (`is_template`) has no addresses: each recipient brings its own.
    """
    body = ExportRequest.checked(data)
    target = choose_target(targets, body.Target)
    problems = (
        *_target_problems(body, target),
        *_merge_problems(body),
        *_empty_problems(body),
        *_zip_problems(body),
        *delivery_problems(
            body.Delivery,
            targets,
            is_template=is_template,
            has_destination=_has_destination(body),
        ),
        *protect_problems(
            body.Protect,
            targets,
            is_template=is_template,
            has_destination=_has_destination(body),
        ),
    )
    if problems:
        raise InvalidRequestError(problems)
    snapshot = {
        name: as_sent(member)
        for name in ("UserConfiguration", "RegisteredUser", "SnapshotConfiguration")
        if (member := getattr(body, name)) is not None
    }
    configuration = snapshot.setdefault("SnapshotConfiguration", {})
    configuration.setdefault("FileGroups", [])
    if len(written(snapshot).encode()) > MAX_BODY_BYTES:
        text = f"must be at most {MAX_BODY_BYTES} bytes with its numbers and times written out"
        raise InvalidRequestError((Problem("SnapshotConfiguration", text),))
    envelope = body.model_dump(
        mode="json", include={"Priority", "Deadline", "Name", "Tags", "DashboardId"}
    )
    if target.name != DEFAULT_TARGET:
        envelope["Target"] = target.name
    if body.Merge is not None:
        envelope["Merge"] = body.Merge.model_dump()
    if body.IfEmpty != IfEmpty.SEND:
        envelope["IfEmpty"] = body.IfEmpty
        envelope["Probe"] = body.Probe and body.Probe.model_dump()
    if body.After is not None:
        envelope["After"] = body.After.model_dump()
    if body.Delivery is not None:
        envelope["Delivery"] = body.Delivery.model_dump()
    if body.Zip:
        envelope["Zip"] = True
    if body.Protect is not None:
        envelope["Protect"] = body.Protect.model_dump()
    allows = tuple(name for name in ALLOWANCES if getattr(body, name))
    envelope |= dict.fromkeys(allows, True)
    return Request(
        export_id=body.ExportId or body.SnapshotJobId,
        target=target.name,
        priority=body.Priority,
        deadline=body.Deadline,
        name=body.Name,
        tags=body.Tags,
        allows=allows,
        dashboard_id=body.DashboardId,
        snapshot=snapshot,
        digest=digest_of(envelope | snapshot),
        merge=_merged_sheets(body.Merge),
        if_empty=body.IfEmpty,
        probe=(body.Probe.SheetId, body.Probe.VisualId) if body.Probe else None,
        after=After.of(body.After) if body.After else None,
        mail=body.Delivery.order() if body.Delivery else None,
        zip=body.Zip,
        password_secret=body.Protect.PasswordSecret if body.Protect else None,
    )


def choose_target(targets: Targets, name: str) -> Target:
    """The target of this name. Raises InvalidRequestError that names the known ones."""
    target = targets.find(name)
    if target is None:
        text = f"must be a target of this deployment: {', '.join(targets.names)}"
        raise InvalidRequestError((Problem("Target", text),))
    return target


def claimed_export_id(text: str) -> str | None:
    """The id that a refused body gives itself, if it is readable and well formed."""
    try:
        data = read_json(text)
    except InvalidRequestError:
        return None
    claimed = data.get("ExportId") or data.get("SnapshotJobId")
    return claimed if isinstance(claimed, str) and re.fullmatch(EXPORT_ID, claimed) else None


def _merged_sheets(merge: MergeConfiguration | None) -> MergedSheets | None:
    if merge is None:
        return None
    return MergedSheets(sheet_ids=None if isinstance(merge.Sheets, str) else tuple(merge.Sheets))


def _has_destination(body: ExportRequest) -> bool:
    configuration = body.SnapshotConfiguration
    return configuration is not None and configuration.DestinationConfiguration is not None


def _merge_problems(body: ExportRequest) -> list[Problem]:
    configuration, problems = body.SnapshotConfiguration, []
    if body.Merge is None or configuration is None:
        return []
    if configuration.DestinationConfiguration is not None:
        text = "must not stand beside Merge: the merged file is written to the deployment's bucket"
        problems.append(Problem("SnapshotConfiguration.DestinationConfiguration", text))
    files = len(configuration.FileGroups or ())
    sheets = 0 if isinstance(body.Merge.Sheets, str) else len(body.Merge.Sheets)
    if files + sheets > MAX_FILE_GROUPS:
        text = f"must be at most {MAX_FILE_GROUPS} together with the FileGroups, of which there "
        problems.append(Problem("Merge.Sheets", f"{text}are {files}"))
    return problems


def _empty_problems(body: ExportRequest) -> list[Problem]:
    configuration = body.SnapshotConfiguration
    if body.IfEmpty == IfEmpty.SEND:
        text = "must stand beside IfEmpty SKIP or NOTE only"
        return [Problem("Probe", text)] if body.Probe else []
    problems = []
    if configuration and configuration.DestinationConfiguration is not None:
        text = "must not stand beside IfEmpty: files are judged before they are delivered"
        problems.append(Problem("SnapshotConfiguration.DestinationConfiguration", text))
    groups = (configuration.FileGroups if configuration else None) or ()
    counts = Counter(group.Files[0].FormatType for group in groups)
    if body.Probe is None:
        judged = {kind: counts[kind] for kind in JUDGED_FORMATS}
        if not any(judged.values()):
            text = "must have a CSV or EXCEL file in FileGroups, or a Probe: a PDF has no rows"
            problems.append(Problem("IfEmpty", text))
        elif any(count > MAX_FILES_PER_JOB[kind] for kind, count in judged.items()):
            text = "must have a Probe where the CSV and EXCEL files are more than one job makes"
            problems.append(Problem("IfEmpty", text))
    elif any(_is_probe(group, body.Probe) for group in groups):
        text = "must not be a file of FileGroups too: without Probe, the export's own files decide"
        problems.append(Problem("Probe", text))
    elif len(groups) >= MAX_FILE_GROUPS:
        text = f"must leave room: with it there are more than {MAX_FILE_GROUPS} files"
        problems.append(Problem("Probe", text))
    return problems


def _zip_problems(body: ExportRequest) -> list[Problem]:
    if not (body.Zip and _has_destination(body)):
        return []
    text = "must not stand beside Zip: it is made of files in the deployment's bucket"
    return [Problem("SnapshotConfiguration.DestinationConfiguration", text)]


def _is_probe(group: FileGroup, probe: ProbeVisual) -> bool:
    (file,) = group.Files
    sheet = file.SheetSelections[0]
    return (file.FormatType, sheet.SheetId, sheet.VisualIds) == (
        Format.CSV,
        probe.SheetId,
        [probe.VisualId],
    )


def _target_problems(body: ExportRequest, target: Target) -> list[Problem]:
    problems = []
    if body.AwsAccountId is not None and body.AwsAccountId != target.account_id:
        problems.append(Problem("AwsAccountId", f"must be the target's, {target.account_id}"))
    if body.RegisteredUser is not None and not target.takes_users:
        text = f"is not possible in target {target.name}, which has no userRoleArn"
        problems.append(Problem("RegisteredUser", text))
    configuration = body.SnapshotConfiguration
    destination = configuration.DestinationConfiguration if configuration else None
    for index, item in enumerate((destination and destination.S3Destinations) or ()):
        bucket = item.BucketConfiguration
        place = (
            "SnapshotConfiguration.DestinationConfiguration."
            f"S3Destinations[{index}].BucketConfiguration"
        )
        if bucket.BucketName not in target.allowed_buckets | {target.export_bucket}:
            problems.append(
                Problem(f"{place}.BucketName", "must be a bucket that this deployment allows")
            )
        elif bucket.BucketName == target.export_bucket and not bucket.BucketPrefix.startswith(
            SNAPSHOTS_PREFIX
        ):
            text = f"must begin with {SNAPSHOTS_PREFIX} in the target's own bucket"
            problems.append(Problem(f"{place}.BucketPrefix", text))
        if bucket.BucketRegion != target.region:
            problems.append(
                Problem(f"{place}.BucketRegion", f"must be the region of the call, {target.region}")
            )
    return problems
