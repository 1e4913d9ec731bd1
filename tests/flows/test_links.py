"""Links in mails: they open their own file, for a time, until they are revoked; all else is 404."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest

from local.quicksight import QuickSightServer
from snapshot_export.domain import mail_message
from snapshot_export.domain.delivery import DeliveryStatus
from snapshot_export.domain.export import Status
from snapshot_export.domain.link import link_id_of
from snapshot_export.errors import AlreadyEndedError, TransientError
from snapshot_export.flows.delivery.deliver import deliver
from snapshot_export.flows.delivery.revoke import revoke_links
from snapshot_export.flows.delivery.sweep import sweep
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.handlers import open_link as handlers_open_link
from tests.support.api import call_api
from tests.support.bursts import burst, recipient, template
from tests.support.mails import (
    MAIL,
    Sent,
    Ses,
    bring,
    deliver_all,
    install_ses,
    mails_of,
    ses_event,
)
from tests.support.messages import csv_groups, message
from tests.support.output import captured
from tests.support.rows import customers_in
from tests.support.world import Clock, World

URL = "https://links.example"
DAYS = 14
DAY = 86_400
TO = "anna@example.com"
Open = Callable[..., dict[str, Any]]


@pytest.fixture
def world(aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer) -> World:
    world = World(aws, quicksight_server, shared_clock, mail=replace(MAIL, link_days=DAYS))
    world.settings = replace(world.settings, links_url=URL)
    world.services = replace(world.services, settings=world.settings)
    return world


@pytest.fixture
def ses(world: World) -> Ses:
    return install_ses(world)


@pytest.fixture
def follow(world: World, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Follow a link: the function's whole answer."""
    monkeypatch.setattr(handlers_open_link, "services_from_env", lambda: world.services)

    def call(token: str | None, method: str = "GET") -> dict[str, Any]:
        event = {
            "rawPath": f"/files/{token}",
            "requestContext": {"http": {"method": method}, "requestId": "r"},
            "pathParameters": None if token is None else {"token": token},
        }
        answer: dict[str, Any] = handlers_open_link.handler(event, None)
        return answer

    return call


def linked(*to: str, name: str = "linked", **more: Any) -> dict[str, Any]:
    email = {"Subject": "Yours", "Body": {"Text": "Hello.", "Html": "<p>Hello.</p>"}}
    email |= {"Attach": "NEVER"} | ({"To": [*(to or (TO,))]})
    return message(name, Delivery={"Email": email}, **more)


def send(world: World, body: dict[str, Any]) -> None:
    world.send(body)
    world.driver.run()
    deliver_all(world)


def tokens_in(sent: Sent) -> list[str]:
    found = re.findall(rf"{URL}/files/(\S+)", sent.text)
    assert found and all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in found)
    return found


def token_in(sent: Sent) -> str:
    (token,) = tokens_in(sent)
    return token


def bytes_at(world: World, answer: dict[str, Any]) -> bytes:
    """What lies where an answer leads, for whoever has its address."""
    assert answer["statusCode"] == 302
    parts = urlsplit(answer["headers"]["Location"])
    assert "X-Amz-Signature" in parse_qs(parts.query)
    bucket = world.settings.export_bucket
    key = unquote(parts.path).lstrip("/")
    found = world.session.client("s3").get_object(Bucket=bucket, Key=key.removeprefix(f"{bucket}/"))
    data: bytes = found["Body"].read()
    return data


def use_of(world: World, export_id: str = "linked") -> Any:
    (delivery,) = call_api(world.services, "GET", f"/exports/{export_id}").body["Deliveries"]
    return delivery["Links"]


def table_of(world: World) -> str:
    items = world.session.client("dynamodb").scan(TableName=world.settings.table_name)["Items"]
    return json.dumps(items, default=str)


def test_a_link_opens_its_file_and_says_so_in_the_record(
    world: World, ses: Ses, follow: Open
) -> None:
    send(world, linked() | {"Name": 'March "board"'})
    (sent,) = ses.sent
    token = token_in(sent)
    assert sent.attachments == {} and f'href="{URL}/files/{token}"' in sent.html
    assert "s3://" not in sent.text + sent.html
    assert use_of(world)["Opened"] == 0
    answer = follow(token)
    assert customers_in(bytes_at(world, answer), "PDF") == {"cust-0001"}
    headers = answer["headers"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    signed = parse_qs(urlsplit(headers["Location"]).query)
    assert signed["X-Amz-Expires"] == ["300"]
    (disposition,) = signed["response-content-disposition"]
    assert disposition.startswith("attachment; filename=\"March _board_.pdf\"; filename*=UTF-8''")
    first = use_of(world)
    world.clock.time += 60
    follow(token)
    second = use_of(world)
    assert (first["Opened"], second["Opened"]) == (1, 2)
    assert second["FirstOpenedAt"] == first["LastOpenedAt"] < second["LastOpenedAt"]
    assert second["RevokedAt"] is None and second["EndsAt"] > second["LastOpenedAt"]


def test_looking_at_a_link_does_not_count(world: World, ses: Ses, follow: Open) -> None:
    send(world, linked())
    looked = follow(token_in(ses.sent[0]), "HEAD")
    assert (looked["statusCode"], looked["body"]) == (302, "")
    assert use_of(world)["Opened"] == 0
    assert follow("wrong", "HEAD")["statusCode"] == 404


def test_the_mail_says_until_when_and_names_each_file(world: World, ses: Ses, follow: Open) -> None:
    body = linked(dashboard="board-pack", groups=csv_groups(3))
    send(world, body | {"Name": "{sheet}"})
    (sent,) = ses.sent
    assert re.search(r"The files are here until \d{4}-\d\d-\d\d \d\d:\d\d UTC:", sent.text)
    tokens = tokens_in(sent)
    assert len(set(tokens)) == 3
    uris = {each.uri for each in mails_of(world, "linked")[0].files}
    found = {urlsplit(follow(each)["headers"]["Location"]).path.lstrip("/") for each in tokens}
    assert len(found) == 3 and all(any(path in str(uri) for uri in uris) for path in found)


def test_only_the_hash_of_a_token_is_kept_and_no_line_has_it(
    world: World, ses: Ses, follow: Open
) -> None:
    with captured("DEBUG") as text:
        send(world, linked())
        token = token_in(ses.sent[0])
        follow(token)
        revoke_links(world.services, "linked")
        follow(token)
    kept, said = table_of(world), text.getvalue()
    assert link_id_of(token) in kept and token not in kept
    assert "link opened" in said and token not in said and link_id_of(token) not in said


def wrong(world: World, token: str) -> str:
    return ("A" if token[0] != "A" else "B") + token[1:]


def ended(world: World, token: str) -> str:
    world.clock.time += DAYS * DAY
    return token


def revoked(world: World, token: str) -> str:
    revoke_links(world.services, "linked")
    return token


def deleted(world: World, token: str) -> str:
    key = str(world.export("linked").files[0].uri).split("/", 3)[3]
    world.session.client("s3").delete_object(Bucket=world.settings.export_bucket, Key=key)
    return token


def replaced(world: World, token: str) -> str:
    key = str(world.export("linked").files[0].uri).split("/", 3)[3]
    bucket = world.settings.export_bucket
    world.session.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another's")
    return token


def cancelled(world: World, token: str) -> str:
    assert cancel(world.services, "linked") is Status.COMPLETED
    with pytest.raises(AlreadyEndedError):
        cancel(world.services, "linked")
    return token


def unreadable(world: World, token: str) -> str:
    world.session.client("dynamodb").update_item(
        TableName=world.settings.table_name,
        Key={"pk": {"S": f"LINK#{link_id_of(token)}"}, "sk": {"S": "LINK"}},
        UpdateExpression="REMOVE etag",
    )
    return token


@pytest.mark.parametrize(
    "spoil",
    [
        wrong,
        ended,
        revoked,
        deleted,
        replaced,
        cancelled,
        unreadable,
        lambda _world, token: token[:-1],
        lambda _world, token: token + "A",
        lambda _world, token: token + "\n",
        lambda _world, token: "../" + token,
        lambda _world, token: link_id_of(token),
        lambda _world, _token: "",
        lambda _world, _token: None,
    ],
)
def test_whatever_opens_nothing_answers_the_same(
    world: World, ses: Ses, follow: Open, spoil: Callable[[World, str], str | None]
) -> None:
    send(world, linked())
    unknown = follow("x" * 43)
    assert unknown["statusCode"] == 404
    assert unknown["headers"]["Cache-Control"] == "no-store"
    assert follow(spoil(world, token_in(ses.sent[0]))) == unknown
    assert (use_of(world) or {"Opened": 0})["Opened"] == 0


def test_whoever_may_not_reach_the_table_is_asked_to_come_again(
    world: World, ses: Ses, follow: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_link_id: str) -> None:
        raise TransientError("DynamoDB: down")

    monkeypatch.setattr(world.services.links, "find", fail)
    answer = follow("x" * 43)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")


def test_each_recipient_of_a_burst_gets_a_link_to_its_own_rows(
    world: World, ses: Ses, follow: Open
) -> None:
    email = {"Subject": "Yours", "Body": {"Text": "Hello."}, "Attach": "NEVER"}
    people = [recipient(number, Email=f"r{number}@example.com") for number in (1, 2, 3)]
    body = template(Name="{recipient}/report", Delivery={"Email": email})
    send(world, {"Burst": burst("linked", people, Template=body)})
    found = {
        each.address: customers_in(bytes_at(world, follow(token_in(each))), "PDF")
        for each in ses.sent
    }
    assert found == {f"r{number}@example.com": {f"cust-{number:04}"} for number in (1, 2, 3)}


def test_what_fits_is_attached_and_has_no_link(
    world: World, ses: Ses, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = linked()
    body["Delivery"]["Email"]["Attach"] = "AUTO"
    send(world, body)
    assert URL not in ses.sent[0].text and use_of(world) is None
    refused = call_api(world.services, "DELETE", "/exports/linked/links")
    assert (refused.status, refused.body["Code"]) == (409, "NO_LINKS")
    monkeypatch.setattr(mail_message, "MAX_MESSAGE_BYTES", 101_000)
    send(world, body | {"ExportId": "large"})
    assert URL in ses.sent[1].text and ses.sent[1].attachments == {}


def test_links_are_revoked_by_the_api_as_often_as_it_is_called(
    world: World, ses: Ses, follow: Open
) -> None:
    send(world, linked(TO, "ben@example.com"))
    tokens = [token_in(each) for each in ses.sent]
    for _ in range(2):
        answer = call_api(world.services, "DELETE", "/exports/linked/links")
        assert answer.status == 200
        assert [each["Links"]["RevokedAt"] is None for each in answer.body["Deliveries"]] == [
            False,
            False,
        ]
        world.clock.time += 60
    assert answer.body["Deliveries"][0]["Links"]["RevokedAt"] < world.services.utc_now().isoformat()
    assert [follow(each)["statusCode"] for each in tokens] == [404, 404]
    assert call_api(world.services, "DELETE", "/exports/nobody/links").status == 404


def test_a_mail_that_waits_is_not_sent_once_its_links_are_revoked(world: World, ses: Ses) -> None:
    world.send(linked())
    world.driver.run()
    revoke_links(world.services, "linked")
    deliver_all(world)
    (record,) = mails_of(world, "linked")
    assert (record.status, ses.sent) == (DeliveryStatus.CANCELLED, [])


def test_a_mail_in_doubt_is_not_sent_again_once_its_links_are_revoked(
    world: World, ses: Ses, follow: Open
) -> None:
    again = replace(MAIL, link_days=DAYS, in_doubt="SEND", in_doubt_minutes=5)
    world.services.mail._given = again
    ses.fates = [Ses.LOST]
    send(world, linked())
    revoke_links(world.services, "linked")
    world.clock.time += 301
    sweep(world.services, world.clock.now() + 60)
    deliver_all(world)
    assert len(ses.sent) == 1 and follow(token_in(ses.sent[0]))["statusCode"] == 404
    bring(world, ses_event(world, "Email Sent", ses.sent[0], send={}))
    assert mails_of(world, "linked")[0].status is DeliveryStatus.SENT


def test_each_attempt_has_links_of_its_own_that_open(world: World, ses: Ses, follow: Open) -> None:
    again = replace(MAIL, link_days=DAYS, in_doubt="SEND", in_doubt_minutes=5)
    world.services.mail._given = again
    ses.fates = [Ses.LOST]
    send(world, linked())
    world.clock.time += 301
    sweep(world.services, world.clock.now() + 60)
    deliver_all(world)
    first, second = map(token_in, ses.sent)
    assert first != second
    assert [follow(each)["statusCode"] for each in (first, second)] == [302, 302]
    assert use_of(world)["Opened"] == 2
    revoke_links(world.services, "linked")
    assert [follow(each)["statusCode"] for each in (first, second)] == [404, 404]


def test_attempts_that_ses_puts_off_leave_no_links_behind(
    world: World, ses: Ses, follow: Open
) -> None:
    ses.fates = ["TooManyRequestsException", "TooManyRequestsException"]
    send(world, linked())
    for _ in range(2):
        world.clock.time += 61
        sweep(world.services, world.clock.now() + 60)
        deliver_all(world)
    (record,) = mails_of(world, "linked")
    assert (record.attempt, len(record.link_ids)) == (3, 1)
    assert follow(token_in(ses.sent[0]))["statusCode"] == 302


def test_what_is_resent_by_hand_after_a_revocation_has_links_again(
    world: World, ses: Ses, follow: Open
) -> None:
    ses.fates = ["SendingPausedException"]
    send(world, linked())
    revoke_links(world.services, "linked")
    assert call_api(world.services, "POST", "/exports/linked/resend").status == 202
    deliver_all(world)
    assert follow(token_in(ses.sent[0]))["statusCode"] == 302


class Killed(BaseException):
    """The function dies here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("part", "method"),
    [("outbox", "begin"), ("mail", "send"), ("outbox", "change"), ("events", "announce_sent")],
)
def test_the_links_of_every_mail_that_went_open_whoever_died(
    world: World, ses: Ses, follow: Open, part: str, method: str, after: bool
) -> None:
    world.send(linked())
    world.driver.run()
    (record,) = mails_of(world, "linked")
    adapter = getattr(world.services, part)
    with pytest.raises(Killed):
        dying(adapter, method, after, lambda: deliver(world.services, record.delivery_id))
    deliver(world.services, record.delivery_id)
    assert [follow(token_in(each))["statusCode"] for each in ses.sent] == [302] * len(ses.sent)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "method"), [("outbox", "forbid_links"), ("links", "revoke")])
def test_a_revocation_that_died_is_completed_by_its_repetition(
    world: World, ses: Ses, follow: Open, part: str, method: str, after: bool
) -> None:
    send(world, linked(TO, "ben@example.com"))
    adapter = getattr(world.services, part)
    with pytest.raises(Killed):
        dying(adapter, method, after, lambda: revoke_links(world.services, "linked"))
    revoke_links(world.services, "linked")
    assert [follow(token_in(each))["statusCode"] for each in ses.sent] == [404, 404]


def dying(adapter: Any, method: str, after: bool, act: Callable[[], Any]) -> None:
    """Die at the first call of an adapter's method, before or after it took effect."""
    real = getattr(adapter, method)

    def die(*arguments: Any, **more: Any) -> None:
        adapter.__dict__.pop(method)
        if after:
            real(*arguments, **more)
        raise Killed

    adapter.__dict__[method] = die
    act()


def test_a_revocation_that_comes_while_a_mail_is_begun_leaves_no_open_link(
    world: World, ses: Ses, follow: Open
) -> None:
    """The function has read the record; then the links are revoked; then it says SENDING."""
    world.send(linked())
    world.driver.run()
    (record,) = mails_of(world, "linked")
    outbox = world.services.outbox
    real = outbox.begin

    def revoked_before(*arguments: Any) -> None:
        outbox.__dict__.pop("begin")
        revoke_links(world.services, "linked")
        real(*arguments)

    outbox.__dict__["begin"] = revoked_before
    deliver(world.services, record.delivery_id)
    assert ses.sent == [] and mails_of(world, "linked")[0].status is DeliveryStatus.PENDING
    deliver(world.services, record.delivery_id)
    assert mails_of(world, "linked")[0].status is DeliveryStatus.CANCELLED


def test_an_older_record_of_a_mail_has_no_links(world: World, ses: Ses) -> None:
    send(world, linked())
    world.session.client("dynamodb").update_item(
        TableName=world.settings.table_name,
        Key={
            "pk": {"S": "EXPORT#linked"},
            "sk": {"S": f"MAIL#{mails_of(world, 'linked')[0].delivery_id}"},
        },
        UpdateExpression="REMOVE link_ids, links_revoked_at",
    )
    (record,) = mails_of(world, "linked")
    assert (record.link_ids, record.links_revoked_at) == ((), None)
    assert use_of(world) is None


def test_without_links_nothing_of_them_is_written(
    aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer
) -> None:
    world = World(aws, quicksight_server, shared_clock, mail=MAIL)
    ses = install_ses(world)
    send(world, linked())
    assert str(world.export("linked").files[0].uri) in ses.sent[0].text
    assert "LINK#" not in table_of(world) and "link_ids" not in table_of(world)
    assert call_api(world.services, "DELETE", "/exports/linked/links").status == 409
