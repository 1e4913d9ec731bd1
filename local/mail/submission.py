"""A message as it is handed to SendEmail: its bytes, its envelope, its tags; or why it is refused.

Sources: botocore's model (EmailContent, RawMessage, MessageTag); SES Developer Guide, "Service
quotas", "Unsupported attachment types", "Specifying a configuration set / message tags".
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import getaddresses
from functools import cached_property
from pathlib import PurePath
from typing import Any

from local.mail.addresses import check_address
from local.mail.errors import MailError, bad_request

MAX_BYTES = 40 * 1024 * 1024
"""Of the whole message, after base64."""
MAX_RECIPIENTS = 50
_MAX_LINE = 998
_MAX_TAGS = 50
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_REFUSED_SUFFIXES = frozenset(
    {".bat", ".cmd", ".com", ".exe", ".js", ".lnk", ".msi", ".ps1", ".reg", ".scr", ".vbs"}
)
"""The best known of a long list."""
_EICAR = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"
_OWN = re.compile(rb"x-ses-[a-z-]+|bcc", re.IGNORECASE)
"""Headers that are for SES only, and are taken out of what is delivered."""
_REPLACED = (b"message-id", b"date")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What was asked to be sent, `size` bytes; `fields` and `body` are its two halves."""

    fields: tuple[bytes, ...]
    body: bytes
    size: int
    sender: str
    recipients: tuple[str, ...]
    configuration_set: str | None
    tags: Mapping[str, str]

    @cached_property
    def parsed(self) -> EmailMessage:
        """Read by the standard library, as it was submitted."""
        whole = b"".join(self.fields) + b"\r\n" + self.body
        return message_from_bytes(whole, policy=policy.default)

    @cached_property
    def has_virus(self) -> bool:
        """Whether the test file of antivirus software is in it."""
        contents = (part.get_payload(decode=True) for part in self.parsed.walk())
        return any(isinstance(each, bytes) and _EICAR in each for each in contents)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, unfolded, in their order."""
        return [(name, str(value)) for name, value in self.parsed.items()]

    def delivered(self, message_id: str, date: str) -> bytes:
        """The message as a recipient gets it, with SES's own Message-ID and Date."""
        kept = [
            field
            for field in self.fields
            if not _OWN.fullmatch(_name(field)) and _name(field).lower() not in _REPLACED
        ]
        own = f"Message-ID: <{message_id}>\r\nDate: {date}\r\n".encode()
        return b"".join(kept) + own + b"\r\n" + self.body


def read_submission(request: Mapping[str, Any]) -> Submission:
    """The message of a SendEmail request; MailError says what of it SES refuses."""
    content = request["Content"]
    kinds = [name for name in ("Simple", "Raw", "Template") if content.get(name)]
    if len(kinds) != 1:
        raise bad_request("Content must have exactly one of Simple, Raw and Template")
    if kinds == ["Template"]:
        raise bad_request("the embedded account sends Simple and Raw messages, no templates")
    destination = request.get("Destination") or {}
    raw = _build(request, content["Simple"]) if content.get("Simple") else _decode(content["Raw"])
    fields, body = _split(raw)
    headers = _headers(fields)
    listed = [
        *destination.get("ToAddresses", ()),
        *destination.get("CcAddresses", ()),
        *destination.get("BccAddresses", ()),
    ]
    if not listed:
        values = (headers.get(name, "") for name in ("to", "cc", "bcc"))
        listed = [address for _, address in getaddresses(list(values)) if address]
    sender = request.get("FromEmailAddress") or headers.get("from", "")
    tags = request.get("EmailTags") or _tags_of_header(headers.get("x-ses-message-tags", ""))
    submission = Submission(
        fields=fields,
        body=body,
        size=len(raw),
        sender=sender,
        recipients=tuple(check_address(each) for each in listed),
        configuration_set=request.get("ConfigurationSetName")
        or headers.get("x-ses-configuration-set"),
        tags={tag["Name"]: tag["Value"] for tag in tags},
    )
    _check(submission, headers, tags)
    return submission


def _check(
    submission: Submission, headers: Mapping[str, str], tags: Sequence[Mapping[str, str]]
) -> None:
    if not submission.recipients:
        raise bad_request("Must contain at least one recipient.")
    if len(submission.recipients) > MAX_RECIPIENTS:
        raise bad_request(f"Recipient count exceeds {MAX_RECIPIENTS}.")
    if not headers.get("from"):
        raise bad_request("Missing required header 'From'.")
    check_address(submission.sender)
    if len(tags) > _MAX_TAGS or len({tag["Name"] for tag in tags}) < len(tags):
        raise bad_request(f"Message tags must have names of their own, at most {_MAX_TAGS}.")
    for text in (text for tag in tags for text in (tag["Name"], tag["Value"])):
        if not _TAG.fullmatch(text):
            raise bad_request(
                f"Invalid tag <{text}>: only alphanumeric ASCII characters, '_', and '-' are "
                "allowed, at most 256."
            )
    if submission.size > MAX_BYTES:  # [? mail-size]
        raise bad_request(
            f"Message length is more than {MAX_BYTES} bytes long: '{submission.size}'."
        )
    if any(len(line) > _MAX_LINE for line in submission.body.splitlines()):
        raise bad_request(f"A line of the message is longer than {_MAX_LINE + 2} characters.")
    for part in submission.parsed.walk():
        name = part.get_filename() or ""
        if PurePath(name).suffix.lower() in _REFUSED_SUFFIXES:
            raise MailError("MessageRejected", f"Illegal filename '{name}'.")


def _build(request: Mapping[str, Any], simple: Mapping[str, Any]) -> bytes:
    """The MIME message that SES makes of a Simple one."""
    destination = request.get("Destination") or {}
    message = EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = request.get("FromEmailAddress", "")
        for header, given in (
            ("To", destination.get("ToAddresses")),
            ("Cc", destination.get("CcAddresses")),
            ("Reply-To", request.get("ReplyToAddresses")),
        ):
            if given:
                message[header] = ", ".join(given)
        message["Subject"] = simple["Subject"]["Data"]
        for each in simple.get("Headers") or ():
            message[each["Name"]] = each["Value"]
    except (HeaderParseError, ValueError, IndexError) as error:
        raise bad_request(f"A header is not valid: {error}") from None
    body = simple["Body"]
    if not body.get("Text") and not body.get("Html"):
        raise bad_request("Body must have Text or Html")
    if text := body.get("Text"):
        message.set_content(text["Data"], charset=text.get("Charset", "utf-8"))
    if html := body.get("Html"):
        add = message.add_alternative if text else message.set_content
        add(html["Data"], subtype="html", charset=html.get("Charset", "utf-8"))
    for attachment in simple.get("Attachments") or ():
        kind, _, sub = (attachment.get("ContentType") or "application/octet-stream").partition("/")
        message.add_attachment(
            _unbase64(attachment["RawContent"]),
            maintype=kind,
            subtype=sub,
            filename=attachment["FileName"],
            disposition=attachment.get("ContentDisposition", "ATTACHMENT").lower(),
        )
    return message.as_bytes()


def _decode(raw: Mapping[str, str]) -> bytes:
    return _unbase64(raw["Data"])


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise bad_request(f"not base64: {error}") from None


def _split(raw: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The header fields, each with its folded lines, and what follows the blank line."""
    found = re.search(rb"\r?\n\r?\n", raw)
    if found is None:
        raise bad_request("The message has no blank line between its headers and its body.")
    fields: list[bytes] = []
    for line in raw[: found.start()].splitlines():
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line + b"\r\n"
        elif b":" in line:
            fields.append(line + b"\r\n")
        else:
            raise bad_request("A line of the headers is none.")
    return tuple(fields), raw[found.end() :]


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip()


def _headers(fields: Sequence[bytes]) -> dict[str, str]:
    """Unfolded values by lower-case name. A header that may come once only must not come twice."""
    parsed = message_from_bytes(b"".join(fields) + b"\r\n", policy=policy.default)
    once = ("from", "to", "cc", "bcc", "subject", "reply-to", "date", "message-id", "sender")
    names = [name.lower() for name in parsed.keys()]  # noqa: SIM118 - a message, not a dict
    for name in once:
        if names.count(name) > 1:
            raise bad_request(f"Duplicate header '{name.title()}'.")
    return {name.lower(): str(value) for name, value in parsed.items()}


def _tags_of_header(value: str) -> list[dict[str, str]]:
    pairs = (each.partition("=") for each in value.split(",") if each.strip())
    return [{"Name": name.strip(), "Value": text.strip()} for name, _, text in pairs]
