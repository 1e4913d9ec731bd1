"""How the embedded AWS's upstream code is patched while it runs, without guessing.

Every patch names the exact source it was written against, by hash. When the pinned ministack
changes, the patch refuses to apply: a wrong patch would make the embedded account lie.
"""

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any


class UpstreamChangedError(RuntimeError):
    """The source that a patch was written for is not the source that is installed."""


def source_hash(subject: Callable[..., Any] | str) -> str:
    """The first 16 hex digits of SHA-256 over a function's source, or over a literal text."""
    text = subject if isinstance(subject, str) else inspect.getsource(subject)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def require_source(name: str, subject: Callable[..., Any] | str, expected: str) -> None:
    """Raise UpstreamChangedError unless `subject` is the source that was patched against."""
    actual = source_hash(subject)
    if actual != expected:
        raise UpstreamChangedError(
            f"ministack's {name} is not the one that local/account patches "
            f"(source hash {actual}, expected {expected}). Install the pinned version with "
            "`make install`, or read the new source, adapt the patch, and record the new hash."
        )


def replace_once(text: str, old: str, new: str) -> str:
    """`text` with `old` replaced by `new`; UpstreamChangedError unless it occurs exactly once."""
    if text.count(old) != 1:
        raise UpstreamChangedError(f"expected exactly one {old.strip()[:60]!r} in upstream's code")
    return text.replace(old, new)


def rewritten(function: Callable[..., Any], changes: Mapping[str, str]) -> Callable[..., Any]:
    """A copy of `function`, in its own module's globals, with pieces of its source replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes.items():
        source = replace_once(source, old, new)
    namespace: dict[str, Any] = {}
    exec(
        compile(source, f"<patched {function.__qualname__}>", "exec"),
        function.__globals__,
        namespace,
    )
    result: Callable[..., Any] = namespace[function.__name__]
    return result
