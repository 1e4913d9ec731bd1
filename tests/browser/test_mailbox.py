"""The mailbox as a person has it: served by the account, and as files; hostile mails stay mails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.mail.admin import ADMIN, answer_admin
from local.mail.page import write_pages
from tests.browser.contrast import CONTRAST
from tests.contract.ses.conftest import RECIPIENT, SENDER, Ses
from tests.support.chromium import Page

EVIL = (
    "<h1>Report</h1><script>parent.intruded = 1; top.location = 'https://evil.example/'</script>"
    "<img src='https://evil.example/pixel' onerror='parent.intruded = 2'>"
    "<a id='link' href='https://example.com/r/token'>your file</a>"
    "<form action='https://evil.example/'><input name='x'></form>"
)


@pytest.fixture
def ses(tmp_path: Path) -> Ses:
    made = Ses(tmp_path / "mail")
    for number in range(3):
        message = EmailMessage()
        message["From"], message["To"] = SENDER, RECIPIENT
        message["Subject"] = f"Report {number} <img src=x onerror=alert(1)>"
        message.set_content(f"Text {number} </pre><script>alert(1)</script>")
        message.add_alternative(EVIL, subtype="html")
        message.add_attachment(b"%PDF-", maintype="application", subtype="pdf",
                               filename=f"invoices of June {number}.pdf")  # fmt: skip
        made.send(Content={"Raw": {"Data": bytes(message)}})
    return made


@pytest.fixture
def address(ses: Ses) -> Iterator[str]:
    """The page over HTTP, as the account serves it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = {"host": str(self.headers["Host"])}
            answer = answer_admin(ses.mail.service, ses.mail.caller, "GET", self.path, host, b"")
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{ADMIN}"
    server.shutdown()
    thread.join()
    server.server_close()


def assert_nothing_went_out(tab: Page) -> None:
    """What the HTML asked for was stopped by the page's policy; the browser reports that too."""
    asked = {each for each in tab.requests if "evil" in each}
    assert asked == {"https://evil.example/pixel"} == tab.stopped


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_the_list_leads_to_a_message_whose_html_is_shown_and_does_nothing(
    tab: Page, address: str, width: int, scheme: str
) -> None:
    tab.show_as(width=width, scheme=scheme)
    tab.open(address)
    assert tab.evaluate("document.querySelectorAll('tbody tr').length") == 3
    assert tab.evaluate("document.querySelector('h1').textContent") == "Mailbox"
    assert tab.evaluate(CONTRAST) == {} and tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    link = tab.evaluate("document.querySelector('tbody a').href")
    tab.open(link)
    assert tab.evaluate("document.title") == "Report 2 <img src=x onerror=alert(1)>"
    assert tab.evaluate("document.querySelector('pre').textContent").startswith("Text 2 </pre>")
    assert tab.evaluate("document.querySelectorAll('script, img').length") == 0
    assert tab.evaluate("document.querySelector('iframe').getBoundingClientRect().height") > 200
    assert tab.evaluate("document.querySelector('iframe').contentDocument") is None
    assert tab.evaluate("frames.length") == 1
    assert tab.evaluate("window.intruded") is None
    assert_nothing_went_out(tab)
    assert tab.evaluate("location.href") == link
    assert tab.evaluate(CONTRAST) == {}
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_a_file_comes_as_it_was_sent(tab: Page, address: str) -> None:
    tab.open(address)
    tab.open(tab.evaluate("document.querySelector('tbody a').href"))
    names = tab.evaluate("Array.from(document.querySelectorAll('li a'), a => a.textContent)")
    assert names == ["invoices of June 2.pdf"]
    fetched = "document.querySelector('li a').getAttribute('href')"
    assert tab.evaluate(fetched) == "0/invoices%20of%20June%202.pdf"


def test_as_files_the_pages_work_without_a_server(tab: Page, ses: Ses, tmp_path: Path) -> None:
    index = write_pages(ses.mail.mailbox, tmp_path / "pages")
    tab.open(index)
    link = tab.evaluate("document.querySelector('tbody a').href")
    tab.open(link)
    assert tab.evaluate("document.querySelector('iframe').getBoundingClientRect().height") > 200
    file = tab.evaluate("document.querySelector('li a').href")
    assert Path(file.removeprefix("file://").replace("%20", " ")).read_bytes() == b"%PDF-"
    assert_nothing_went_out(tab)
