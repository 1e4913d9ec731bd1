"""The API function: one resolver, one router for each noun, one shape of errors.

A router is a module of this package with `router` (a Powertools `Router`) and `BODIES` (operation
id to the pydantic model that documents its request body); `app.py` includes it by one line. Its
routes read `services()` and `raw_body()` of `exchange.py`, raise our exceptions (`errors.py` turns
them into answers), and return `reply(model, status)`. Every route names its `operation_id` and its
`responses`, made with `answers(...)`; docs/openapi.json is generated from those by `make openapi`.
"""

from snapshot_export.handlers.api.app import handler

__all__ = ["handler"]
