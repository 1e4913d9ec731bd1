"""Makes every log group of the stack alike: kept for a while, and gone with the stack."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

_R = logs.RetentionDays
LOG_RETENTION = {
    1: _R.ONE_DAY, 3: _R.THREE_DAYS, 5: _R.FIVE_DAYS, 7: _R.ONE_WEEK, 14: _R.TWO_WEEKS,
    30: _R.ONE_MONTH, 60: _R.TWO_MONTHS, 90: _R.THREE_MONTHS, 120: _R.FOUR_MONTHS,
    150: _R.FIVE_MONTHS, 180: _R.SIX_MONTHS, 365: _R.ONE_YEAR, 400: _R.THIRTEEN_MONTHS,
    545: _R.EIGHTEEN_MONTHS, 731: _R.TWO_YEARS, 1096: _R.THREE_YEARS, 1827: _R.FIVE_YEARS,
    3653: _R.TEN_YEARS,
}  # fmt: skip
"""Days that CloudWatch Logs takes, and CDK's names for them."""

VENDED_LOGS = "/aws/vendedlogs"
"""Where the groups lie that a service other than Lambda writes to. Others it names one by one in
the account's resource policy of CloudWatch Logs, which a few stacks fill: it takes 5,120
characters. Source: CloudWatch Logs User Guide, "Enabling logging from AWS services"."""


def create_log_group(
    scope: Construct, construct_id: str, *, retention_days: int, name: str | None = None
) -> logs.LogGroup:
    """A log group that forgets after `retention_days`, one of LOG_RETENTION."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=LOG_RETENTION[retention_days],
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
