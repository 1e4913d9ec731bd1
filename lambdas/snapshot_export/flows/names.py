"""Names of an export's files: checked when it is accepted, given when its files are collected."""

from __future__ import annotations

from snapshot_export.domain.export import Export
from snapshot_export.domain.naming import NameFields, file_keys, shapes_of
from snapshot_export.domain.request import InvalidRequestError, Problem
from snapshot_export.domain.templates import TemplateError


def name_fields(export: Export) -> NameFields:
    """What the name's template may tell of the export."""
    return NameFields(
        export_id=export.export_id,
        dashboard_id=export.dashboard_id,
        accepted_at=export.accepted_at,
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
