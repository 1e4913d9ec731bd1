"""One call as it arrives at the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.quicksight.errors import ServiceError
from local.quicksight.service_model import Operation


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """One call. `operation` is None when no operation has such a route.

    `members` are those of URI and body together; `defect` says why the body could not be read.
    """

    operation: Operation | None
    members: Mapping[str, Any] = field(default_factory=dict)
    authorization: str | None = None
    session_token: str | None = None
    defect: str | None = None

    @property
    def dashboard_id(self) -> str:
        """The dashboard it names, also if the request is refused; empty if none."""
        return self._text("DashboardId")

    @property
    def job_id(self) -> str:
        """The job it names, also if the request is refused; empty if none."""
        return self._text("SnapshotJobId")

    def known_operation(self) -> Operation:
        """The operation, or the front end's refusal of an unknown route."""
        if self.operation is None:
            raise ServiceError("UnknownOperationException", "No such operation.", http_status=404)
        return self.operation

    def _text(self, name: str) -> str:
        value = self.members.get(name)
        return value[:512] if isinstance(value, str) else ""
