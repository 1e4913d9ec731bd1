"""Files delivered by e-mail on the stack: to whom, whose rows, and what SES says of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import pytest

from local.deployed import Deployed
from local.mail import Mail
from tests.e2e.test_pages import wait_for
from tests.support.bursts import recipient, template
from tests.support.deployed_api import call_api
from tests.support.links import download, follow, links_of
from tests.support.messages import message
from tests.support.rows import customers_in

EMAIL = {
    "Subject": "Your report of {date}",
    "Body": {"Text": "Attached is your report.", "Html": "<p>Attached is your report.</p>"},
}


@pytest.fixture
def certain(deployed: Deployed) -> Iterator[Deployed]:
    """Events of SES's come twice each, in any order, and none is lost."""
    deployed.change_mail("settings", events_lost=0, events_doubled=1, event_median=0.1)
    yield deployed
    deployed.change_mail("settings", events_lost=0.01, events_doubled=0.01, event_median=0.7)


def mailed(export_id: str, address: str, **more: Any) -> dict[str, Any]:
    return message(export_id, Delivery={"Email": EMAIL | {"To": [address]}}, **more)


def mails_of(deployed: Deployed, export_id: str) -> list[Mail]:
    return [
        mail
        for mail in deployed.mailbox.read()
        if mail.tags.get("DeliveryId", "").startswith(f"{export_id}-")
    ]


def wait_for_status(deployed: Deployed, export_id: str, status: str) -> dict[str, Any]:
    """The export's one delivery, once it is so."""
    deployed.wait_for_export(export_id, 180)

    def find() -> Any:
        (delivery,) = call_api(deployed, "GET", f"/exports/{export_id}")["Deliveries"]
        return delivery if delivery["Status"] == status else None

    found: dict[str, Any] = wait_for(find, 120)
    return found


def test_each_recipient_of_a_burst_gets_a_mail_with_its_own_rows(certain: Deployed) -> None:
    people = {41: "ada@example.com", 42: "bo@example.com", 43: "cy@example.com"}
    recipients = [recipient(number, Email=address) for number, address in people.items()]
    body = template(Name="{recipient}/report", Delivery={"Email": EMAIL})
    certain.send({"Burst": {"BurstId": "posted", "Template": body, "Recipients": recipients}})
    certain.send(mailed("packed", "zoe@example.com", customer="cust-0046", Zip=True))
    for line, (number, address) in enumerate(people.items(), 1):
        delivery = wait_for_status(certain, f"posted-{line}", "DELIVERED")
        assert (delivery["Attempt"], delivery["Attached"]) == (1, True)
        assert delivery["To"] != address and delivery["To"].endswith("@example.com")
        (mail,) = mails_of(certain, f"posted-{line}")
        (file,) = mail.attachments
        assert (mail.recipients, mail.reached) == ((address,), [address])
        assert mail.message["To"] == address and mail.message["From"].endswith("@example.org")
        assert customers_in(file.content, "PDF") == {f"cust-{number:04}"}
        assert mail.message.defects == []
    wait_for_status(certain, "packed", "DELIVERED")
    (mail,) = mails_of(certain, "packed")
    (file,) = mail.attachments
    with ZipFile(io.BytesIO(file.content)) as archive:
        (name,) = archive.namelist()
        assert customers_in(archive.read(name), "PDF") == {"cust-0046"}


def test_links_open_the_recipients_own_rows_until_they_are_revoked(certain: Deployed) -> None:
    people = {44: "di@example.com", 45: "ed@example.com"}
    recipients = [recipient(number, Email=address) for number, address in people.items()]
    body = template(Name="{recipient}/report", Delivery={"Email": EMAIL | {"Attach": "NEVER"}})
    certain.send({"Burst": {"BurstId": "lent", "Template": body, "Recipients": recipients}})
    unknown = follow(certain, f"{certain.outputs['LinksUrl']}/files/{'x' * 43}")
    assert unknown.status == 404
    for line, number in enumerate(people, 1):
        assert wait_for_status(certain, f"lent-{line}", "DELIVERED")["Attached"] is False
        (mail,) = mails_of(certain, f"lent-{line}")
        (link,) = links_of(certain, mail)
        assert follow(certain, link, "HEAD").status == 302
        opened = follow(certain, link)
        assert (opened.status, opened.headers["Cache-Control"]) == (302, "no-store")
        assert opened.headers["Referrer-Policy"] == "no-referrer"
        assert customers_in(download(opened.headers["Location"]), "PDF") == {f"cust-{number:04}"}
        (delivery,) = call_api(certain, "GET", f"/exports/lent-{line}")["Deliveries"]
        assert (delivery["Links"]["Opened"], delivery["Links"]["RevokedAt"]) == (1, None)
        (delivery,) = call_api(certain, "DELETE", f"/exports/lent-{line}/links")["Deliveries"]
        assert delivery["Links"]["RevokedAt"]
        assert follow(certain, link).refusal == unknown.refusal
        assert follow(certain, f"{link}x").refusal == unknown.refusal


@pytest.mark.nightly
def test_an_address_that_bounces_is_reported_and_then_suppressed(certain: Deployed) -> None:
    address = "gone@example.com"
    certain.change_mail("outcomes", **{address: "bounced"})
    for number, word in enumerate(("General", "OnAccountSuppressionList"), 1):
        certain.send(mailed(f"bounced-{number}", address))
        delivery = wait_for_status(certain, f"bounced-{number}", "BOUNCED")
        assert delivery["Error"]["Code"] == "BOUNCED"
        assert word in str(delivery["Error"])
    (mail,) = mails_of(certain, "bounced-2")
    assert mail.reached == []


@pytest.mark.nightly
def test_a_rate_that_is_used_up_delays_mails_and_loses_none(certain: Deployed) -> None:
    certain.change_mail("settings", max_send_rate=0.5)
    try:
        certain.send(*(mailed(f"slow-{number}", f"s{number}@example.com") for number in (1, 2, 3)))
        for number in (1, 2, 3):
            wait_for_status(certain, f"slow-{number}", "DELIVERED")
            assert len(mails_of(certain, f"slow-{number}")) == 1
    finally:
        certain.change_mail("settings", max_send_rate=14)


def test_an_address_outside_the_deployments_domains_is_refused(certain: Deployed) -> None:
    certain.send(mailed("abroad", "eve@elsewhere.example"))
    assert certain.wait_for_export("abroad")["status"] == "REJECTED"
    assert mails_of(certain, "abroad") == []
