"""DescribeSnapshot: poll the snapshot job; at its end free the slot and admit the next."""

from snapshot_export.flows.export.poll import poll
from snapshot_export.handlers.step import step_handler

handler = step_handler(poll)
