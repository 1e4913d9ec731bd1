"""Mails with the files: one to each address, once, or in doubt and reported."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any
from zipfile import ZipFile

import boto3
import pytest

from local.quicksight import QuickSightServer
from snapshot_export.domain import mail_message
from snapshot_export.domain.delivery import DeliveryStatus
from snapshot_export.domain.export import Status
from snapshot_export.errors import AlreadyEndedError, NotResendableError, TransientError
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.delivery.deliver import deliver
from snapshot_export.flows.delivery.resend import resend
from snapshot_export.flows.delivery.sweep import sweep
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.handlers import deliver as handlers_deliver
from snapshot_export.metric import Metric
from tests.support.api import call_api
from tests.support.bursts import burst, csv_manifest, manifest_of, recipient, template
from tests.support.mails import (
    MAIL,
    SENDER,
    Ses,
    bring,
    deliver_all,
    install_ses,
    mails_of,
    open_mails,
    ses_event,
)
from tests.support.messages import csv_groups, message
from tests.support.rows import customers_in
from tests.support.world import Clock, World

TO = "anna@example.com"


@pytest.fixture
def world(aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer) -> World:
    return World(aws, quicksight_server, shared_clock, mail=MAIL)


@pytest.fixture
def ses(world: World) -> Ses:
    return install_ses(world)


@pytest.fixture
def announced(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Events of mails, by detail type."""
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        world.services.events,
        "_send",
        lambda kind, detail: found.append((kind.value, detail)),
    )
    return found


def email_of(*to: str, **more: Any) -> dict[str, Any]:
    """A request's Delivery."""
    email = {"Subject": "Your report", "Body": {"Text": "Good morning."}}
    return {"Email": email | ({"To": list(to)} if to else {}) | more}


def mailed(*to: str, **more: Any) -> dict[str, Any]:
    return message("mailed", Delivery=email_of(*(to or (TO,)), **more))


def run(world: World, body: dict[str, Any]) -> None:
    world.send(body)
    world.driver.run()


def settings(world: World, **changes: Any) -> None:
    """Other parameters of mails."""
    own = replace(MAIL, **changes)
    world.services.mail._given = own
    world.services = replace(world.services, settings=replace(world.settings, mail=own))


def test_an_export_is_mailed_with_its_files_to_each_address_alone(world: World, ses: Ses) -> None:
    run(world, mailed(TO, "ben@example.com", ReplyTo="desk@other.example") | {"Name": "board"})
    assert world.export("mailed").status is Status.COMPLETED
    assert [each.status for each in mails_of(world, "mailed")] == [DeliveryStatus.PENDING] * 2
    assert deliver_all(world) == 2
    assert [each.address for each in ses.sent] == [TO, "ben@example.com"]
    first = ses.sent[0]
    assert (first.message["To"], first.message["From"]) == (TO, SENDER)
    assert first.message["Reply-To"] == "desk@other.example"
    assert first.configuration_set == MAIL.configuration_set
    assert list(first.attachments) == ["board.pdf"]
    assert customers_in(first.attachments["board.pdf"], "PDF") == {"cust-0001"}
    record = mails_of(world, "mailed")[0]
    assert first.tags == {"DeliveryId": record.delivery_id, "Attempt": "1"}
    assert (record.status, record.message_id) == (DeliveryStatus.SENT, first.message_id)
    assert record.files == world.export("mailed").files
    assert open_mails(world) == []


def test_subject_and_body_have_the_fields_of_names_and_html_escapes_them(
    world: World, ses: Ses
) -> None:
    html = "<p>{tag:who}</p>"
    run(
        world,
        mailed(
            Subject="{dashboard} of {tag:who}", Body={"Text": "{export} {tag:who}", "Html": html}
        )
        | {"Tags": {"who": "<b>Müller & Söhne</b>"}},
    )
    deliver_all(world)
    (sent,) = ses.sent
    assert sent.message["Subject"] == "sales-overview of <b>Müller & Söhne</b>"
    assert sent.text.strip() == "mailed <b>Müller & Söhne</b>"
    assert sent.html.strip() == "<p>&lt;b&gt;Müller &amp; Söhne&lt;/b&gt;</p>"


@pytest.mark.parametrize(
    ("change", "place", "rule"),
    [
        ({"To": ["a@other.example"]}, "Delivery.Email.To[0]", "a domain that this deployment"),
        ({"To": ["a@example.com\r\nBcc: b@example.com"]}, "Delivery.Email.To[0]", "e-mail address"),
        ({"To": ["A@example.com", "a@example.com"]}, "Delivery.Email.To", "each address once"),
        ({"Subject": "a\nBcc: b@example.com"}, "Delivery.Email.Subject", "one line"),
        ({"Subject": "{sheet}"}, "Delivery.Email.Subject", "no mail's"),
        ({"Subject": "{tag:none}"}, "Delivery.Email", "names a tag"),
        ({"Subject": "{x.__class__}"}, "Delivery.Email.Subject", "has no field"),
        ({"Attach": "MAYBE"}, "Delivery.Email.Attach", "must be"),
    ],
)
def test_what_cannot_be_mailed_is_refused_before_anything_runs(
    world: World, change: dict[str, Any], place: str, rule: str
) -> None:
    assert world.send(mailed(**change)) is Status.REJECTED
    (refused,) = world.rejected()
    (problem,) = refused["Reason"]["Problems"]
    assert problem["Place"] == place and rule in problem["Rule"]
    assert world.ledger()["jobs"] == []


def test_a_tag_cannot_begin_another_header(world: World) -> None:
    body = mailed(Subject="{tag:who}") | {"Tags": {"who": "a\r\nBcc: b@example.com"}}
    assert world.send(body) is Status.REJECTED


def test_without_the_parameter_a_delivery_is_refused_by_its_name(
    aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer
) -> None:
    world = World(aws, quicksight_server, shared_clock)
    assert world.send(mailed()) is Status.REJECTED
    (problem,) = world.rejected()[0]["Reason"]["Problems"]
    assert problem["Place"] == "Delivery" and "parameter email" in problem["Rule"]


def test_each_recipient_of_a_burst_gets_its_own_rows_and_the_others_lines_are_refused(
    world: World, ses: Ses
) -> None:
    manifest = csv_manifest(
        world,
        "RecipientId,Email,tag:customer_id\n"
        "r-1,anna@example.com; ben@example.com,cust-0001\n"
        "r-2,carl@other.example,cust-0002\n"
        "r-3,,cust-0003\n"
        "r-4,dora@example.com,cust-0004\n",
    )
    body = {"Template": template(Delivery=email_of(), Name="{recipient}"), "Manifest": manifest}
    run(world, {"Burst": body | {"BurstId": "monday"}})
    refused = {each.line: each.problems[0] for each in world.services.bursts.refusals("monday")}
    assert {line: each.place for line, each in refused.items()} == {3: "Email", 4: "Email"}
    deliver_all(world)
    rows = {each.address: customers_in(each.only_file, "PDF") for each in ses.sent}
    assert rows == {
        "anna@example.com": {"cust-0001"},
        "ben@example.com": {"cust-0001"},
        "dora@example.com": {"cust-0004"},
    }
    listed = {
        each["Line"]: each["MailTo"]
        for each in manifest_of(world, "monday")["Files"]
        if "MailTo" in each
    }
    assert listed == {2: ["a***@example.com", "b***@example.com"], 5: ["d***@example.com"]}


def test_a_template_of_a_burst_has_no_address_and_an_address_needs_a_delivery(
    world: World,
) -> None:
    body = burst(recipients=[recipient(1)], Template=template(Delivery=email_of(TO)))
    assert world.send({"Burst": body}) is Status.REJECTED
    world.send({"Burst": burst(recipients=[recipient(1, Email=TO), recipient(2)])})
    world.driver.run()
    (refusal,) = world.services.bursts.refusals("burst-1")
    assert refusal.problems[0].place == "Email"


def test_files_that_do_not_fit_are_named_or_fail_the_mail(
    world: World, ses: Ses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_message, "MAX_MESSAGE_BYTES", 101_000)
    run(world, mailed())
    run(world, mailed(Attach="ALWAYS") | {"ExportId": "always"})
    deliver_all(world)
    (sent,) = ses.sent
    uri = world.export("mailed").files[0].uri
    assert sent.attachments == {} and str(uri) in sent.text
    (record,) = mails_of(world, "always")
    assert record.error is not None
    assert (record.status, record.error.code) == (DeliveryStatus.FAILED, "TOO_LARGE")


def test_a_file_that_is_another_than_at_the_end_is_not_sent(world: World, ses: Ses) -> None:
    run(world, mailed())
    key = str(world.export("mailed").files[0].uri).split("/", 3)[3]
    bucket = world.settings.export_bucket
    world.session.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another's")
    deliver_all(world)
    (record,) = mails_of(world, "mailed")
    assert (ses.calls, record.error and record.error.code) == (0, "FILE_GONE")


def test_an_export_that_failed_or_was_skipped_sends_nothing(world: World, ses: Ses) -> None:
    world.switch("fail_job", SnapshotJobId="mailed-", ErrorType="DATASET_DELETED")
    run(world, mailed())
    assert (world.export("mailed").status, mails_of(world, "mailed")) == (Status.FAILED, [])


def test_a_message_that_comes_twice_sends_once(world: World, ses: Ses) -> None:
    run(world, mailed())
    (record,) = mails_of(world, "mailed")
    for _ in range(3):
        deliver(world.services, record.delivery_id)
    assert ses.calls == 1


class Killed(BaseException):
    """The function dies here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("part", "method", "number"),
    [
        ("mail", "take_turn", 0),
        ("outbox", "change", 0),
        ("mail", "send", 0),
        ("outbox", "change", 1),
        ("events", "announce_sent", 0),
        ("outbox", "close", 0),
    ],
)
def test_a_death_between_any_two_calls_sends_once_or_is_in_doubt_and_reported(
    world: World,
    ses: Ses,
    announced: list[tuple[str, dict[str, Any]]],
    part: str,
    method: str,
    number: int,
    after: bool,
) -> None:
    run(world, mailed())
    (record,) = mails_of(world, "mailed")
    adapter = getattr(world.services, part)
    real, calls = getattr(adapter, method), iter(range(100))

    def dying(*arguments: Any, **more: Any) -> Any:
        is_here = next(calls) == number
        if is_here and not after:
            raise Killed
        result = real(*arguments, **more)
        if is_here:
            raise Killed
        return result

    adapter.__dict__[method] = dying
    with pytest.raises(Killed):
        deliver(world.services, record.delivery_id)
    deliver(world.services, record.delivery_id)
    for _ in range(5):
        world.clock.time += 1800
        sweep(world.services, world.clock.now() + 60)
        deliver_all(world)
    (record,) = mails_of(world, "mailed")
    kinds = [kind for kind, _ in announced if "Delivery" in kind]
    if record.status is DeliveryStatus.HELD:
        assert len(ses.sent) <= 1
        assert kinds == ["Snapshot Delivery In Doubt"]
    else:
        assert record.status is DeliveryStatus.SENT
        assert len(ses.sent) == 1
        assert set(kinds) == {"Snapshot Delivery Sent"}
    assert open_mails(world) == []


def lost(world: World, ses: Ses) -> None:
    """A mail that SES took without an answer."""
    ses.fates = [Ses.LOST]
    run(world, mailed())
    deliver_all(world)
    (record,) = mails_of(world, "mailed")
    assert record.status is DeliveryStatus.IN_DOUBT


def test_what_is_in_doubt_is_settled_by_the_event_of_its_own_sending(
    world: World, ses: Ses, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    lost(world, ses)
    for _ in range(2):
        bring(world, ses_event(world, "Email Sent", ses.sent[0], send={}))
    (record,) = mails_of(world, "mailed")
    assert (record.status, record.message_id) == (DeliveryStatus.SENT, ses.sent[0].message_id)
    assert open_mails(world) == []
    world.clock.time += 7200
    sweep(world.services, world.clock.now() + 60)
    assert (deliver_all(world), len(ses.sent)) == (0, 1)
    ids = {d["EventId"] for kind, d in announced if kind == "Snapshot Delivery Sent"}
    assert len(ids) == 1


def test_what_arrived_is_announced_as_sent_once_though_nobody_did_so_before(
    world: World, ses: Ses, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    lost(world, ses)
    for kind in ("Email Delivered", "Email Sent", "Email Delivered"):
        bring(world, ses_event(world, kind, ses.sent[0]))
    (record,) = mails_of(world, "mailed")
    assert (record.status, open_mails(world)) == (DeliveryStatus.DELIVERED, [])
    (sent,) = [detail for kind, detail in announced if "Delivery" in kind]
    assert (sent["Status"], sent["EventId"]) == ("SENT", f"{record.delivery_id}-1-sent")


def test_what_stays_in_doubt_is_held_and_reported_and_sent_when_somebody_says_so(
    world: World, ses: Ses, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    lost(world, ses)
    world.clock.time += 3601
    sweep(world.services, world.clock.now() + 60)
    (record,) = mails_of(world, "mailed")
    assert record.status is DeliveryStatus.HELD
    assert [d["Outcome"] for kind, d in announced if "Doubt" in kind] == ["HELD"]
    assert world.measured[Metric.MAILS_IN_DOUBT] == [1]
    resend(world.services, "mailed")
    resend(world.services, "mailed")
    deliver_all(world)
    assert [each.tags["Attempt"] for each in ses.sent] == ["1", "2"]
    assert mails_of(world, "mailed")[0].status is DeliveryStatus.SENT


def test_what_stays_in_doubt_is_sent_again_where_the_deployment_says_so(
    world: World, ses: Ses, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    settings(world, in_doubt="SEND", in_doubt_minutes=5)
    lost(world, ses)
    world.clock.time += 301
    sweep(world.services, world.clock.now() + 60)
    deliver_all(world)
    assert [each.tags["Attempt"] for each in ses.sent] == ["1", "2"]
    assert [d["Outcome"] for kind, d in announced if "Doubt" in kind] == ["SENT_AGAIN"]
    bring(world, ses_event(world, "Email Sent", ses.sent[0], send={}))
    (record,) = mails_of(world, "mailed")
    assert record.sent_again and world.measured[Metric.MAILS_SENT_AGAIN] == [1]


def test_a_late_event_of_a_doubted_attempt_stops_the_next_one(world: World, ses: Ses) -> None:
    settings(world, in_doubt="SEND", in_doubt_minutes=5)
    lost(world, ses)
    world.clock.time += 301
    sweep(world.services, world.clock.now() + 60)
    bring(world, ses_event(world, "Email Sent", ses.sent[0], send={}))
    deliver_all(world)
    assert len(ses.sent) == 1


def test_events_only_ever_say_more_in_whatever_order_they_come(
    world: World, ses: Ses, announced: list[tuple[str, dict[str, Any]]]
) -> None:
    run(world, mailed())
    deliver_all(world)
    (sent,) = ses.sent
    bounce = {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}
    bounced = ses_event(world, "Email Bounced", sent, bounce=bounce)
    for event in (bounced, ses_event(world, "Email Delivered", sent), bounced):
        bring(world, event)
    (record,) = mails_of(world, "mailed")
    assert record.error is not None
    assert (record.status, record.error.message) == (
        DeliveryStatus.BOUNCED,
        "Permanent OnAccountSuppressionList",
    )
    failed = {d["EventId"] for kind, d in announced if kind == "Snapshot Delivery Failed"}
    assert len(failed) == 1
    assert all(TO not in str(detail) for _, detail in announced)
    complaint = {"complaintFeedbackType": "abuse"}
    bring(world, ses_event(world, "Email Complaint Received", sent, complaint=complaint))
    assert mails_of(world, "mailed")[0].status is DeliveryStatus.COMPLAINED


def test_an_old_event_does_not_stop_what_is_sent_again(world: World, ses: Ses) -> None:
    run(world, mailed())
    deliver_all(world)
    bounced = ses_event(world, "Email Bounced", ses.sent[0], bounce={"bounceType": "Permanent"})
    bring(world, bounced)
    resend(world.services, "mailed")
    bring(world, bounced)
    deliver_all(world)
    bring(world, bounced)
    (record,) = mails_of(world, "mailed")
    assert (record.status, record.attempt, record.sent_again) == (DeliveryStatus.SENT, 2, False)
    with pytest.raises(NotResendableError):
        resend(world.services, "mailed")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("MessageRejected", DeliveryStatus.FAILED),
        ("BadRequestException", DeliveryStatus.FAILED),
        ("SendingPausedException", DeliveryStatus.HELD),
        ("AccountSuspendedException", DeliveryStatus.HELD),
        ("TooManyRequestsException", DeliveryStatus.PENDING),
        ("LimitExceededException", DeliveryStatus.PENDING),
    ],
)
def test_what_ses_answers_decides_what_becomes_of_a_mail(
    world: World, ses: Ses, code: str, status: DeliveryStatus
) -> None:
    ses.fates = [code]
    run(world, mailed())
    deliver_all(world)
    (record,) = mails_of(world, "mailed")
    assert record.status is status
    if status is DeliveryStatus.PENDING:
        world.clock.time += 61
        sweep(world.services, world.clock.now() + 60)
    else:
        assert record.error is not None and record.error.code == code
        resend(world.services, "mailed")
    deliver_all(world)
    assert mails_of(world, "mailed")[0].status is DeliveryStatus.SENT


def test_mails_wait_for_the_daily_quota_and_keep_the_rate(world: World, ses: Ses) -> None:
    ses.quota |= {"Max24HourSend": 2.0, "MaxSendRate": 1.0}
    run(world, mailed(*(f"r{number}@example.com" for number in range(5))))
    since = world.clock.now()
    deliver_all(world)
    assert len(ses.sent) == 2 and world.clock.now() - since >= 1
    ses.quota |= {"Max24HourSend": 200.0, "SentLast24Hours": 2.0}
    world.clock.time += 901
    sweep(world.services, world.clock.now() + 60)
    since = world.clock.now()
    deliver_all(world)
    assert len(ses.sent) == 5 and world.clock.now() - since >= 2


def test_a_lost_message_is_asked_for_by_the_sweep(
    world: World, ses: Ses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise TransientError("delivery queue: down")

    with monkeypatch.context() as patched:
        patched.setattr(world.services.delivery_work, "send", fail)
        run(world, mailed())
    assert world.export("mailed").status is Status.COMPLETED
    assert deliver_all(world) == 0
    world.clock.time += 1801
    sweep(world.services, world.clock.now() + 60)
    assert (deliver_all(world), len(ses.sent)) == (1, 1)


def test_a_cancellation_stops_what_was_not_sent(world: World, ses: Ses) -> None:
    run(world, mailed())
    assert cancel(world.services, "mailed") is Status.COMPLETED
    deliver_all(world)
    assert ses.sent == [] and open_mails(world) == []
    assert mails_of(world, "mailed")[0].status is DeliveryStatus.CANCELLED
    with pytest.raises(AlreadyEndedError):
        cancel(world.services, "mailed")


def test_a_cancelled_burst_sends_no_mail_any_more(world: World, ses: Ses) -> None:
    recipients = [recipient(number, Email=TO) for number in range(1, 30)]
    body = burst(recipients=recipients, Template=template(Delivery=email_of()))
    world.send({"Burst": body})
    while not any(mails_of(world, f"burst-1-{line}") for line in range(1, 30)):
        world.driver.run(until=world.clock.now() + 5)
    cancel_burst(world.services, "burst-1")
    world.driver.run()
    deliver_all(world)
    assert ses.sent == [] and open_mails(world) == []


def test_many_files_are_in_one_mail(world: World, ses: Ses) -> None:
    files = {"SnapshotConfiguration": {"FileGroups": csv_groups(3)}}
    run(world, mailed() | files | {"DashboardId": "board-pack"})
    deliver_all(world)
    assert len(ses.sent[0].attachments) == 3


@pytest.mark.parametrize("attach", ["ALWAYS", "NEVER"])
def test_of_an_export_with_a_zip_the_mail_has_the_zip_alone(
    world: World, ses: Ses, attach: str
) -> None:
    files = {"SnapshotConfiguration": {"FileGroups": csv_groups(3)}}
    run(world, mailed(Attach=attach) | files | {"DashboardId": "board-pack", "Zip": True})
    deliver_all(world)
    (sent,), export = ses.sent, world.export("mailed")
    assert [file.format for file in export.files] == ["CSV", "CSV", "CSV", "ZIP"]
    assert mails_of(world, "mailed")[0].files == export.files[-1:]
    if attach == "NEVER":
        assert sent.attachments == {} and sent.text.count("s3://") == 1
        return
    ((name, data),) = sent.attachments.items()
    assert name == "board-pack.zip"
    with ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 3 and archive.testzip() is None


def test_each_recipient_of_a_burst_is_mailed_the_zip_of_its_own_files(
    world: World, ses: Ses
) -> None:
    mails = {"Delivery": email_of(), "Zip": True}
    people = [recipient(number, Email=f"r{number}@example.com") for number in (1, 2)]
    run(world, {"Burst": burst(template=template() | mails, recipients=people)})
    deliver_all(world)
    for number, sent in enumerate(sorted(ses.sent, key=lambda each: each.address), start=1):
        (data,) = sent.attachments.values()
        with ZipFile(io.BytesIO(data)) as archive:
            (name,) = archive.namelist()
            assert customers_in(archive.read(name), "PDF") == {f"cust-{number:04d}"}


def test_the_api_shows_mails_with_masked_addresses_and_sends_again_what_failed(
    world: World, ses: Ses
) -> None:
    ses.fates = ["MessageRejected"]
    run(world, mailed())
    deliver_all(world)
    (shown,) = call_api(world.services, "GET", "/exports/mailed").body["Deliveries"]
    assert (shown["To"], shown["Status"]) == ("a***@example.com", "FAILED")
    assert shown["Error"]["Code"] == "MessageRejected"
    file = world.export("mailed").files[0]
    assert shown["Files"] == [{"S3Uri": file.uri, "ETag": file.etag}]
    again = call_api(world.services, "POST", "/exports/mailed/resend")
    assert (again.status, again.body["Deliveries"][0]["Status"]) == (202, "PENDING")
    deliver_all(world)
    body = call_api(world.services, "GET", "/exports/mailed").body
    assert TO not in json.dumps(body)
    assert (body["Deliveries"][0]["Status"], body["Deliveries"][0]["Attempt"]) == ("SENT", 2)
    refused = call_api(world.services, "POST", "/exports/mailed/resend")
    assert (refused.status, refused.body["Code"]) == (409, "NOT_RESENDABLE")
    assert call_api(world.services, "POST", "/exports/nobody/resend").status == 404


def test_the_function_takes_messages_and_events(
    world: World, ses: Ses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers_deliver, "services_from_env", lambda: world.services)
    run(world, mailed())
    (record,) = mails_of(world, "mailed")
    body = json.dumps({"DeliveryId": record.delivery_id, "Target": "default"})
    handlers_deliver.handler({"Records": [{"body": body}]}, None)
    event = ses_event(world, "Email Delivered", ses.sent[0], delivery={})
    handlers_deliver.handler(event, None)
    assert mails_of(world, "mailed")[0].status is DeliveryStatus.DELIVERED
    others = {**event, "detail": {"mail": {"tags": {"DeliveryId": ["no-mail-1-0"]}}}}
    handlers_deliver.handler(others, None)
    handlers_deliver.handler({**event, "detail": {"mail": {}}}, None)
