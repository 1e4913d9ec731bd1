"""Refreshes of data sets in SPICE: CreateIngestion, DescribeIngestion, ListIngestions.

Nothing of the sample data changes by them. The switch `refresh` says how the next one ends. The
list begins with the newest: AWS documents no order [? newest-ingestions].
"""

from dataclasses import dataclass
from typing import Any

from local.quicksight.account import Account
from local.quicksight.api_request import ApiRequest
from local.quicksight.errors import ServiceError
from local.quicksight.switches import Refresh, SwitchBoard

_SECONDS = 60.0
"""Of a refresh, before the time scale."""
_ROWS = 1000
_MAX_RESULTS = 100


@dataclass(frozen=True)
class _Ingestion:
    ingestion_id: str
    arn: str
    started: float
    ends: float
    end: str = "COMPLETED"
    rows_dropped: int = 0
    error_type: str = ""
    request_type: str = "FULL_REFRESH"

    def describe(self, now: float) -> dict[str, Any]:
        """The refresh as of now, in the shape of an `Ingestion`."""
        has_ended = now >= self.ends
        status = self.end if has_ended else "RUNNING"
        shown: dict[str, Any] = {
            "Arn": self.arn,
            "IngestionId": self.ingestion_id,
            "IngestionStatus": status,
            "CreatedTime": self.started,
            "RequestSource": "MANUAL",
            "RequestType": self.request_type,
        }
        if has_ended:
            shown["IngestionTimeInSeconds"] = round(self.ends - self.started)
        if status == "COMPLETED":
            shown["RowInfo"] = {
                "RowsIngested": _ROWS - self.rows_dropped,
                "RowsDropped": self.rows_dropped,
                "TotalRowsInDataset": _ROWS - self.rows_dropped,
            }
        elif status == "FAILED":
            shown["ErrorInfo"] = {"Type": self.error_type, "Message": "The refresh failed."}
        elif status == "CANCELLED":
            shown["ErrorInfo"] = {"Type": "INGESTION_CANCELED", "Message": "It was cancelled."}
        return shown


class Ingestions:
    """The refreshes of an account, by data set and id; not thread-safe."""

    def __init__(self, account: Account, switches: SwitchBoard) -> None:
        self._account = account
        self._switches = switches
        self._known: dict[tuple[str, str], _Ingestion] = {}

    def create(self, request: ApiRequest, members: dict[str, Any], now: float) -> dict[str, Any]:
        """The output of CreateIngestion; raises ServiceError where the id has been used, or the
        data set is not in SPICE."""
        data_set, ingestion_id = members["DataSetId"], members["IngestionId"]
        if self._account.data_set(data_set).import_mode != "SPICE":
            message = f"The data set {data_set} is not in SPICE."
            raise ServiceError("InvalidParameterValueException", message)
        if (data_set, ingestion_id) in self._known:
            message = f"Ingestion {ingestion_id} of the data set already exists."
            raise ServiceError("ResourceExistsException", message)
        settings = self._account.settings
        switch = self._switches.take(Refresh, request)
        begun = _Ingestion(
            ingestion_id=ingestion_id,
            arn=self._arn_of(data_set, ingestion_id),
            started=now,
            ends=now + (switch.seconds if switch else _SECONDS * settings.time_scale),
            end=switch.status if switch else "COMPLETED",
            rows_dropped=switch.rows_dropped if switch else 0,
            error_type=switch.error_type if switch else "",
            request_type=members.get("IngestionType", "FULL_REFRESH"),
        )
        self._known[data_set, ingestion_id] = begun
        return {"Arn": begun.arn, "IngestionId": ingestion_id, "IngestionStatus": "INITIALIZED"}

    def complete(self, data_set: str, now: float) -> None:
        """Begin and complete a refresh at once."""
        ingestion_id = f"completed-{len(self._known)}"
        arn = self._arn_of(data_set, ingestion_id)
        self._known[data_set, ingestion_id] = _Ingestion(ingestion_id, arn, now, now)

    def _arn_of(self, data_set: str, ingestion_id: str) -> str:
        return f"{self._account.settings.arn_of('dataset', data_set)}/ingestion/{ingestion_id}"

    def describe(self, members: dict[str, Any], now: float) -> dict[str, Any]:
        """The output of DescribeIngestion; raises ServiceError where there is none of the id."""
        found = self._known.get((members["DataSetId"], members["IngestionId"]))
        if found is None:
            message = f"Ingestion {members['IngestionId']} of the data set is not found."
            raise ServiceError("ResourceNotFoundException", message)
        return {"Ingestion": found.describe(now)}

    def list(self, members: dict[str, Any], now: float) -> dict[str, Any]:
        """The output of ListIngestions; raises ServiceError without such a data set."""
        self._account.data_set(members["DataSetId"])
        text = members.get("NextToken") or "0"
        if not text.isdecimal():
            raise ServiceError("InvalidNextTokenException", "The token is not valid.")
        first, most = int(text), members.get("MaxResults", _MAX_RESULTS)
        every = [each for (own, _), each in self._known.items() if own == members["DataSetId"]]
        every.sort(key=lambda each: each.started, reverse=True)
        shown = [each.describe(now) for each in every[first : first + most]]
        more = {"NextToken": str(first + most)} if len(every) > first + most else {}
        return {"Ingestions": shown, **more}
