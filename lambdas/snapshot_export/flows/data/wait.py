"""What a request waits for: the data sets that it names, or those of its dashboard.

Nothing is written here. Those of the dashboard are read once, at acceptance, as
flows/dashboard/published.py reads them: what is published later changes nothing for a request that
waits.
"""

from __future__ import annotations

from snapshot_export.adapters.services import Services
from snapshot_export.domain.after import MAX_DATA_SETS, After
from snapshot_export.domain.data_wait import DataWait
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.flows.dashboard.published import read_published

_PLACE = "After.DataSets"


def wait_for_data(
    services: Services, after: After, dashboard_id: str, accepted_at: float
) -> DataWait:
    """The wait of a request that was accepted then.

    Raises InvalidRequestError where the dashboard's data sets cannot be read, or are too many, and
    as `read_published` does.
    """
    if after.data_sets is not None:
        return after.wait_from(accepted_at, after.data_sets)
    published = read_published(services, dashboard_id)
    if published.version is None:
        reasons = "; ".join(each.text for each in published.security.unreadable)
        text = f"must name the data sets, since the dashboard cannot be read: {reasons}"
        raise InvalidRequestError((Problem(_PLACE, text),))
    found = published.version.data_set_ids
    if len(found) > MAX_DATA_SETS:
        text = f"must name up to {MAX_DATA_SETS} of the dashboard's {len(found)} data sets"
        raise InvalidRequestError((Problem(_PLACE, text),))
    return after.wait_from(accepted_at, found)
