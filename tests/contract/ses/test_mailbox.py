"""The mailbox as pages, whatever somebody's message has in it."""

from __future__ import annotations

import json
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from local.mail import Mailbox
from local.mail.admin import answer_admin
from local.mail.page import write_pages
from tests.contract.ses.conftest import RECIPIENT, SENDER, Ses, simple

HOST = {"host": "127.0.0.1:4599"}
JSON = HOST | {"content-type": "application/json"}
EVIL = '"><script>alert(1)</script>'


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def ask(ses: Ses, path: str, *, method: str = "GET", body: Any = None, **headers: str) -> Any:
    sent = b"" if body is None else json.dumps(body).encode()
    given = (JSON if method == "POST" else HOST) | headers
    return answer_admin(ses.mail.service, ses.mail.caller, method, path, given, sent)


def get(ses: Ses, path: str) -> str:
    status, headers, body = ask(ses, path)
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    text: str = body.decode()
    return text


def send_evil(ses: Ses) -> str:
    made = EmailMessage()
    made["From"] = f'"{EVIL.replace(chr(34), "")}" <{SENDER}>'
    made["To"] = RECIPIENT
    made["Subject"] = EVIL
    made.set_content(f"text {EVIL}")
    made.add_alternative(f"<p onclick='x()'>html</p>{EVIL}", subtype="html")
    made.add_attachment(b"files", maintype="text", subtype="html",
                        filename="../../ü<b>.html")  # fmt: skip
    return ses.send(Content={"Raw": {"Data": bytes(made)}})


def test_the_list_shows_to_whom_what_went_the_newest_first(ses: Ses) -> None:
    assert "Nothing was sent yet" in get(ses, "/_mail/")
    first = ses.send()
    attachment = {"RawContent": b"1", "FileName": "June.pdf"}
    ses.send("bounce@simulator.amazonses.com", Content=simple(Attachments=[attachment]))
    page = get(ses, "/_mail/")
    links = [each["href"] for each in Tags(page).all("a")]
    assert (len(links), links[-1]) == (2, f"{first}/")
    for part in ("2 messages", RECIPIENT, "Your report", "June.pdf", "bounced", "2027-01-15 08:00"):
        assert part in page


def test_of_many_messages_the_newest_are_listed(
    ses: Ses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("local.mail.page.MAX_LISTED", 2)
    ids = [ses.send() for _ in range(3)]
    page = get(ses, "/_mail/")
    assert "3 messages, of which the newest 2 are listed" in page
    assert [each["href"] for each in Tags(page).all("a")] == [f"{ids[2]}/", f"{ids[1]}/"]
    index = write_pages(ses.mail.mailbox, tmp_path / "pages")
    assert {path.name for path in index.parent.iterdir()} == {"index.html", *ids[1:]}


def test_a_message_is_shown_escaped_and_its_html_in_a_frame_that_may_nothing(ses: Ses) -> None:
    message_id = send_evil(ses)
    page = get(ses, f"/_mail/{message_id}/")
    for text in (page, get(ses, "/_mail/")):
        tags = Tags(text)
        assert tags.all("script") == []
        assert not [name for _, attributes in tags.found for name in attributes
                    if name.startswith("on")]  # fmt: skip
    (frame,) = Tags(page).all("iframe")
    assert set(str(frame["sandbox"]).split()) == {
        "allow-popups", "allow-popups-to-escape-sandbox"
    }  # fmt: skip
    assert "<p onclick='x()'>html</p>" in unescape(str(frame["srcdoc"]))
    assert "text &quot;&gt;&lt;script&gt;" in page


def test_a_file_is_saved_under_a_harmless_name_and_never_shown(ses: Ses) -> None:
    message_id = send_evil(ses)
    (link,) = (each["href"] for each in Tags(get(ses, f"/_mail/{message_id}/")).all("a")
               if "0/" in str(each["href"]))  # fmt: skip
    status, headers, body = ask(ses, f"/_mail/{message_id}/{link}")
    assert (status, body) == (200, b"files")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename=".._.._ü_b_.html"'.replace(
        "ü", "_"
    )
    source = ask(ses, f"/_mail/{message_id}/message.eml")
    assert source[2] == ses.mail.mailbox.read()[0].file.read_bytes()


@pytest.mark.parametrize("path", ["nobody/", "../folder", "{id}/7", "{id}/x"])
def test_what_is_not_there_is_not_found(ses: Ses, path: str) -> None:
    message_id = ses.send()
    assert ask(ses, "/_mail/" + path.format(id=message_id))[0] == 404


def test_other_names_and_other_pages_get_nothing(ses: Ses) -> None:
    assert ask(ses, "/_mail/", host="evil.example:4599")[0] == 403
    assert ask(ses, "/_mail/", host="")[0] == 403
    change = {"max_send_rate": 1}
    path = "/_mail/settings"
    plain = {"content-type": "text/plain"}
    assert ask(ses, path, method="POST", body=change, **plain)[0] == 400
    assert ask(ses, path, method="POST", body=change, origin="https://evil.example")[0] == 403
    assert ses.client.get_account()["SendQuota"]["MaxSendRate"] == 1000
    own = {"origin": f"http://{HOST['host']}"}
    assert ask(ses, path, method="POST", body=change, **own)[0] == 200
    assert ses.client.get_account()["SendQuota"]["MaxSendRate"] == 1


def test_a_test_changes_the_account_and_mistakes_are_reported(ses: Ses) -> None:
    verified = {"EmailIdentity": "stranger.example"}
    assert ask(ses, "/_mail/verify", method="POST", body=verified)[0] == 200
    assert ask(ses, "/_mail/outcomes", method="POST", body={RECIPIENT: "bounced"})[0] == 200
    ses.send(FromEmailAddress="me@stranger.example")
    assert ses.kinds() == ["Send", "Bounce"]
    for name, body in (
        ("settings", {"no_such": 1}), ("outcomes", {"a@b.example": "lost"}), ("verify", {}),
        ("other", {}),
    ):  # fmt: skip
        assert ask(ses, f"/_mail/{name}", method="POST", body=body)[0] == 400


def test_the_pages_are_written_beside_a_runs_results(ses: Ses, tmp_path: Path) -> None:
    message_id = send_evil(ses)
    index = write_pages(ses.mail.mailbox, tmp_path / "pages")
    (link,) = (str(each["href"]) for each in Tags(index.read_text()).all("a"))
    page = index.parent / link
    links = [str(each["href"]) for each in Tags(page.read_text()).all("a")]
    for each in links:
        assert (page.parent / each.replace("%20", " ")).resolve().is_relative_to(index.parent)
    assert sorted(path.name for path in page.parent.rglob("*") if path.is_file()) == sorted(
        [".._.._ü_b_.html".strip(". "), "index.html", "message.eml"]
    )
    assert (page.parent / "message.eml").read_bytes() == ses.mail.mailbox.find(
        message_id
    ).file.read_bytes()  # type: ignore[union-attr]


def test_a_reader_sees_whole_messages_in_their_order_and_a_writer_goes_on(ses: Ses) -> None:
    ids = [ses.send() for _ in range(3)]
    again = Mailbox(ses.mail.folder)
    (ses.mail.folder / "0000009-half.eml").write_bytes(b"From: ")
    assert [mail.message_id for mail in again.read()] == ids
    assert (again.count(), again.find(ids[1]) is not None, again.find("half")) == (3, True, None)
    mail = again.read()[0]
    again.keep(
        b"From: a@b.example\r\n\r\nx",
        message_id="new",
        accepted_at=0.0,
        sender=mail.sender,
        recipients=mail.recipients,
        tags={},
        configuration_set=None,
        outcomes={},
    )
    assert [mail.message_id for mail in again.read()] == [*ids, "new"]
