"""S3's error codes by what they say of an object."""

from __future__ import annotations

GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "403", "AccessDenied"})
"""It is not there, or may not be read: S3 answers a missing object so to whoever may not list."""
CHANGED = frozenset({"412", "PreconditionFailed"})
"""It is not, or no longer, the one that was asked for."""
RACED = CHANGED | {"409", "ConditionalRequestConflict", "NoSuchKey", "404"}
"""Another write of it came between. Source: S3 User Guide, "How to prevent object overwrites with
conditional writes"."""
