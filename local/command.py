"""What the local commands share: signals that unwind, errors shown without a traceback."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from local.account.processes import ProcessError
from local.deployment import DeploymentError

INTERRUPTED = 130


class CommandError(RuntimeError):
    """The command cannot go on, for a reason that the user can understand from the message."""


def run_command(body: Callable[[], int], *, logs: str) -> int:
    """Run a command's body and return its exit status.

    SIGTERM and SIGHUP (the terminal is gone, unless under nohup) unwind like Ctrl-C, so that all
    that was started is stopped; `logs` says where to look after a failure.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        return body()
    except KeyboardInterrupt:
        print("stopped; nothing is left running", file=sys.stderr)
        return INTERRUPTED
    except (CommandError, DeploymentError, ProcessError) as error:
        print(f"error: {error}\nlogs: {logs}", file=sys.stderr)
        return 1


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
