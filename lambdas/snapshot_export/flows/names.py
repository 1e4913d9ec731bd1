"""Names of an export's files: checked when it is accepted, given when its files are collected."""

from __future__ import annotations

from collections.abc import Sequence

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Export
from snapshot_export.domain.naming import NameFields, apart_from, file_keys, shapes_of
from snapshot_export.domain.request import InvalidRequestError, Problem
from snapshot_export.domain.templates import TemplateError


def name_fields(export: Export) -> NameFields:
    """What the name's template may tell of the export."""
    return NameFields(
        export_id=export.export_id,
        dashboard_id=export.dashboard_id,
        accepted_at=export.accepted_at,
        burst_id=export.burst_id or "",
        recipient=export.recipient_id or "",
        tags=export.tags,
    )


def check_names(export: Export) -> None:
    """Write every file's name out once. Raises InvalidRequestError for a name that leaves its
    prefix or is too long: better now than when the files are there.
    """
    try:
        keys_of(export)
    except TemplateError as error:
        raise InvalidRequestError((Problem("Name", str(error)),)) from None


def keys_of(export: Export) -> tuple[str, ...]:
    """Object keys of all files of the request, in the order of its FileGroups."""
    return file_keys(export.name, name_fields(export), shapes_of(export.snapshot))


def claim_keys(
    services: Services, export: Export, keys: Sequence[str], expires_at: int
) -> list[str]:
    """The keys, in a burst each taken for this export before anything is written to it.

    The first recipient to come has a key; another's file gets the export's id in its name. A
    repeated step finds its own claims and the same keys. Raises TransientError.
    """
    burst_id = export.burst_id
    if burst_id is None:
        return [*keys]
    return [
        key
        if services.names.claim(burst_id, key, export.export_id, expires_at)
        else apart_from(key, export.export_id)
        for key in keys
    ]
