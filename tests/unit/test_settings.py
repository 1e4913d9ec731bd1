"""Settings come from the environment, whole or not at all."""

from __future__ import annotations

import pytest

from snapshot_export.errors import SettingsError
from snapshot_export.settings import Settings

ENVIRONMENT = {
    "TABLE_NAME": "table",
    "EXPORT_BUCKET": "bucket",
    "REJECTED_QUEUE_URL": "https://queue",
    "BURST_QUEUE_URL": "https://bursts",
    "SCHEDULE_GROUP": "group",
    "SCHEDULE_ROLE_ARN": "role",
    "SCHEDULE_QUEUE_ARN": "queue",
    "SCHEDULE_DEAD_LETTER_ARN": "dead-letters",
    "SNAPSHOT_USER_ROLE_ARN": "user-role",
    "STATE_MACHINE_ARN": "arn",
    "EVENT_BUS_NAME": "default",
    "QUICKSIGHT_ACCOUNT_ID": "111122223333",
    "QUICKSIGHT_REGION": "eu-west-1",
    "SNAPSHOT_JOB_LIMIT": "12",
    "RESERVED_SLOTS": "2",
    "CALLS_PER_SECOND": "8",
    "EXPECTED_JOB_SECONDS": "40",
    "ALLOWED_BUCKETS": "a,b",
    "RETENTION_DAYS": "30",
}


def test_everything_set_is_read() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    assert (settings.snapshot_job_limit, settings.open_slots) == (12, 10)
    assert settings.allowed_buckets == {"a", "b"}


def test_every_missing_and_unusable_variable_is_named_at_once() -> None:
    broken = ENVIRONMENT | {"TABLE_NAME": "", "SNAPSHOT_JOB_LIMIT": "twelve", "RETENTION_DAYS": "0"}
    broken |= {"RESERVED_SLOTS": "-1"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(broken)
    for name in ("TABLE_NAME", "SNAPSHOT_JOB_LIMIT", "RESERVED_SLOTS", "RETENTION_DAYS"):
        assert name in str(caught.value)
