"""What SES reports of a message, and when: the documents of the Developer Guide, on EventBridge."""

from __future__ import annotations

import json

import pytest

from local.mail.outcomes import Outcome
from tests.contract.ses.conftest import RECIPIENT, SENDER, SET, Ses, simple

SIMULATOR = "simulator.amazonses.com"


def test_a_delivered_message_is_sent_and_then_delivered(ses: Ses) -> None:
    tags = [{"Name": "outbox", "Value": "id-1"}]
    message_id = ses.send(EmailTags=tags)
    sent, delivered = ses.mail.events
    assert (sent.kind, sent.at, delivered.kind) == ("Send", ses.at, "Delivery")
    assert delivered.at > sent.at
    entry = sent.entry()
    assert (entry["Source"], entry["DetailType"]) == ("aws.ses", "Email Sent")
    detail = json.loads(entry["Detail"])
    mail = detail["mail"]
    assert (detail["eventType"], detail["send"]) == ("Send", {})
    assert (mail["messageId"], mail["destination"]) == (message_id, [RECIPIENT])
    assert mail["tags"]["outbox"] == ["id-1"]
    assert mail["tags"]["ses:configuration-set"] == [SET]
    assert mail["tags"]["ses:from-domain"] == ["example.com"]
    assert mail["source"] == f"Reports <{SENDER}>"
    assert mail["sourceArn"] == "arn:aws:ses:us-east-1:123456789012:identity/example.com"
    assert mail["timestamp"] == "2027-01-15T08:00:00.000Z"
    assert mail["commonHeaders"]["subject"] == "Your report"
    assert {"name": "To", "value": RECIPIENT} in mail["headers"]
    assert mail["headersTruncated"] is False
    delivery = json.loads(delivered.entry()["Detail"])["delivery"]
    assert delivery["recipients"] == [RECIPIENT]
    assert delivered.entry()["DetailType"] == "Email Delivered"


@pytest.mark.parametrize(
    ("name", "kinds", "detail_type"),
    [
        ("success", ["Send", "Delivery"], "Email Delivered"),
        ("ooto", ["Send", "Delivery"], "Email Delivered"),
        ("bounce", ["Send", "Bounce"], "Email Bounced"),
        ("bounce+label", ["Send", "Bounce"], "Email Bounced"),
        ("complaint", ["Send", "Delivery", "Complaint"], "Email Complaint Received"),
        ("suppressionlist", ["Send", "Bounce"], "Email Bounced"),
    ],
)
def test_the_simulators_addresses_behave_as_documented(
    ses: Ses, name: str, kinds: list[str], detail_type: str
) -> None:
    ses.send(f"{name}@{SIMULATOR}")
    assert ses.kinds() == kinds
    assert ses.mail.events[-1].entry()["DetailType"] == detail_type
    assert ses.client.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []


def test_a_bounce_names_its_recipients_and_its_kind(ses: Ses) -> None:
    ses.send(f"bounce+1@{SIMULATOR}", f"bounce+2@{SIMULATOR}", RECIPIENT)
    assert sorted(ses.kinds()) == ["Bounce", "Delivery", "Send"]
    bounce = ses.detail("Bounce")["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", "General")
    assert [each["emailAddress"] for each in bounce["bouncedRecipients"]] == [
        f"bounce+1@{SIMULATOR}", f"bounce+2@{SIMULATOR}"
    ]  # fmt: skip
    assert bounce["bouncedRecipients"][0]["status"] == "5.1.1"
    assert ses.detail("Delivery")["delivery"]["recipients"] == [RECIPIENT]


@pytest.mark.parametrize(
    ("outcome", "kinds", "reason"),
    [
        (Outcome.BOUNCED, ["Send", "Bounce"], "BOUNCE"),
        (Outcome.COMPLAINED, ["Send", "Delivery", "Complaint"], "COMPLAINT"),
        (Outcome.MAILBOX_FULL, ["Send", "Bounce"], None),
        (Outcome.DELAYED, ["Send", "DeliveryDelay", "Delivery"], None),
    ],
)
def test_an_address_that_bounced_or_complained_is_suppressed(
    ses: Ses, outcome: Outcome, kinds: list[str], reason: str | None
) -> None:
    ses.mail.service.chosen[RECIPIENT] = outcome
    ses.send()
    assert ses.kinds() == kinds
    listed = ses.client.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert [each["Reason"] for each in listed] == ([reason] if reason else [])


def test_a_suppressed_address_is_accepted_and_reported(ses: Ses) -> None:
    ses.client.put_suppressed_destination(EmailAddress=RECIPIENT.upper(), Reason="BOUNCE")
    ses.send()
    assert ses.detail("Bounce")["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    (mail,) = ses.mail.mailbox.read()
    assert mail.reached == []
    assert ses.client.get_account()["SendQuota"]["SentLast24Hours"] == 1.0
    ses.mail.events.clear()
    ses.client.put_suppressed_destination(EmailAddress=RECIPIENT, Reason="COMPLAINT")
    ses.send()
    assert ses.detail("Complaint")["complaint"]["complaintSubType"] == "OnAccountSuppressionList"


def test_a_set_or_an_account_without_suppression_sends_all_the_same(ses: Ses) -> None:
    ses.client.put_suppressed_destination(EmailAddress=RECIPIENT, Reason="BOUNCE")
    ses.mail.configuration_sets[SET]["SuppressionOptions"] = {"SuppressedReasons": []}
    ses.send()
    del ses.mail.configuration_sets[SET]["SuppressionOptions"]
    ses.client.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    ses.send()
    assert ses.kinds() == ["Send", "Delivery"] * 2
    attributes = ses.client.get_account()["SuppressionAttributes"]
    assert attributes == {"SuppressedReasons": ["COMPLAINT"]}


def test_a_virus_is_rejected_and_nothing_else_is_said(ses: Ses) -> None:
    test_file = b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!"
    attachment = {"RawContent": test_file, "FileName": "sample.txt"}
    ses.send(Content=simple(Attachments=[attachment]))
    assert ses.kinds() == ["Reject"]
    assert ses.detail("Reject")["reject"] == {"reason": "Bad content"}
    assert ses.client.get_account()["SendQuota"]["SentLast24Hours"] == 1.0
    (mail,) = ses.mail.mailbox.read()
    assert mail.reached == []


def test_only_what_a_destination_asks_for_is_reported(ses: Ses) -> None:
    ses.client.send_email(
        FromEmailAddress=SENDER, Destination={"ToAddresses": [RECIPIENT]}, Content=simple()
    )
    assert ses.kinds() == []
    destination = ses.mail.configuration_sets[SET]["EventDestinations"]["events"]
    destination["MatchingEventTypes"] = ["DELIVERY"]
    ses.send()
    assert ses.kinds() == ["Delivery"]
    destination["Enabled"] = False
    ses.send()
    assert ses.kinds() == ["Delivery"]


def test_long_headers_are_cut_off_in_events_only(ses: Ses) -> None:
    headers = [{"Name": f"X-Long-{number}", "Value": "v" * 990} for number in range(12)]
    ses.send(Content=simple(Headers=headers))
    mail = ses.detail("Send")["mail"]
    assert mail["headersTruncated"] is True
    assert len(mail["headers"]) < 15
    (kept,) = ses.mail.mailbox.read()
    assert kept.message["X-Long-11"] == "v" * 990
