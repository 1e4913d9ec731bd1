"""Recipients of a schedule's bursts from queries over a table, on the deployed stack.

With IAM enforced (E2E_IAM=1) the embedded account does not know the credentials that the
emulator's STS gives, so this needs one without.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError

import pytest

from local.deployed import Deployed
from tests.e2e.conftest import ENFORCES_IAM, make_bucket
from tests.support.bursts import template
from tests.support.deployed_api import call_api

pytestmark = pytest.mark.skipif(ENFORCES_IAM, reason="no credentials of the emulator's STS")
SQL = (
    'SELECT name AS "RecipientId", customer AS "tag:customer_id" '
    "FROM customers WHERE wants = 'yes'"
)


@pytest.mark.nightly
def test_occurrences_read_a_table_and_one_that_shrank_waits_for_a_word(
    deployed: Deployed, work_group: str
) -> None:
    name = f"q{uuid.uuid4().hex[:8]}"
    make_table(deployed, name, range(1, 6))
    first = occur(deployed, name, work_group, 23)
    ended = wait_for_burst(deployed, first)
    assert (ended["Status"], ended["Query"]["Found"]) == ("COMPLETED", 5)

    make_table(deployed, name, range(1, 3))
    second = occur(deployed, name, work_group, 24)
    held = wait_for_burst(deployed, second, "HELD")
    assert (held["Query"]["Found"], held["Query"]["Expected"]) == (2, 5)
    assert held["Hold"]["Code"] == "RECIPIENTS_CHANGED"
    assert held["Counts"]["Total"] == 0

    make_table(deployed, name, range(1, 6))
    assert call_api(deployed, "POST", f"/bursts/{second}/release", {})["Status"] == "EXPANDING"
    released = wait_for_burst(deployed, second)
    assert (released["Status"], released["Counts"]["Completed"]) == ("COMPLETED", 2)


def test_a_wrong_query_fails_its_burst(deployed: Deployed, work_group: str) -> None:
    burst_id = f"wrong-{uuid.uuid4().hex[:8]}"
    manifest = {"Athena": {"QueryString": "SELECT nothing FROM nowhere", "WorkGroup": work_group}}
    body = {"BurstId": burst_id, "Template": template(), "Manifest": manifest}
    deployed.send(json.dumps({"Burst": body}))

    ended = wait_for_burst(deployed, burst_id)
    assert (ended["Status"], ended["Error"]["Code"]) == ("FAILED", "MANIFEST_QUERY_FAILED")


def make_table(deployed: Deployed, database: str, customers: range) -> None:
    """A table in Glue over a CSV in S3; one customer more wants nothing."""
    glue, s3, bucket = deployed.client("glue"), deployed.client("s3"), f"crm-{database}"
    rows = [f"c-{each},cust-{each:04d},yes\n" for each in customers] + ["no,cust-0009,no\n"]
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        make_bucket(deployed, bucket)
        glue.create_database(DatabaseInput={"Name": database})
        columns = [{"Name": each, "Type": "string"} for each in ("name", "customer", "wants")]
        serde = {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        }
        glue.create_table(
            DatabaseName=database,
            TableInput={
                "Name": "customers",
                "StorageDescriptor": {
                    "Columns": columns,
                    "Location": f"s3://{bucket}/customers/",
                    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    "SerdeInfo": serde,
                },
                "TableType": "EXTERNAL_TABLE",
            },
        )
    s3.put_object(Bucket=bucket, Key="customers/all.csv", Body="".join(rows).encode())


def occur(deployed: Deployed, schedule: str, work_group: str, day: int) -> str:
    """Have a schedule's occurrence accepted; answers its burst."""
    query = {"QueryString": SQL, "Database": schedule, "WorkGroup": work_group}
    message = {
        "Schedule": schedule,
        "Occurrence": f"2026-11-{day:02d}T06:00:00Z",
        "Timezone": "UTC",
        "Burst": {"Template": template(), "Manifest": {"Athena": query}},
    }
    deployed.send(json.dumps(message))
    return f"{schedule}-202611{day:02d}T060000Z"


def wait_for_burst(
    deployed: Deployed, burst_id: str, *statuses: str, seconds: float = 90.0
) -> dict[str, Any]:
    """The burst as the API shows it, once it has one of these statuses, or has ended."""
    wanted = statuses or ("COMPLETED", "COMPLETED_WITH_FAILURES", "FAILED", "CANCELLED")

    deadline = time.monotonic() + seconds
    while True:
        with suppress(HTTPError):  # not accepted yet
            burst = call_api(deployed, "GET", f"/bursts/{burst_id}")
            if burst["Status"] in wanted:
                return burst
        assert time.monotonic() < deadline, f"{burst_id} is not {wanted}"
        time.sleep(0.3)
