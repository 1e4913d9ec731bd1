"""The mailbox as pages: a list, and a page for each message; pure.

What a message brings is somebody's data: text is escaped, an HTML body is in a frame of its own
that runs no script, loads nothing and knows no origin. The same pages are served by the account
(`/_mail/`) and written beside a run's other results.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from local.mail.mailbox import Mail, Mailbox

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY + "; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAX_LISTED = 500
_STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --raised: #fff; --ink: #1d2329; --soft: #57606a;
  --rule: #dcd9d1; --link: #0b5b8c; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --raised: #1c2227; --ink: #e8e6e1;
  --soft: #a3abb3; --rule: #343c43; --link: #7cc0ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 74rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
a { color: var(--link); }
.note { color: var(--soft); }
table { width: 100%; margin-top: 1.5rem; border-collapse: collapse; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--rule); text-align: left;
  vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; }
dt { color: var(--soft); } dd { margin: 0; }
pre, iframe { width: 100%; padding: 1rem; border: 1px solid var(--rule); border-radius: .5rem; }
pre { background: var(--raised); white-space: pre-wrap; font: inherit; margin: 0; }
iframe { height: 24rem; background: #fff; padding: 0; }
"""


def render_index(mails: Sequence[Mail], *, suffix: str = "/") -> str:
    """The list, newest first; `suffix` ends the address of a message's page."""
    rows = "".join(_row(mail, suffix) for mail in reversed(mails[-MAX_LISTED:]))
    count = f"{len(mails):,} message{'' if len(mails) == 1 else 's'}"
    if len(mails) > MAX_LISTED:
        count += f", of which the newest {MAX_LISTED} are listed"
    table = (
        "<table><thead><tr><th>to</th><th>subject</th><th>files</th><th>sent</th>"
        f"<th>became</th></tr></thead><tbody>{rows}</tbody></table>"
        if mails
        else '<p class="note">Nothing was sent yet.</p>'
    )
    note = "What the embedded account's SES accepted. Nothing leaves this machine."
    body = f'<h1>Mailbox</h1><p class="note">{count}. {note}</p>{table}'
    return _document("Mailbox", body)


def render_mail(
    mail: Mail, *, index: str = "./", source: str = "message.eml", files: Sequence[str] = ()
) -> str:
    """A message; `files` are the addresses of its attachments, where they are not the account's."""
    facts = [
        ("from", mail.sender),
        ("to", ", ".join(mail.recipients)),
        ("sent", _time(mail.accepted_at)),
        ("became", _outcomes(mail)),
        ("tags", ", ".join(f"{name}={value}" for name, value in mail.tags.items())),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    parts = [
        f'<p><a href="{index}">all messages</a></p><h1>{escape(mail.subject) or "(none)"}</h1>'
    ]
    parts.append(f"<dl>{listed}</dl>")
    if attachments := mail.attachments:
        where = files or [
            f"{number}/{quote(each.name, safe='')}" for number, each in enumerate(attachments)
        ]
        links = "".join(
            f'<li><a href="{escape(address)}" download>{escape(each.name)}</a> '
            f'<span class="note">{escape(each.media_type)}, {len(each.content):,} bytes</span></li>'
            for each, address in zip(attachments, where, strict=True)
        )
        parts.append(f"<h2>Files</h2><ul>{links}</ul>")
    if mail.html:
        framed = escape('<base target="_blank">' + mail.html)
        parts.append(
            '<h2>HTML</h2><iframe sandbox="allow-popups allow-popups-to-escape-sandbox" '
            f'referrerpolicy="no-referrer" title="the HTML body" srcdoc="{framed}"></iframe>'
        )
    if mail.text:
        parts.append(f"<h2>Text</h2><pre>{escape(mail.text)}</pre>")
    parts.append(f'<p><a href="{source}" download>the message as it was sent</a></p>')
    return _document(mail.subject or "(none)", "".join(parts))


def write_pages(mailbox: Mailbox, folder: Path) -> Path:
    """Write the pages to a folder of their own, replacing it; the address of the list."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mails = mailbox.read()
    for mail in mails[-MAX_LISTED:]:
        own = folder / mail.message_id
        own.mkdir()
        addresses = []
        for number, attachment in enumerate(mail.attachments):
            place = own / str(number)
            place.mkdir()
            (place / _disk_name(attachment.name)).write_bytes(attachment.content)
            addresses.append(f"{number}/{quote(_disk_name(attachment.name))}")
        (own / "message.eml").write_bytes(mail.file.read_bytes())
        page = render_mail(mail, index="../index.html", files=addresses)
        (own / "index.html").write_text(page, encoding="utf-8")
    index = folder / "index.html"
    index.write_text(render_index(mails, suffix="/index.html"), encoding="utf-8")
    return index


def _row(mail: Mail, suffix: str) -> str:
    names = ", ".join(each.name for each in mail.attachments)
    return (
        f"<tr><td>{escape(', '.join(mail.recipients))}</td>"
        f'<td><a href="{mail.message_id}{suffix}">{escape(mail.subject) or "(none)"}</a></td>'
        f"<td>{escape(names)}</td><td>{_time(mail.accepted_at)}</td>"
        f"<td>{escape(_outcomes(mail))}</td></tr>"
    )


def _outcomes(mail: Mail) -> str:
    return ", ".join(_once(outcome.value for outcome in mail.outcomes.values()))


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _disk_name(name: str) -> str:
    """A name without folders that every file system takes."""
    kept = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name)
    return kept.strip(". ")[-120:] or "file"


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )
