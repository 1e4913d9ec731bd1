"""StartSnapshot: start or adopt the attempt's snapshot job."""

from snapshot_export.flows.export.start import start
from snapshot_export.handlers.step import step_handler

handler = step_handler(start)
