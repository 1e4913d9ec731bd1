"""Requests full of marked values: some that work, and some that are wrong beside them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from tests.support.bursts import template
from tests.support.leaks import DECIMAL, EMAIL, INTEGER, STRING, TEXT, TIME, parameters, tags
from tests.support.messages import message

REASON = f"{TEXT}: {STRING} of {EMAIL} is not in {INTEGER}, {DECIMAL} since {TIME}"
"""What a service may answer that repeats what it was sent."""


def marked(export_id: str | None, **more: Any) -> dict[str, Any]:
    """A valid message whose tag and parameters are marked."""
    body = message(export_id, customer=TEXT, **more)
    body["SnapshotConfiguration"]["Parameters"] = parameters()
    return body


def mailed(export_id: str, attach: str = "AUTO") -> dict[str, Any]:
    """A marked message whose files go to a marked address, with a marked text."""
    email = {"To": [EMAIL], "Subject": STRING, "Body": {"Text": TEXT, "Html": TEXT}}
    email |= {"Attach": attach}
    return marked(export_id, Delivery={"Email": email})


def marked_template() -> dict[str, Any]:
    """A burst's template with marked parameters."""
    body = template(Name="{recipient}/report")
    body["SnapshotConfiguration"]["Parameters"] = parameters()
    return body


def of_user(export_id: str) -> dict[str, Any]:
    """A message for a registered user whom nobody knows."""
    body = marked(export_id, RegisteredUser={"Email": EMAIL})
    del body["UserConfiguration"]
    return body


def recipients() -> list[Any]:
    """Two who work, and one for each way to be wrong."""
    good = {"RowLevelPermissionTags": tags(), "Parameters": parameters()}
    wrong_kind = {"IntegerParameters": [{"Name": "Year", "Values": [STRING]}]}
    return [
        {"RecipientId": "first", **good},
        {"RecipientId": "second", **good},
        {"RecipientId": TEXT, **good},
        good | {"Colour": STRING},
        good | {"Parameters": wrong_kind},
        {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": TEXT * 20}]},
        STRING,
    ]


def manifest(*, header: bool = True) -> str:
    """The same as CSV; without its header the first line is a recipient's."""
    columns = [
        "RecipientId",
        "tag:customer_id",
        "parameter:string:Region",
        "parameter:integer:Year",
        "parameter:decimal:MinAmount",
        "parameter:datetime:From",
    ]
    lines: list[Sequence[Any]] = [
        ("third", TEXT, STRING, INTEGER, DECIMAL, TIME),
        ("fourth", TEXT, STRING, STRING, TEXT, STRING),
        ("fifth", TEXT * 20, STRING, "", "", ""),
        ("sixth", TEXT, STRING),
    ]
    text = io.StringIO()
    csv.writer(text).writerows([columns, *lines] if header else lines)
    return text.getvalue()


def refusable() -> list[str]:
    """Bodies that break one rule each, right beside marked values."""
    body = marked("refused")
    user, configuration = body["UserConfiguration"], body["SnapshotConfiguration"]

    def with_parameter(kind: str, *values: Any) -> dict[str, Any]:
        wrong = {kind: [{"Name": "P", "Values": [*values]}]}
        return body | {"SnapshotConfiguration": configuration | {"Parameters": wrong}}

    def with_tags(*given: Any) -> dict[str, Any]:
        return body | {
            "UserConfiguration": {"AnonymousUsers": [{"RowLevelPermissionTags": [*given]}]}
        }

    bodies: list[Any] = [
        body | {"Colour": STRING},
        body | {"Priority": INTEGER},
        body | {"Deadline": TIME[:10]},
        body | {"DashboardId": TEXT},
        body | {"AwsAccountId": STRING},
        body | {"RegisteredUser": {"Email": EMAIL}},
        body | {"UserConfiguration": STRING},
        body | {"SnapshotConfiguration": [TEXT]},
        {"UserConfiguration": user},
        with_tags({"Key": "customer_id", "Value": TEXT * 20}),
        with_tags({"Key": "customer_id", "Value": [TEXT]}),
        with_tags({"Key": "customer_id", "Value": TEXT, "Colour": STRING}),
        with_tags({"Key": "customer_id", "Value": f"{TEXT}\x00"}),
        with_tags(TEXT, STRING),
        with_parameter("StringParameters", INTEGER),
        with_parameter("IntegerParameters", STRING, DECIMAL),
        with_parameter("IntegerParameters", INTEGER * 10**9),
        with_parameter("DecimalParameters", TEXT),
        with_parameter("DateTimeParameters", f"{TIME} or so"),
        {"Burst": {"Template": marked_template(), "Recipients": recipients(), "Colour": STRING}},
        {"Burst": {"Template": body, "Recipients": []}},
        {"Schedule": STRING, "Export": body},
        [body],
    ]
    text = json.dumps(body)
    return [
        *(json.dumps(each) for each in bodies),
        text[:-1],
        text.replace('"Key"', "Key"),
        text.replace('"Values"', '"Values": NaN, "Other"', 1),
        STRING,
    ]
