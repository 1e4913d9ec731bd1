"""Every `*` that stands in a policy, and why nothing smaller can be named.

A `*` alone is not here: it is only for actions that take no resource (see `reference`).
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.infra.permissions.grants import Grant
from tests.infra.permissions.scenarios import ELSEWHERE
from tests.support.world import PASSWORD_SECRETS

REASONS = {
    "<StorageExportBucket>/bursts/*": "one list and one manifest for each burst, under its id",
    "<StorageExportBucket>/exports/*": "finished files have their users' names",
    "<StorageExportBucket>/manifests/*": "lists of recipients have their users' names",
    "<StorageExportBucket>/snapshots/*": "QuickSight chooses the names of its files",
    f"arn:<Partition>:s3:::{ELSEWHERE}/*": "a bucket that the deployment allows: names are others'",
    "arn:<Partition>:quicksight:<Region>:<AccountId>:dashboard/*": (
        "an export may name any dashboard of the account; each job has an id of its own"
    ),
    "arn:<Partition>:quicksight:<Region>:<AccountId>:dataset/*": (
        "a dashboard may show any data set of the account"
    ),
    "arn:<Partition>:quicksight:<Region>:<AccountId>:user/*": (
        "an export may name any registered user of the account"
    ),
    "arn:<Partition>:scheduler:<Region>:<AccountId>:schedule/SnapshotExport/*": (
        "schedules have their users' names; the group is the stack's own"
    ),
    "arn:<Partition>:states:<Region>:<AccountId>:execution:SnapshotExport-Export:*": (
        "one execution for each admission, of the stack's own machine"
    ),
    f"arn:<Partition>:secretsmanager:<Region>:<AccountId>:secret:{PASSWORD_SECRETS}*": (
        "secrets have their users' names under the deployment's prefix, and a random end"
    ),
    "kms:*": "the account's IAM policies decide who administers the key: KMS's own default",
    "kms:GenerateDataKey*": "as CDK lets EventBridge publish to an encrypted topic",
}


def wildcards_in(grants: Iterable[Grant]) -> set[str]:
    """Resources and actions with a `*`, other than a `*` alone."""
    named = {name for grant in grants for name in (grant.resource, grant.action)}
    return {name for name in named if "*" in name and name != "*"}
