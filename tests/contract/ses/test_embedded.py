"""SES of the embedded account: its patches, its events on the default bus, its page."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.account import EmbeddedAws
from local.account.authorization import denials_in
from local.account.clients import make_client
from local.account.environment import ACCOUNT, REGION
from local.mail import MailSettings
from local.mail.client import change_mail, find_mailbox, page_of
from tests.contract.ses.conftest import RECIPIENT, SENDER, SET, simple

BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
ALL = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"]
SETTINGS = MailSettings(
    verified=("example.com",), max_send_rate=100, event_median=0.01, events_lost=0, events_doubled=0
)
Send = dict[str, Any]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path_factory.mktemp("embedded-mail"), mail=SETTINGS) as running:
        make_set(running)
        yield running


def destination(bus: str = BUS) -> dict[str, Any]:
    return {
        "Enabled": True,
        "MatchingEventTypes": ALL,
        "EventBridgeDestination": {"EventBusArn": bus},
    }


def make_set(aws: EmbeddedAws, name: str = SET) -> None:
    ses = aws.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName=name)
    ses.create_configuration_set_event_destination(
        ConfigurationSetName=name, EventDestinationName="events", EventDestination=destination()
    )


def send(aws: EmbeddedAws, *to: str, **members: Any) -> str:
    asked = {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": [*(to or (RECIPIENT,))]},
        "Content": simple(),
        "ConfigurationSetName": SET,
    } | members
    message_id: str = aws.client("sesv2").send_email(**asked)["MessageId"]
    return message_id


def change(aws: EmbeddedAws, name: str, **asked: Any) -> None:
    change_mail(aws.endpoint_url, name, asked, str(aws.ca_file) if aws.ca_file else None)


class Listener:
    """A queue that a rule sends SES's events to."""

    def __init__(self, aws: EmbeddedAws, name: str) -> None:
        self.sqs = aws.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        events = aws.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ses"]}))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def hear(self, message_id: str, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """The events of a message, once there are so many or the time is over."""
        heard: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(heard) < count and time.monotonic() < deadline:
            answer = self.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for each in answer.get("Messages", []):
                event = json.loads(each["Body"])
                if event["detail"]["mail"]["messageId"] == message_id:
                    heard.append(event)
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return heard


def test_events_come_on_the_default_bus_as_sess_own(aws: EmbeddedAws) -> None:
    listener = Listener(aws, "heard")
    tags = [{"Name": "outbox", "Value": "id-1"}]
    message_id = send(aws, "complaint@simulator.amazonses.com", EmailTags=tags)
    heard = listener.hear(message_id, 3)
    assert Counter(event["detail-type"] for event in heard) == {
        "Email Sent": 1, "Email Delivered": 1, "Email Complaint Received": 1
    }  # fmt: skip
    for event in heard:
        assert (event["source"], event["account"], event["region"]) == ("aws.ses", ACCOUNT, REGION)
        assert event["detail"]["mail"]["tags"]["outbox"] == ["id-1"]


@pytest.mark.parametrize(("share", "copies"), [("events_doubled", 4), ("events_lost", 0)])
def test_events_come_as_often_as_was_drawn(aws: EmbeddedAws, share: str, copies: int) -> None:
    listener = Listener(aws, share)
    change(aws, "settings", **{share: 1})
    try:
        message_id = send(aws)
        assert len(listener.hear(message_id, copies or 1, 10 if copies else 3)) == copies
    finally:
        change(aws, "settings", **{share: 0})


def test_a_message_is_in_the_mailbox_and_on_its_page(aws: EmbeddedAws) -> None:
    attachment = {"RawContent": b"%PDF-", "FileName": "June.pdf", "ContentType": "application/pdf"}
    message_id = send(aws, Content=simple(Attachments=[attachment]))
    found = aws.mailbox.find(message_id)
    assert found is not None
    assert [(each.name, each.content) for each in found.attachments] == [("June.pdf", b"%PDF-")]
    with urllib.request.urlopen(page_of(aws.endpoint_url)) as answer:
        assert f'href="{message_id}/"' in answer.read().decode()
    assert find_mailbox(aws.endpoint_url).find(message_id) is not None


def test_the_rest_of_ses_is_still_upstreams(aws: EmbeddedAws) -> None:
    ses = aws.client("sesv2")
    found = ses.get_configuration_set_event_destinations(ConfigurationSetName=SET)
    assert [each["Name"] for each in found["EventDestinations"]] == ["events"]
    assert ses.get_configuration_set(ConfigurationSetName=SET)["SendingOptions"] == {
        "SendingEnabled": True
    }
    assert "example.com" in {
        each["IdentityName"] for each in ses.list_email_identities()["EmailIdentities"]
    }
    with pytest.raises(ses.exceptions.BadRequestException, match="default event bus"):
        ses.create_configuration_set_event_destination(
            ConfigurationSetName=SET,
            EventDestinationName="other",
            EventDestination=destination(BUS.replace("default", "other")),
        )


def test_an_identity_of_a_stack_waits_for_its_owner(aws: EmbeddedAws) -> None:
    name = "stack.example"
    resource = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": name}}
    stacks, ses = aws.client("cloudformation"), aws.client("sesv2")
    stacks.create_stack(
        StackName="mail", TemplateBody=json.dumps({"Resources": {"Identity": resource}})
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="mail", WaiterConfig={"Delay": 1})
    assert ses.get_email_identity(EmailIdentity=name)["VerifiedForSendingStatus"] is False
    change(aws, "verify", EmailIdentity=name)
    send(aws, FromEmailAddress=f"me@{name}")


def test_a_region_has_limits_of_its_own(aws: EmbeddedAws) -> None:
    other = make_client("sesv2", aws.endpoint_url, region="eu-west-1")
    send(aws)
    assert other.get_account()["SendQuota"]["SentLast24Hours"] == 0
    assert aws.client("sesv2").get_account()["SendQuota"]["SentLast24Hours"] > 0


@pytest.mark.parametrize("missing", ["identity/example.com", f"configuration-set/{SET}", None])
def test_sending_needs_a_right_on_identity_and_set(
    enforcing: EmbeddedAws, missing: str | None
) -> None:
    granted = ["identity/example.com", f"configuration-set/{SET}"]
    ses = user_with(enforcing, [name for name in granted if name != missing])
    asked: Send = {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": [RECIPIENT]},
        "Content": simple(),
        "ConfigurationSetName": SET,
    }
    if missing is None:
        assert find_mailbox(enforcing.endpoint_url, str(enforcing.ca_file)).count() == 0
        assert ses.send_email(**asked)["MessageId"]
        return
    with pytest.raises(ClientError) as caught:
        ses.send_email(**asked)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert any("ses:SendEmail" in each for each in denials_in(enforcing.log))


@pytest.mark.parametrize(
    ("action", "sender"),
    [("ses:SendEmail", SENDER), ("ses:SendRawEmail", "other@example.com"), (None, None)],
)
def test_a_raw_message_needs_the_right_of_raw_ones_and_the_sender_may_be_bound(
    enforcing: EmbeddedAws, action: str | None, sender: str | None
) -> None:
    ses = user_with(
        enforcing, ["identity/example.com"], action or "ses:SendRawEmail", sender or SENDER
    )
    content = {"Raw": {"Data": f"From: {SENDER}\r\nTo: {RECIPIENT}\r\n\r\nx".encode()}}
    if action is None:
        assert ses.send_email(FromEmailAddress=SENDER, Content=content)["MessageId"]
        return
    with pytest.raises(ClientError, match="ses:SendRawEmail"):
        ses.send_email(FromEmailAddress=SENDER, Content=content)


def user_with(
    aws: EmbeddedAws,
    resources: list[str],
    action: str = "ses:SendEmail",
    sender: str | None = None,
) -> Any:
    """SES as a user who may do this, and nothing else."""
    iam = aws.client("iam")
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": action,
        "Resource": [f"arn:aws:ses:{REGION}:{ACCOUNT}:{name}" for name in resources],
    }
    if sender is not None:
        statement["Condition"] = {"StringEquals": {"ses:FromAddress": sender}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    user = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="send", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return make_client(
        "sesv2",
        aws.endpoint_url,
        attempts=1,
        ca_file=str(aws.ca_file),
        keys=(key["AccessKeyId"], key["SecretAccessKey"]),
    )


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("enforcing-mail")
    with EmbeddedAws(folder, mail=SETTINGS, enforce_iam=True) as running:
        make_set(running)
        yield running
