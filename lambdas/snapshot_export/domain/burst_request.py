"""A user's request for a burst, and how a recipient and the template become an export's body.

Shape: BurstId, Template (the body of an export without ExportId), Recipients (inline) or Manifest
(an object in S3, or a query), SameRowsForAll, Target, Priority, Deadline, After.

A recipient's rows are its own: it brings its row-level-security tags, unless the burst says by
SameRowsForAll that all see the rows of the template's user.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from snapshot_export.domain.after import After, AfterBody
from snapshot_export.domain.athena_query import AthenaQuery, problems_of_query
from snapshot_export.domain.burst import BURST_ID, ManifestFormat
from snapshot_export.domain.dashboard import PARAMETER_MEMBERS
from snapshot_export.domain.delivery_request import MAX_EMAIL_CELL, email_cell
from snapshot_export.domain.fair_share import MAX_WEIGHT
from snapshot_export.domain.json_text import MAX_BODY_BYTES, digest_of, read_json
from snapshot_export.domain.mail_address import split_addresses
from snapshot_export.domain.object_address import SCHEME, ObjectAddress
from snapshot_export.domain.prefixes import MANIFESTS_PREFIX
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.protect_request import SecretName
from snapshot_export.domain.recipient_query import DEFAULT_CHANGE_SHARE
from snapshot_export.domain.request import check_request, file_name
from snapshot_export.domain.row_level_security import ALLOWANCES, NOBODY
from snapshot_export.domain.shape import Moment, Shape, rule
from snapshot_export.domain.snapshot_request import SessionTags, SnapshotParameters
from snapshot_export.domain.target import DEFAULT_TARGET, TARGET_NAME, Targets

MAX_BURST_BYTES = 6 * 1024 * 1024
"""What a Lambda function can be handed."""
RECIPIENT_ID = r"[A-Za-z0-9_.@+=\-]{1,128}"
_OF_THE_BURST = ("ExportId", "SnapshotJobId")
USER_MEMBERS = ("UserConfiguration", "RegisteredUser")
_MAX_KEY_BYTES = 1024


class Recipient(Shape):
    """One recipient: what the export of this line has of its own."""

    RecipientId: Annotated[str, Field(pattern=f"^{RECIPIENT_ID}$")] | None = Field(
        default=None, description="yours: repeated in events, manifest and names"
    )
    RowLevelPermissionTags: SessionTags | None = Field(
        default=None,
        description="replace the template's user; required, unless the burst says SameRowsForAll",
    )
    Parameters: SnapshotParameters | None = Field(
        default=None, description="replace the template's of the same name"
    )
    Name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(file_name)] | None = (
        Field(default=None, description="replaces the template's")
    )
    Tags: dict[str, str] | None = Field(default=None, description="added to the template's")
    Email: (
        Annotated[str, Field(min_length=1, max_length=MAX_EMAIL_CELL), AfterValidator(email_cell)]
        | None
    ) = Field(
        default=None,
        description="where the template's Delivery goes, required beside one: an address, or "
        "several with `;` between them",
    )
    PasswordSecret: SecretName | None = Field(
        default=None,
        description="the secret with the password of the recipient's files, required beside the "
        "template's Protect: its name in Secrets Manager, or `name:key`",
    )


class RecipientManifest(Shape):
    """An object in S3 with one recipient on each line, or a query whose rows are recipients."""

    S3Uri: (
        Annotated[
            str,
            Field(pattern=rf"^{SCHEME}[a-z0-9][a-z0-9.\-]{{1,61}}[a-z0-9]/.+$", max_length=1100),
        ]
        | None
    ) = Field(
        default=None,
        description="in an allowed bucket, or in the stack's own under manifests/; with its Format",
    )
    Format: Annotated[str, Field(pattern="^(CSV|JSON_LINES)$")] | None = Field(
        default=None, description="of the object"
    )
    Athena: AthenaQuery | None = Field(
        default=None, description="in place of S3Uri and Format: rows of a query, read as a CSV"
    )
    MaxChangeShare: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="of a query: the burst is held where it finds that much more or fewer "
        f"recipients than expected, else {DEFAULT_CHANGE_SHARE:g}",
    )
    ExpectedCount: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description="of a query: how many recipients are expected, else as many as the schedule's "
        "last occurrence had",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        is_object = self.S3Uri is not None or self.Format is not None
        if is_object and self.Athena is not None:
            raise rule("must have either S3Uri with Format, or Athena")
        if self.Athena is not None:
            return self
        if self.S3Uri is None or self.Format is None:
            raise rule("must have S3Uri and Format, or Athena")
        if self.MaxChangeShare is not None or self.ExpectedCount is not None:
            raise rule("takes MaxChangeShare and ExpectedCount with Athena only")
        return self


class BurstBody(Shape):
    """The body of POST /bursts, and of a message's `Burst`."""

    BurstId: Annotated[str, Field(pattern=f"^{BURST_ID}$")] | None = Field(
        default=None,
        description="yours: the same id twice is the same burst; else the message's id",
    )
    Template: dict[str, Any] = Field(
        description="an export without ids, which each recipient fills in"
    )
    Recipients: Annotated[list[Any], Field(min_length=1)] | None = Field(
        default=None, description="inline; each is judged alone. Either these or a Manifest"
    )
    Manifest: RecipientManifest | None = Field(default=None, description="where the recipients are")
    SameRowsForAll: bool = Field(
        default=False,
        description="true: every recipient sees the rows of the template's user, and brings no "
        "tags; required where the template names a RegisteredUser",
    )
    AllowMatchAll: bool | None = Field(
        default=None, description="of each export, before the template's"
    )
    AllowSeveralValues: bool | None = Field(
        default=None, description="of each export, before the template's"
    )
    Target: Annotated[str, Field(pattern=f"^{TARGET_NAME}$")] | None = Field(
        default=None, description="of each export, before the template's ([targets.md](targets.md))"
    )
    Priority: Annotated[int, Field(ge=1, le=9)] | None = Field(
        default=None, description="of each export, before the template's"
    )
    Deadline: Moment | None = Field(
        default=None, description="of each export, before the template's"
    )
    After: AfterBody | None = Field(
        default=None,
        description="the data that the burst waits for, before its recipients are read "
        "([after-data.md](after-data.md))",
    )

    Zip: bool = Field(
        default=False,
        description="true: at its end, the files of all that completed are also one zip beside its "
        "manifest ([bursts.md](bursts.md#all-files-as-one))",
    )

    Weight: Annotated[int, Field(ge=1, le=MAX_WEIGHT)] = Field(
        default=1, description="its share of the slots beside bursts and exports of equal priority"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.Recipients is None) == (self.Manifest is None):
            raise rule("must have either Recipients or Manifest")
        return self


@dataclass(frozen=True, kw_only=True)
class BurstRequest:
    """A burst that was checked. `recipients` are not: each is judged on its own line."""

    burst_id: str | None
    target: str
    template: dict[str, Any]
    recipients: list[Any] | None
    manifest_uri: str | None
    manifest_format: ManifestFormat
    query: dict[str, Any] | None
    max_change_share: float | None
    expected_count: int | None
    same_rows_for_all: bool
    weight: int
    zip: bool
    digest: str
    after: After | None = None


def parse_burst(text: str, targets: Targets) -> BurstRequest:
    """Check the text of a burst's body. Raises InvalidRequestError, as parse_request does."""
    return check_burst(read_json(text, MAX_BURST_BYTES), targets)


def check_burst(data: Any, targets: Targets) -> BurstRequest:
    """Check a burst's body that was read already."""
    body = BurstBody.checked(data)
    template = dict(body.Template)
    if body.Target is not None:
        template["Target"] = body.Target
    if body.Priority is not None:
        template["Priority"] = body.Priority
    if body.Deadline is not None:
        template["Deadline"] = data["Deadline"]
    for name in ALLOWANCES:
        if getattr(body, name) is not None:
            template[name] = getattr(body, name)
    problems = _template_problems(template, targets) + _manifest_problems(body.Manifest, targets)
    if "RegisteredUser" in template and not body.SameRowsForAll:
        text = "must be true where the template names a RegisteredUser: all see that user's rows"
        problems.append(Problem("SameRowsForAll", text))
    if body.Zip:
        problems += _zip_problems(template, targets)
    if problems:
        raise InvalidRequestError(tuple(problems))
    query = body.Manifest.Athena if body.Manifest else None
    return BurstRequest(
        burst_id=body.BurstId,
        target=template.get("Target", DEFAULT_TARGET),
        template=template,
        recipients=body.Recipients,
        manifest_uri=body.Manifest.S3Uri if body.Manifest else None,
        manifest_format=_format_of(body.Manifest),
        query=query.model_dump(exclude_none=True) if query else None,
        max_change_share=body.Manifest.MaxChangeShare if body.Manifest else None,
        expected_count=body.Manifest.ExpectedCount if body.Manifest else None,
        same_rows_for_all=body.SameRowsForAll,
        weight=body.Weight,
        zip=body.Zip,
        digest=digest_of(
            {
                name: member
                for name, member in data.items()
                if name != "BurstId"
                and (name, member) not in (("SameRowsForAll", False), ("Weight", 1), ("Zip", False))
            }
        ),
        after=After.of(body.After) if body.After else None,
    )


def _format_of(manifest: RecipientManifest | None) -> ManifestFormat:
    """Athena writes CSV."""
    if manifest is None:
        return ManifestFormat.JSON_LINES
    return ManifestFormat(manifest.Format or "CSV")


def check_rows(recipient: Recipient, *, same_rows_for_all: bool) -> None:
    """Raises InvalidRequestError for a recipient that brings no tags, and for one that brings some
    where all see the same rows."""
    tags = recipient.RowLevelPermissionTags
    if tags is None and not same_rows_for_all:
        text = "is required: a recipient brings its own, unless the burst says SameRowsForAll"
        raise InvalidRequestError((Problem("RowLevelPermissionTags", text),))
    if tags is not None and same_rows_for_all:
        text = "must not be given: the burst says SameRowsForAll"
        raise InvalidRequestError((Problem("RowLevelPermissionTags", text),))


def body_of(
    template: dict[str, Any], recipient: Recipient, *, same_rows_for_all: bool
) -> dict[str, Any]:
    """The body of a recipient's export.

    Its row-level-security tags stand in place of the template's user; parameters replace those of
    the same name; Tags are added. Raises InvalidRequestError as `check_rows` does.
    """
    check_rows(recipient, same_rows_for_all=same_rows_for_all)
    _check_beside(template, "Delivery", "Email", recipient.Email)
    _check_beside(template, "Protect", "PasswordSecret", recipient.PasswordSecret)
    tags = recipient.RowLevelPermissionTags
    body = dict(template)
    if tags is not None:
        user = {"RowLevelPermissionTags": [tag.model_dump() for tag in tags]}
        body["UserConfiguration"] = {"AnonymousUsers": [user]}
    elif not any(name in template for name in USER_MEMBERS):
        body |= NOBODY
    if recipient.Name is not None:
        body["Name"] = recipient.Name
    if recipient.Email is not None:
        email = template["Delivery"]["Email"] | {"To": split_addresses(recipient.Email)}
        body["Delivery"] = template["Delivery"] | {"Email": email}
    if recipient.PasswordSecret is not None:
        body["Protect"] = {"PasswordSecret": recipient.PasswordSecret}
    if recipient.Tags:
        body["Tags"] = template.get("Tags", {}) | recipient.Tags
    if recipient.Parameters is not None:
        configuration = template.get("SnapshotConfiguration") or {}
        own = recipient.Parameters.model_dump(mode="json", exclude_none=True)
        merged = _merge_parameters(configuration.get("Parameters") or {}, own)
        body["SnapshotConfiguration"] = configuration | {"Parameters": merged}
    return body


def _check_beside(template: dict[str, Any], member: str, name: str, value: str | None) -> None:
    """Raises InvalidRequestError for a mail without an address, files to protect without a secret,
    and an address or a secret without these in the template."""
    is_asked = template.get(member) is not None
    if is_asked and value is None:
        text = f"is required: the template has a {member}, and this is each recipient's own"
        raise InvalidRequestError((Problem(name, text),))
    if value is not None and not is_asked:
        text = f"must not be given: the template has no {member}"
        raise InvalidRequestError((Problem(name, text),))


def _merge_parameters(general: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = {}
    for kind in PARAMETER_MEMBERS:
        named = {parameter["Name"]: parameter for parameter in general.get(kind) or ()}
        named |= {parameter["Name"]: parameter for parameter in own.get(kind) or ()}
        if named:
            merged[kind] = [*named.values()]
    return merged


def _template_problems(template: dict[str, Any], targets: Targets) -> list[Problem]:
    problems = [
        Problem(f"Template.{name}", "must not be given: ids are made from burst and line")
        for name in _OF_THE_BURST
        if name in template
    ]
    if "After" in template:
        problems.append(Problem("Template.After", "must stand beside Template: the burst waits"))
    if len(json.dumps(template)) > MAX_BODY_BYTES:
        return [Problem("Template", f"must be at most {MAX_BODY_BYTES} bytes")]
    probe = template
    if not any(name in template for name in USER_MEMBERS):
        probe = template | NOBODY
    try:
        check_request(probe, targets, is_template=True)
    except InvalidRequestError as error:
        problems += [problem.under("Template") for problem in error.problems]
    return problems


def _zip_problems(template: dict[str, Any], targets: Targets) -> list[Problem]:
    """The zip lies in the stack's own bucket, and is made of files there."""
    target = targets.find(str(template.get("Target", DEFAULT_TARGET)))
    if target is not None and target.export_bucket != targets.default.export_bucket:
        return [Problem("Zip", "must not be given for a target with a bucket of its own")]
    configuration = template.get("SnapshotConfiguration")
    if isinstance(configuration, dict) and configuration.get("DestinationConfiguration"):
        return [Problem("Zip", "must not be given beside a DestinationConfiguration")]
    return []


def _manifest_problems(manifest: RecipientManifest | None, targets: Targets) -> list[Problem]:
    """Manifests are the stack's, whatever the target: they lie where the stack reads them."""
    if manifest is None:
        return []
    if manifest.Athena is not None:
        return problems_of_query(manifest.Athena, targets.athena_work_groups)
    if manifest.S3Uri is None:
        return []
    place = ObjectAddress.parse(manifest.S3Uri)
    if len(place.key.encode()) > _MAX_KEY_BYTES:
        return [Problem("Manifest.S3Uri", f"must have a key of at most {_MAX_KEY_BYTES} bytes")]
    if place.bucket in targets.default.allowed_buckets:
        return []
    own = targets.default.export_bucket
    if place.bucket == own and place.key.startswith(MANIFESTS_PREFIX):
        return []
    text = f"must be in an allowed bucket, or in the stack's own under {MANIFESTS_PREFIX}"
    return [Problem("Manifest.S3Uri", text)]
