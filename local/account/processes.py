"""Processes that the local commands start: each in a group of its own, known again by identity."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class ProcessError(RuntimeError):
    """A process did not start, or ended when it should not; the message says where its log is."""


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A pid with the time its process started, so that a reused pid is never taken for it."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The identity of the living process `pid`, or None."""
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            return None if fields[0] == "Z" else cls(pid=pid, started=fields[19])
        shown = (
            subprocess.run(
                ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
            ).stdout.strip()
            if not Path("/proc/self").exists()
            else ""
        )
        return cls(pid=pid, started=shown) if shown else None

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessIdentity.of(self.pid) == self

    def stop(self, *, grace_seconds: float = 1.0) -> None:
        """SIGTERM, then SIGKILL to its whole group; does nothing if the process is another.

        The grace is short because nothing that the local servers hold outlives them.
        """
        if not self.is_alive():
            return
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while time.monotonic() < deadline and self.is_alive():
            _reap(self.pid)
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        _reap(self.pid)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def start_process(
    command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path
) -> ProcessIdentity:
    """Start `command` as leader of its own process group, its output in a new `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process.returncode = 0  # reaped by ProcessIdentity.stop, not by the Popen object
    identity = ProcessIdentity.of(process.pid)
    if identity is None:
        raise ProcessError(f"{command[0]} ended at once; see {log}\n{last_lines(log)}")
    return identity


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, to be shown with an error."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Whether nothing listens on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
