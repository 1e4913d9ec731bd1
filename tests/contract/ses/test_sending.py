"""What SES accepts, refuses and counts, through boto3 and so by the shapes of botocore's model."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.mail.http_api import answer_request
from local.mail.service_model import load_operations
from local.mail.submission import MAX_BYTES
from tests.contract.ses.conftest import RECIPIENT, SENDER, SET, Ses, simple


def refusal(ses: Ses, *to: str, **members: Any) -> tuple[str, str, int]:
    """Code, message and HTTP code of what SendEmail refuses."""
    with pytest.raises(ClientError) as caught:
        ses.send(*to, **members)
    error = caught.value.response["Error"]
    assert error["Code"] in load_operations()["SendEmail"].errors
    assert ses.mail.mailbox.read() == []
    status: int = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], status


def message(*, to: str = RECIPIENT, **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = SENDER
    made["To"] = to
    made["Subject"] = "Ihr Bericht für März"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Grüße\n")
    made.add_alternative("<p>Grüße</p>", subtype="html")
    made.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf",
                        filename="März.pdf")  # fmt: skip
    return made


def raw(made: EmailMessage | bytes) -> dict[str, Any]:
    return {"Raw": {"Data": made if isinstance(made, bytes) else bytes(made)}}


def test_a_raw_message_is_kept_as_it_was_sent(ses: Ses) -> None:
    message_id = ses.send(Content=raw(message(Bcc="hidden@example.org", Date="never")))
    (mail,) = ses.mail.mailbox.read()
    (file,) = mail.attachments
    assert (mail.subject, mail.text, mail.html) == (
        "Ihr Bericht für März", "Grüße\n", "<p>Grüße</p>\n"
    )  # fmt: skip
    assert (file.name, file.media_type, file.content) == (
        "März.pdf", "application/pdf", b"%PDF-1.7 \x00\xff"
    )  # fmt: skip
    assert mail.recipients == (RECIPIENT,)
    assert (mail.message["Bcc"], mail.message["From"]) == (None, SENDER)
    assert mail.message["Message-ID"] == f"<{message_id}@email.amazonses.com>"
    assert parsedate_to_datetime(mail.message["Date"]).timestamp() == ses.at
    assert mail.message.defects == []


def test_a_simple_message_becomes_one_with_its_files_and_headers(ses: Ses) -> None:
    body = {"Text": {"Data": "Grüße"}, "Html": {"Data": "<b>Grüße</b>"}}
    ses.send(
        Content=simple(
            Body=body,
            Headers=[{"Name": "X-Report", "Value": "monthly"}],
            Attachments=[
                {"RawContent": b"a,b\r\n", "FileName": "ü.csv", "ContentType": "text/csv"}
            ],
        ),
        ReplyToAddresses=["desk@example.com"],
    )
    (mail,) = ses.mail.mailbox.read()
    assert (mail.subject, mail.text.strip(), mail.html.strip()) == (
        "Your report", "Grüße", "<b>Grüße</b>"
    )  # fmt: skip
    assert [(each.name, each.content) for each in mail.attachments] == [("ü.csv", b"a,b\r\n")]
    assert (mail.message["Reply-To"], mail.message["X-Report"]) == ("desk@example.com", "monthly")


def test_the_envelope_decides_who_gets_it_or_else_the_headers(ses: Ses) -> None:
    ses.send("other@customer.example", Content=raw(message()))
    ses.client.send_email(Content=raw(message(Cc="copy@example.org")))
    assert [mail.recipients for mail in ses.mail.mailbox.read()] == [
        ("other@customer.example",), (RECIPIENT, "copy@example.org")
    ]  # fmt: skip


def test_tags_and_the_set_may_stand_in_headers_and_are_not_delivered(ses: Ses) -> None:
    headers = {"X_SES_MESSAGE_TAGS": "outbox=id-1, kind=report", "X_SES_CONFIGURATION_SET": SET}
    ses.client.send_email(Content=raw(message(**headers)))
    (mail,) = ses.mail.mailbox.read()
    assert (mail.tags, mail.configuration_set) == ({"outbox": "id-1", "kind": "report"}, SET)
    assert [name for name in mail.message if name.lower().startswith("x-ses")] == []


@pytest.mark.parametrize(
    ("members", "code", "part"),
    [
        ({"Destination": {"ToAddresses": ["nobody"]}}, "BadRequestException", "Missing final"),
        ({"Destination": {"ToAddresses": ["a b@c.example"]}}, "BadRequestException", "whitespace"),
        ({"Destination": {"ToAddresses": ["ü@c.example"]}}, "BadRequestException", "non-ASCII"),
        ({"Destination": {"ToAddresses": ["a@c"]}}, "BadRequestException", "Domain"),
        ({"Destination": {}}, "BadRequestException", "at least one recipient"),
        ({"Destination": {"ToAddresses": [f"a{n}@c.example" for n in range(51)]}},
         "BadRequestException", "exceeds 50"),
        ({"Content": {}}, "BadRequestException", "exactly one"),
        ({"Content": raw(b"no headers")}, "BadRequestException", "blank line"),
        ({"Content": raw(b"To: a@c.example\r\n\r\nx"), "FromEmailAddress": SENDER},
         "BadRequestException", "'From'"),
        ({"Content": raw(b"From: a@example.com\r\nFrom: b@example.com\r\n\r\nx")},
         "BadRequestException", "Duplicate header 'From'"),
        ({"Content": raw(b"From: a@example.com\r\n\r\n" + b"x" * 999)}, "BadRequestException",
         "longer than 1000"),
        ({"Content": simple(Attachments=[{"RawContent": b"x", "FileName": "run.exe"}])},
         "MessageRejected", "Illegal filename"),
        ({"EmailTags": [{"Name": "id", "Value": "a b"}]}, "BadRequestException", "Invalid tag"),
        ({"EmailTags": [{"Name": "i" * 257, "Value": "a"}]}, "BadRequestException", "Invalid tag"),
        ({"EmailTags": [{"Name": "id", "Value": "1"}, {"Name": "id", "Value": "2"}]},
         "BadRequestException", "names of their own"),
        ({"ConfigurationSetName": "other"}, "NotFoundException", "other"),
        ({"FromEmailAddress": "me@stranger.example"}, "MessageRejected", "not verified"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused(
    ses: Ses, members: dict[str, Any], code: str, part: str
) -> None:
    found, text, status = refusal(ses, **members)
    assert (found, status) == (code, 404 if code == "NotFoundException" else 400)
    assert part in text


def test_a_from_header_of_somebody_else_is_refused(ses: Ses) -> None:
    stranger = message()
    stranger.replace_header("From", "boss@stranger.example")
    code, text, _ = refusal(ses, Content=raw(stranger))
    assert (code, "boss@stranger.example" in text) == ("MessageRejected", True)


def test_a_message_may_have_40_mib_after_base64(ses: Ses, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES == 40 * 2**20
    made = bytes(message())
    monkeypatch.setattr("local.mail.submission.MAX_BYTES", len(made) - 1)
    code, text, status = refusal(ses, Content=raw(made))
    assert (code, status) == ("BadRequestException", 400)
    assert text == f"Message length is more than {len(made) - 1} bytes long: '{len(made)}'."
    monkeypatch.setattr("local.mail.submission.MAX_BYTES", 4000)
    for size, refused in ((2000, False), (3100, True)):  # a third more by base64
        attachment = {"RawContent": bytes(size), "FileName": "large.bin"}
        try:
            ses.send(Content=simple(Attachments=[attachment]))
        except ses.client.exceptions.BadRequestException:
            assert refused
        else:
            assert not refused


def test_the_rate_counts_recipients_and_is_made_up_for(tmp_path: Path) -> None:
    ses = Ses(tmp_path, max_send_rate=2)
    ses.send()
    ses.send(*(f"a{number}@customer.example" for number in range(3)))
    for _ in range(2):
        with pytest.raises(ses.client.exceptions.TooManyRequestsException) as caught:
            ses.send()
        assert caught.value.response["Error"]["Message"] == "Maximum sending rate exceeded."
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        ses.at += 0.5
    ses.at += 0.5
    ses.send()


def test_the_daily_quota_is_of_the_last_24_hours_and_spares_the_simulator(tmp_path: Path) -> None:
    ses = Ses(tmp_path, max_24_hour_send=3)
    ses.send("a@customer.example", "b@customer.example")
    ses.at += 3600
    ses.send("success@simulator.amazonses.com")
    assert ses.client.get_account()["SendQuota"] == {
        "Max24HourSend": 3.0, "MaxSendRate": 1000.0, "SentLast24Hours": 2.0
    }  # fmt: skip
    ses.send()
    with pytest.raises(ses.client.exceptions.LimitExceededException) as caught:
        ses.send()
    assert caught.value.response["Error"]["Message"] == "Daily message quota exceeded."
    ses.send("success@simulator.amazonses.com")
    ses.at += 23 * 3600
    ses.send()
    assert ses.client.get_account()["SendQuota"]["SentLast24Hours"] == 2.0


def test_no_daily_quota_is_minus_one(tmp_path: Path) -> None:
    ses = Ses(tmp_path, max_24_hour_send=-1)
    ses.send()
    assert ses.client.get_account()["SendQuota"]["Max24HourSend"] == -1.0


def test_the_sandbox_sends_to_verified_recipients_and_the_simulator_only(tmp_path: Path) -> None:
    ses = Ses(tmp_path, production_access=False)
    ses.send("colleague@example.com", "success+1@simulator.amazonses.com")
    with pytest.raises(ses.client.exceptions.MessageRejected) as caught:
        ses.send("colleague@example.com", RECIPIENT)
    assert caught.value.response["Error"]["Message"] == (
        "Email address is not verified. The following identities failed the check in region "
        f"US-EAST-1: {RECIPIENT}"
    )
    assert ses.client.get_account()["ProductionAccessEnabled"] is False


def test_paused_sending_of_account_or_set_is_refused(ses: Ses) -> None:
    ses.mail.configuration_sets[SET]["SendingOptions"] = {"SendingEnabled": False}
    assert refusal(ses)[0] == "SendingPausedException"
    ses.mail.configuration_sets[SET]["SendingOptions"] = {"SendingEnabled": True}
    ses.client.put_account_sending_attributes(SendingEnabled=False)
    assert refusal(ses)[0] == "SendingPausedException"
    assert ses.client.get_account()["SendingEnabled"] is False
    ses.client.put_account_sending_attributes(SendingEnabled=True)
    ses.send()


def test_an_identity_sends_once_its_owner_verified_it(ses: Ses) -> None:
    name = "me@stranger.example"
    made = ses.client.create_email_identity(EmailIdentity=name)
    assert (made["IdentityType"], made["VerifiedForSendingStatus"]) == ("EMAIL_ADDRESS", False)
    assert ses.client.get_email_identity(EmailIdentity=name)["VerificationStatus"] == "PENDING"
    assert refusal(ses, FromEmailAddress=name)[0] == "MessageRejected"
    ses.mail.service.verify(name)
    ses.send(FromEmailAddress=name)
    assert ses.client.get_email_identity(EmailIdentity=name)["VerifiedForSendingStatus"] is True
    with pytest.raises(ses.client.exceptions.AlreadyExistsException):
        ses.client.create_email_identity(EmailIdentity=name)
    with pytest.raises(ses.client.exceptions.NotFoundException):
        ses.client.get_email_identity(EmailIdentity="other.example")


def test_a_domain_verifies_its_subdomains_and_an_address_wants_its_letter_case(ses: Ses) -> None:
    ses.send(FromEmailAddress="x@reports.Example.com", Content=simple())
    ses.mail.service.verify("Me@stranger.example")
    assert ses.client.get_email_identity(EmailIdentity="example.com")["IdentityType"] == "DOMAIN"
    with pytest.raises(ses.client.exceptions.MessageRejected):
        ses.send(FromEmailAddress="me@stranger.example")


def test_a_mail_from_domain_that_must_be_verified_is_waited_for(ses: Ses) -> None:
    record = ses.mail.identities.setdefault("example.com", {})
    ses.mail.service.verify("example.com")
    record = ses.mail.identities["example.com"]
    record["MailFromAttributes"] = {
        "MailFromDomain": "bounces.example.com",
        "MailFromDomainStatus": "PENDING",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    assert refusal(ses)[0] == "MailFromDomainNotVerifiedException"


def test_a_request_outside_the_model_is_refused_even_from_another_client(ses: Ses) -> None:
    asked = {"Destination": {"ToAddresses": "one"}, "Content": {"Raw": {"Data": "%%%"}}}
    path = "/v2/email/outbound-emails"
    answer = answer_request(
        ses.mail.service, ses.mail.caller, "POST", path, {}, json.dumps(asked).encode()
    )
    assert answer is not None
    assert (answer[0], b"ToAddresses must be a list" in answer[2]) == (400, True)
    asked = {"Content": {"Raw": {"Data": base64.b64encode(b"x").decode() + "%"}}}
    answer = answer_request(
        ses.mail.service, ses.mail.caller, "POST", path, {}, json.dumps(asked).encode()
    )
    assert answer is not None
    assert (answer[0], b"not base64" in answer[2]) == (400, True)


def test_the_suppression_list_is_read_and_written(ses: Ses) -> None:
    for number, reason in enumerate(("BOUNCE", "COMPLAINT", "BOUNCE")):
        ses.client.put_suppressed_destination(EmailAddress=f"A{number}@c.example", Reason=reason)
        ses.at += 60
    found = ses.client.get_suppressed_destination(EmailAddress="a0@C.example")
    assert found["SuppressedDestination"]["EmailAddress"] == "A0@c.example"
    assert found["SuppressedDestination"]["LastUpdateTime"].timestamp() == ses.at - 180
    first = ses.client.list_suppressed_destinations(PageSize=2)
    rest = ses.client.list_suppressed_destinations(PageSize=2, NextToken=first["NextToken"])
    names = [each["EmailAddress"] for page in (first, rest)
             for each in page["SuppressedDestinationSummaries"]]  # fmt: skip
    assert (names, "NextToken" in rest) == (["A0@c.example", "A1@c.example", "A2@c.example"], False)
    since = datetime.fromtimestamp(ses.at - 90, UTC)
    late = ses.client.list_suppressed_destinations(StartDate=since)
    assert len(late["SuppressedDestinationSummaries"]) == 1
    complaints = ses.client.list_suppressed_destinations(Reasons=["COMPLAINT"])
    assert len(complaints["SuppressedDestinationSummaries"]) == 1
    ses.client.delete_suppressed_destination(EmailAddress="A0@c.example")
    for call in (ses.client.get_suppressed_destination, ses.client.delete_suppressed_destination):
        with pytest.raises(ses.client.exceptions.NotFoundException):
            call(EmailAddress="a0@c.example")


def test_the_sandbox_may_not_write_the_suppression_list(tmp_path: Path) -> None:
    ses = Ses(tmp_path, production_access=False)
    with pytest.raises(ses.client.exceptions.BadRequestException):
        ses.client.put_suppressed_destination(EmailAddress="a@c.example", Reason="BOUNCE")
