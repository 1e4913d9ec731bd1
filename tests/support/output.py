"""What a function writes: its log, its metrics, its prints."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from snapshot_export.handlers.boundary import logger


@contextmanager
def captured(level: str = "INFO") -> Iterator[io.StringIO]:
    """Everything that is written meanwhile, log lines from this level."""
    text = io.StringIO()
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before, level_before = handler.setStream(text), logger.log_level
    logger.setLevel(level)
    try:
        with redirect_stdout(text), redirect_stderr(text):
            yield text
    finally:
        logger.setLevel(level_before)
        if before is not None:
            handler.setStream(before)
