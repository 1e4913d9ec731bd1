"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended. Only FAILED makes the doctor's exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was seen and how to fix it; `blocks` the checks that need this one."""

    state: State
    seen: str
    fix: str = ""
    blocks: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The verdict of the check of this name."""

    check: str
    verdict: Verdict

    def as_json(self) -> dict[str, str]:
        """For scripts."""
        verdict = self.verdict
        return {
            "Check": self.check,
            "State": verdict.state.value,
            "Seen": verdict.seen,
            "Fix": verdict.fix,
        }


def ok(seen: str) -> Verdict:
    """All is well."""
    return Verdict(state=State.OK, seen=seen)


def warning(seen: str, fix: str) -> Verdict:
    """Exports can be made, and something is worth knowing."""
    return Verdict(state=State.WARNING, seen=seen, fix=fix)


def failed(seen: str, fix: str) -> Verdict:
    """Exports cannot be made, or not as promised, before this is fixed."""
    return Verdict(state=State.FAILED, seen=seen, fix=fix, blocks=True)


def not_checked(seen: str, fix: str = "", *, blocks: bool = False) -> Verdict:
    """Nothing is known: the reason, and how to get to know it."""
    return Verdict(state=State.NOT_CHECKED, seen=seen, fix=fix, blocks=blocks)
