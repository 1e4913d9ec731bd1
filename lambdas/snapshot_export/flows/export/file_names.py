"""Names of an export's files: checked when it is accepted, given when its files are collected.

A key has one owner: a file of one export, which its nonce sets apart from others of its id.
Each key is claimed, by a conditional write, before the first write to it, and the claim outlives
the object; an object that is there without a claim is another's. So neither another recipient, nor
an export and a burst of one id, nor a later use of an id come to write to the same object, and a
step that is repeated, after a death at any point, finds its own claim and writes the same object
again.
"""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Export
from snapshot_export.domain.mail_text import write_mail
from snapshot_export.domain.naming import (
    NameFields,
    RequestedFile,
    delivered_shapes,
    file_keys,
    keys_for,
    written_keys,
)
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.templates import TemplateError
from snapshot_export.errors import TransientError


def name_fields(export: Export) -> NameFields:
    """What the name's template may hold of the export."""
    return NameFields(
        export_id=export.export_id,
        dashboard_id=export.dashboard_id,
        accepted_at=export.accepted_at,
        burst_id=export.burst_id or "",
        recipient=export.recipient_id or "",
        tags=export.tags,
    )


def check_names(export: Export) -> None:
    """Write every file's name, and its mail, out once. Raises InvalidRequestError for a name that
    leaves its prefix, that some file system does not take, or that is too long, and for a mail that
    lacks the value of a field: better now than when the files are there.
    """
    try:
        file_keys(export.name, name_fields(export), _shapes_of(export))
    except TemplateError as error:
        raise InvalidRequestError((Problem("Name", str(error)),)) from None
    if export.mail is not None:
        try:
            write_mail(export.mail, name_fields(export))
        except TemplateError as error:
            raise InvalidRequestError((Problem("Delivery.Email", str(error)),)) from None


def keys_of(export: Export) -> tuple[str, ...]:
    """Object keys of all that is delivered, in the order of FileGroups, a merged file behind them
    and the zip last."""
    return written_keys(export.name, name_fields(export), _shapes_of(export))


def claim_keys(services: Services, export: Export, positions: Sequence[int]) -> list[str]:
    """Keys of the export's files at these positions, each claimed for its file.

    The first to come has a key; another's file gets the export's id in its name. A repeated step
    gets the same keys. One write for each file, one more for each key that another has. Raises
    TransientError.
    """
    hidden = hidden_files(export)
    return _claim_places(services, export, [position - hidden for position in positions])


def claim_zip(services: Services, export: Export) -> str:
    """Key of the zip of the export's files, claimed as they are. Raises TransientError."""
    (key,) = _claim_places(services, export, [len(_shapes_of(export)) - 1])
    return key


def _claim_places(services: Services, export: Export, places: Sequence[int]) -> list[str]:
    keys = keys_of(export)
    expires_at = services.settings.claim_expires_at(services.now(), burst_since=export.burst_since)
    return [_claim(services, export, place, keys[place], expires_at) for place in places]


def _claim(services: Services, export: Export, position: int, key: str, expires_at: int) -> str:
    owner = _owner(export, position)
    for candidate in keys_for(key, export.export_id, export.nonce):
        older = None
        if export.burst_id is not None:
            older = services.names.older_claimant(export.burst_id, candidate)
        if older not in (None, export.export_id):
            continue
        place = ObjectAddress(services.settings.export_bucket, candidate)
        is_taken = older is None and services.files.is_there(candidate)
        if services.names.claim(place, owner, expires_at, is_taken=is_taken):
            return candidate
    raise TransientError("every key of a file is another's")


def claimed_places(services: Services, export: Export) -> list[str]:
    """Addresses that the export claimed for its files, written to or not. Raises TransientError."""
    found = []
    for position, key in enumerate(keys_of(export)):
        for candidate in keys_for(key, export.export_id, export.nonce):
            place = ObjectAddress(services.settings.export_bucket, candidate)
            if services.names.owner_of(place) == _owner(export, position):
                found.append(str(place))
                break
    return found


def _shapes_of(export: Export) -> tuple[RequestedFile, ...]:
    return delivered_shapes(
        export.snapshot,
        export.merge,
        hidden_files(export),
        zipped=export.zip,
        protected=export.password_secret is not None,
    )


def hidden_files(export: Export) -> int:
    """How many of its files, the first, are for the export's own judgement only."""
    return int(export.if_empty is not None and export.if_empty.is_hidden)


def _owner(export: Export, position: int) -> str:
    return f"{export.export_id}#{export.nonce}#{position}"
