"""`python -m local.leash PARENT MODULE ARGUMENT...`: a module that ends with its parent process.

A run that is killed outright, or whose terminal closes, can clean nothing up; so what it started
watches it instead.
"""

import os
import runpy
import signal
import sys
import threading
import time

_CHECK_SECONDS = 0.5
_GRACE_SECONDS = 5.0


def stop_with_parent(parent: int) -> None:
    """End this process, and then its group, soon after `parent` is no longer its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="leash").start()


def leashed(module: str, *arguments: str, outlive: bool) -> list[str]:
    """The command that runs a module of this project, on a leash unless it is to `outlive` us."""
    if outlive:
        return [sys.executable, "-m", module, *arguments]
    return [sys.executable, "-m", "local.leash", str(os.getpid()), module, *arguments]


if __name__ == "__main__":
    stop_with_parent(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
