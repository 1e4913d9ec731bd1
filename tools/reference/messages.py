"""docs/messages.md: the bodies of messages, from the models that check them."""

from typing import Any

from pydantic.json_schema import models_json_schema

from snapshot_export.domain.athena_query import AthenaQuery
from snapshot_export.domain.burst import Work
from snapshot_export.domain.burst_request import (
    MAX_BURST_BYTES,
    BurstBody,
    Recipient,
    RecipientManifest,
)
from snapshot_export.domain.json_text import MAX_BODY_BYTES
from snapshot_export.domain.occurrence import OccurrenceMessage
from snapshot_export.domain.problem import MAX_PROBLEMS
from snapshot_export.domain.ready_by import ReadyByBody
from snapshot_export.domain.recipients import COLUMN_KINDS, SINGLE_COLUMNS
from snapshot_export.domain.registered_user import SnapshotRegisteredUser
from snapshot_export.domain.request import ExportRequest
from snapshot_export.domain.schedule import ScheduleBody
from tools.reference.pages import fill, table
from tools.reference.shapes import members_table

_OWN = (
    ExportRequest,
    SnapshotRegisteredUser,
    BurstBody,
    Recipient,
    RecipientManifest,
    AthenaQuery,
    ScheduleBody,
    ReadyByBody,
    OccurrenceMessage,
)


def page() -> str:
    """The page."""
    _, definitions = models_json_schema([(model, "validation") for model in _OWN])
    schemas: dict[str, dict[str, Any]] = definitions["$defs"]
    own = [model.__name__ for model in _OWN]
    return fill(
        "messages.md",
        most_bytes=f"{MAX_BODY_BYTES:,}",
        most_burst_bytes=f"{MAX_BURST_BYTES:,}",
        most_problems=str(MAX_PROBLEMS),
        works=", ".join(f"`{work.value}`" for work in Work),
        columns=_columns(),
        requests="\n".join(_section(name, schemas[name], "##") for name in own),
        structures="\n".join(
            _section(name, schemas[name], "###") for name in schemas if name not in own
        ),
    )


def _section(name: str, schema: dict[str, Any], heading: str) -> str:
    about = " ".join(schema.get("description", "").split())
    return f"{heading} {name}\n\n{about}\n\n{members_table(schema)}"


def _columns() -> str:
    rows = [(f"`{name}`", f"the recipient's `{name}`") for name in SINGLE_COLUMNS]
    rows.append(("`tag:<key>`", "the row-level-security tag of this key; may not be empty"))
    rows += [
        (
            f"`parameter:{name}:<name>`",
            f"a value of this one of `{kind.member}`; twice for two values"
            + (f". It {kind.rule}" if kind.rule else ""),
        )
        for name, kind in COLUMN_KINDS.items()
    ]
    return table(("column", "a cell holds"), rows)
