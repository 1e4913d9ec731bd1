"""Settings come from the environment, whole or not at all."""

from __future__ import annotations

import json

import pytest

from snapshot_export.errors import SettingsError, UnknownTargetError
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
    "UNREADABLE_ROW_LEVEL_SECURITY": "REFUSE",
}


def test_everything_set_is_read() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    assert (settings.snapshot_job_limit, settings.open_slots) == (12, 10)
    assert settings.allowed_buckets == {"a", "b"}


def test_a_target_has_its_own_and_the_rest_is_the_deployments() -> None:
    partner = {
        "quicksight_account_id": "444455556666",
        "quicksight_region": "eu-west-2",
        "snapshot_job_limit": 100,
        "reserved_slots": 10,
        "calls_per_second": 5,
        "export_bucket": "files",
        "role_arn": "arn:aws:iam::444455556666:role/snapshots",
    }
    plain = {name: partner[name] for name in list(partner)[:5]}
    targets = json.dumps({"partner": partner, "plain": plain})
    settings = Settings.from_env(ENVIRONMENT | {"TARGETS": targets})
    assert settings.for_target("default") is settings
    own = settings.for_target("partner")
    assert (own.target, own.open_slots, own.export_bucket) == ("partner", 90, "files")
    assert own.snapshot_user_role_arn is None, "a role of ours is not for another account's users"
    assert own.table_name == settings.table_name
    plain_own = settings.for_target("plain")
    assert (plain_own.export_bucket, plain_own.snapshot_user_role_arn) == ("bucket", "user-role")
    with pytest.raises(UnknownTargetError, match="mars"):
        settings.for_target("mars")


@pytest.mark.parametrize("text", ["{", "[]", '{"eu": {}}', '{"eu": {"colour": 1}}', '{"eu": 3}'])
def test_targets_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(SettingsError, match="TARGETS must be a JSON object of targets"):
        Settings.from_env(ENVIRONMENT | {"TARGETS": text})


def test_every_missing_and_unusable_variable_is_named_at_once() -> None:
    broken = ENVIRONMENT | {"TABLE_NAME": "", "SNAPSHOT_JOB_LIMIT": "twelve", "RETENTION_DAYS": "0"}
    broken |= {"RESERVED_SLOTS": "-1"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(broken)
    for name in ("TABLE_NAME", "SNAPSHOT_JOB_LIMIT", "RESERVED_SLOTS", "RETENTION_DAYS"):
        assert name in str(caught.value)
