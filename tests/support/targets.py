"""The default target alone, and two besides it: another region of the account, another account."""

from __future__ import annotations

from typing import Any

from local.account.environment import ACCOUNT, REGION
from local.quicksight import OtherPlace
from snapshot_export.domain.target import Target, Targets

ONE_TARGET = Targets(
    Target(
        account_id=ACCOUNT,
        region=REGION,
        export_bucket="ours",
        allowed_buckets=frozenset(),
    )
)

IRELAND = (ACCOUNT, "eu-west-1")
PARTNER = ("111122223333", REGION)
ROLE = f"arn:aws:iam::{PARTNER[0]}:role/snapshots"
EXTERNAL_ID = "exports-4711"
BUCKET = "files-in-ireland"

PLACES = (
    OtherPlace(account=IRELAND[0], region=IRELAND[1]),
    OtherPlace(account=PARTNER[0], region=PARTNER[1], role_arn=ROLE, external_id=EXTERNAL_ID),
)
"""What the emulator serves."""

PARAMETERS: dict[str, Any] = {
    "targets": {
        "ireland": {"region": IRELAND[1], "bucket": BUCKET},
        "partner": {"accountId": PARTNER[0], "roleArn": ROLE, "externalId": EXTERNAL_ID},
    }
}
"""What is deployed for it. The partner's files come to the stack's bucket."""
