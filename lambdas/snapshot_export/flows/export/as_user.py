"""As whom QuickSight is called: by the function itself, or by an export's registered user."""

from __future__ import annotations

from dataclasses import replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Attempt, Export


def acting_for(services: Services, export: Export | None) -> Services:
    """Services whose QuickSight calls are the export's registered user's, if it names one.

    Start, describe and result of a job must all be called by the user for whom it runs.
    """
    user = export.snapshot.get("RegisteredUser") if export else None
    if user is None:
        return services
    return replace(services, quicksight=services.quicksight.as_user(user))


def acting_for_attempt(services: Services, record: Attempt) -> Services:
    """The same from an attempt; only a registered user's costs a read of the export."""
    if not record.registered:
        return services
    return acting_for(services, services.store.export(record.export_id))
