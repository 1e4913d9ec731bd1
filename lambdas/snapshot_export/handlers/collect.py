"""CollectFiles: bring the files to their places and end the export."""

from snapshot_export.flows.export.collect import collect
from snapshot_export.handlers.step import step_handler

handler = step_handler(collect)
