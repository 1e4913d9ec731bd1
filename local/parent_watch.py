"""`python -m local.parent_watch PARENT MODULE ARGUMENT...`: a module that ends with its parent.

`python -m local.parent_watch PARENT -- PROGRAM ARGUMENT...` does the same for any program.

A run that is killed outright, or whose terminal closes, can clean nothing up; so what it started
watches it instead.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time

_CHECK_SECONDS = 0.5
_GRACE_SECONDS = 5.0


def stop_with_parent(parent: int, *, grace_seconds: float) -> None:
    """End this process, and then its group, soon after `parent` is no longer its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_CHECK_SECONDS)
        if grace_seconds:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(grace_seconds)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="leash").start()


def leashed(module: str, *arguments: str, outlive: bool) -> list[str]:
    """The command that runs a module of this project, on a leash unless it is to `outlive` us."""
    if outlive:
        return [sys.executable, "-m", module, *arguments]
    return [sys.executable, "-m", "local.parent_watch", str(os.getpid()), module, *arguments]


def leashed_program(*command: str) -> list[str]:
    """The command that runs any program on a leash."""
    return [sys.executable, "-m", "local.parent_watch", str(os.getpid()), "--", *command]


def main() -> int:
    """Run what the command line says; the exit status of a program is passed on."""
    parent, target, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if target == "--":
        stop_with_parent(parent, grace_seconds=0)
        return subprocess.run(arguments, check=False).returncode
    stop_with_parent(parent, grace_seconds=_GRACE_SECONDS)
    sys.argv = [target, *arguments]
    runpy.run_module(target, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
