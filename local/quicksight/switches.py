"""Switches by which a test makes the emulator misbehave, each a given number of times."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from local.quicksight.api_request import ApiRequest
from local.quicksight.errors import SwitchError
from local.quicksight.jobs import Job, ResultFault
from local.quicksight.service_model import START, load_operations


class Switch(BaseModel):
    """Applies to a dashboard's jobs, or to job ids that begin with a prefix, `times` times."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dashboard_id: str | None = Field(None, alias="DashboardId")
    job_id_prefix: str = Field("", alias="SnapshotJobId")
    times: int = Field(1, ge=1)

    def matches(self, subject: Job | ApiRequest) -> bool:
        """Whether it applies to a job, or to a call."""
        dashboard_matches = self.dashboard_id in (None, subject.dashboard_id)
        return dashboard_matches and subject.job_id.startswith(self.job_id_prefix)


class FailJob(Switch):
    """The job ends FAILED with this error."""

    kind: Literal["fail_job"]
    error_type: str = Field("INTERNAL_ERROR", alias="ErrorType")
    error_message: str = Field("The snapshot could not be made.", alias="ErrorMessage")


class FailFile(Switch):
    """The job completes, but the file of this group carries an error instead of an address."""

    kind: Literal["fail_file"]
    file_group: int = Field(0, ge=0, alias="FileGroup")
    error_type: str = Field("INTERNAL_ERROR", alias="ErrorType")
    error_message: str = Field("The file could not be made.", alias="ErrorMessage")


class WrongResult(Switch):
    """The job completes, but its result lists the file of this group wrongly."""

    kind: Literal["wrong_result"]
    file_group: int = Field(0, ge=0, alias="FileGroup")
    fault: ResultFault = Field(alias="Fault")


class SlowDownload(Switch):
    """A file behind an https address takes this long to come."""

    kind: Literal["slow_download"]
    seconds: float = Field(gt=0, alias="Seconds")


class CutDownload(Switch):
    """The connection closes when half of a file behind an https address has come."""

    kind: Literal["cut_download"]


class HangJob(Switch):
    """The job does not end until the switches are cleared."""

    kind: Literal["hang_job"]


class JobSeconds(Switch):
    """The job takes exactly this long, whatever the time scale."""

    kind: Literal["job_seconds"]
    seconds: float = Field(ge=0)


class CallSwitch(Switch):
    """Applies to the calls of one operation."""

    operation: str = Field(START, alias="Operation")

    def matches(self, subject: Job | ApiRequest) -> bool:
        """Whether it applies to a call."""
        name = getattr(getattr(subject, "operation", None), "name", None)
        return name == self.operation and super().matches(subject)


class LoseResponse(CallSwitch):
    """The operation takes effect, then the connection closes without an answer."""

    kind: Literal["lose_response"]


class RaiseException(CallSwitch):
    """The operation has no effect and answers with one of its documented exceptions."""

    kind: Literal["raise_exception"]
    exception: str = Field(alias="Exception")
    message: str = Field("A switch of the emulator asked for this.", alias="Message")


class Refresh(CallSwitch):
    """A refresh of the data set ends so, after so many seconds whatever the time scale."""

    kind: Literal["refresh"]
    operation: str = Field("CreateIngestion", alias="Operation")
    status: Literal["COMPLETED", "FAILED", "CANCELLED"] = Field("COMPLETED", alias="Status")
    seconds: float = Field(0.0, ge=0, alias="Seconds")
    rows_dropped: int = Field(0, ge=0, alias="RowsDropped")
    error_type: str = Field("SQL_EXCEPTION", alias="ErrorType")


_Any = (
    Refresh
    | FailJob
    | FailFile
    | WrongResult
    | SlowDownload
    | CutDownload
    | HangJob
    | JobSeconds
    | LoseResponse
    | RaiseException
)
_READER: TypeAdapter[_Any] = TypeAdapter(Annotated[_Any, Field(discriminator="kind")])
_Kind = TypeVar("_Kind", bound=Switch)


class SwitchBoard:
    """The switches that are set, in their order; not thread-safe."""

    def __init__(self) -> None:
        self._switches: list[Switch] = []
        self._fired: list[int] = []

    def add(self, description: Mapping[str, Any]) -> None:
        """Set a switch; raises SwitchError if it could never fire."""
        try:
            switch = _READER.validate_python(description)
        except ValidationError as error:
            raise SwitchError(str(error)) from error
        if isinstance(switch, CallSwitch):
            _check_operation(switch)
        self._switches.append(switch)
        self._fired.append(0)

    def take(self, kind: type[_Kind], subject: Job | ApiRequest) -> _Kind | None:
        """Fire the first switch of a kind that applies and has not fired out."""
        return next(self._fire(kind, subject), None)

    def take_each(self, kind: type[_Kind], subject: Job | ApiRequest) -> Sequence[_Kind]:
        """Fire once each switch of a kind that applies and has not fired out."""
        return tuple(self._fire(kind, subject))

    def _fire(self, kind: type[_Kind], subject: Job | ApiRequest) -> Iterator[_Kind]:
        for index, switch in enumerate(self._switches):
            left = switch.times - self._fired[index]
            if isinstance(switch, kind) and left and switch.matches(subject):
                self._fired[index] += 1
                yield switch

    def list(self) -> list[dict[str, Any]]:
        """Every switch with how often it fired."""
        pairs = zip(self._switches, self._fired, strict=True)
        return [{**switch.model_dump(by_alias=True), "fired": fired} for switch, fired in pairs]

    def clear(self) -> None:
        """Remove every switch."""
        self._switches, self._fired = [], []


def _check_operation(switch: CallSwitch) -> None:
    operation = load_operations().get(switch.operation)
    if operation is None:
        raise SwitchError(f"no operation {switch.operation}")
    if isinstance(switch, RaiseException) and not operation.documents(switch.exception):
        raise SwitchError(f"{switch.operation} does not document {switch.exception}")
