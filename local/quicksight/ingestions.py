"""Refreshes of a data set in SPICE: started by CreateIngestion, read by DescribeIngestion.

Nothing of the sample data changes by them, and nothing else waits for one.
"""

from dataclasses import dataclass
from typing import Any

from local.quicksight.account import Account
from local.quicksight.errors import ServiceError

_SECONDS = 60.0
"""Of a refresh, before the time scale."""


@dataclass(frozen=True)
class _Ingestion:
    arn: str
    started: float
    ends: float

    def status(self, now: float) -> str:
        return "COMPLETED" if now >= self.ends else "RUNNING"


class Ingestions:
    """The refreshes of an account, by data set and id; not thread-safe."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[tuple[str, str], _Ingestion] = {}

    def create(self, members: dict[str, Any], now: float) -> dict[str, Any]:
        """The output of CreateIngestion; raises ServiceError where the id has been used."""
        data_set, ingestion_id = members["DataSetId"], members["IngestionId"]
        self._account.data_set(data_set)
        if (data_set, ingestion_id) in self._known:
            message = f"Ingestion {ingestion_id} of the data set already exists."
            raise ServiceError("ResourceExistsException", message)
        settings = self._account.settings
        arn = f"{settings.arn_of('dataset', data_set)}/ingestion/{ingestion_id}"
        begun = _Ingestion(arn, now, now + _SECONDS * settings.time_scale)
        self._known[data_set, ingestion_id] = begun
        return {"Arn": arn, "IngestionId": ingestion_id, "IngestionStatus": "INITIALIZED"}

    def describe(self, members: dict[str, Any], now: float) -> dict[str, Any]:
        """The output of DescribeIngestion; raises ServiceError where there is none of the id."""
        found = self._known.get((members["DataSetId"], members["IngestionId"]))
        if found is None:
            message = f"Ingestion {members['IngestionId']} of the data set is not found."
            raise ServiceError("ResourceNotFoundException", message)
        return {
            "Ingestion": {
                "Arn": found.arn,
                "IngestionId": members["IngestionId"],
                "IngestionStatus": found.status(now),
                "CreatedTime": found.started,
                "RequestSource": "MANUAL",
                "RequestType": "FULL_REFRESH",
            }
        }
