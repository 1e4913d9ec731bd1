"""The page's server: HTTP on loopback, for one person and one browser.

What it keeps out: other machines (it listens on 127.0.0.1), pages of other origins (`Origin` and
`Sec-Fetch-Site` are looked at, and no CORS header is ever sent), names that were made to point here
(`Host` must be the address itself, against DNS rebinding), other programs and people on this
machine (each reading and change needs the session's key), scripts that got into the page (its
policy lets none but its own file run, and lets it connect to nobody else).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from snapshots.api import Api
from snapshots.errors import CliError, ExitCode
from snapshots.open.actions import parse_action, perform
from snapshots.open.reading import Reader
from snapshots.open.session import Session

HOST = "127.0.0.1"
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAX_BODY = 10_000
_STATUSES = {
    ExitCode.USAGE: HTTPStatus.BAD_REQUEST,
    ExitCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ExitCode.CONFLICT: HTTPStatus.CONFLICT,
}


class RefusedError(Exception):
    """A request that is not served, with its status and why."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class PageServer(ThreadingHTTPServer):
    """Serves the page of one deployment. `port` 0 takes a free one."""

    daemon_threads = True

    def __init__(
        self,
        api: Api,
        *,
        title: str,
        target: str | None = None,
        port: int = 0,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__((HOST, port), _Handler)
        self.api = api
        self.session = Session()
        self.warn = warn
        self.reader = Reader(api, title, target)
        self._readers = {target: self.reader}

    @property
    def address(self) -> str:
        """Where the page is, with the ticket that opens it once."""
        return f"http://{HOST}:{self.server_port}/#{self.session.ticket}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a `Host` header may say."""
        return (f"{HOST}:{self.server_port}", f"localhost:{self.server_port}")

    def reader_of(self, target: str | None) -> Reader:
        """The reader of a target. Raises RefusedError for one that the deployment has not."""
        if target is None or target == self.reader.target:
            return self.reader
        if target not in self.reader.targets:
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such target.")
        made = Reader(self.api, self.reader.title, target)
        return self._readers.setdefault(target, made)

    def forget(self) -> None:
        """Read everything anew, after a change."""
        for reader in [*self._readers.values()]:
            reader.forget()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A tab that was closed in the middle of an answer is no error to be shown."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 30

    def do_GET(self) -> None:
        self._serve(self._get)

    def do_POST(self) -> None:
        self._serve(self._post)

    def version_string(self) -> str:
        """The `Server` header names no version of Python."""
        return "snapshots"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: the terminal is for what matters."""

    def _serve(self, answer: Callable[[], None]) -> None:
        try:
            self._check_source()
            answer()
        except RefusedError as error:
            self._send_error(error.status, error.status.name, error.message)
        except CliError as error:
            status = _STATUSES.get(error.exit_code, HTTPStatus.BAD_GATEWAY)
            self._send_error(status, error.code, "; ".join(error.lines()))
        except OSError:
            raise
        except Exception as error:
            kind = type(error).__name__
            self.server.warn(f"the page could not be served: {kind}")
            message = f"{kind}: a fault of the command line's own."
            self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message)

    def _get(self) -> None:
        url = urlsplit(self.path)
        if found := FILES.get(url.path):
            name, kind = found
            return self._send(HTTPStatus.OK, _file(name), {"Content-Type": kind})
        if url.path != "/status":
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such path.")
        self._check_key()
        target = parse_qs(url.query).get("Target", [None])[0]
        reading = self.server.reader_of(target).read()
        tag = f'"{reading.version}"'
        if self.headers.get("If-None-Match") == tag:
            return self._send(HTTPStatus.NOT_MODIFIED, b"", {"ETag": tag})
        return self._send(
            HTTPStatus.OK, reading.body, {"Content-Type": "application/json", "ETag": tag}
        )

    def _post(self) -> None:
        if not self.headers.get("Origin"):
            raise RefusedError(HTTPStatus.FORBIDDEN, "A request that changes must have an Origin.")
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON.")
        if self.path == "/session":
            return self._send_json({"Key": self._exchange(self._read_body())})
        if self.path != "/actions":
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such path.")
        self._check_key()
        action = parse_action(self._read_body())
        try:
            message = perform(self.server.api, action)
        finally:
            self.server.forget()
        return self._send_json({"Message": message})

    def _check_source(self) -> None:
        """Raises RefusedError unless the request comes from our page, or from its address."""
        host = self.headers.get("Host", "")
        if host not in self.server.hosts:
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "This is not the address of a page.")
        if self.headers.get("Origin") not in (None, f"http://{host}"):
            raise RefusedError(HTTPStatus.FORBIDDEN, "Another origin is not served.")
        if self.headers.get("Sec-Fetch-Site") not in (None, "none", "same-origin"):
            is_file = self.command == "GET" and self.path == "/"
            is_link = self.headers.get("Sec-Fetch-Mode") == "navigate"
            if not (is_file and is_link):
                raise RefusedError(HTTPStatus.FORBIDDEN, "Another site is not served.")

    def _check_key(self) -> None:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not self.server.session.is_key(key):
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED,
                "This tab was not opened by `snapshots open`, or it has been started anew since.",
            )

    def _exchange(self, body: bytes) -> str:
        try:
            ticket = json.loads(body)["Ticket"]
        except (ValueError, TypeError, LookupError):
            ticket = None
        key = self.server.session.exchange(ticket) if isinstance(ticket, str) else None
        if key is None:
            self.server.warn("an attempt to open the page was refused: its address works once")
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "This address has been used, or is not right: it opens the page once.",
            )
        return key

    def _read_body(self) -> bytes:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "The body's length is needed.") from None
        if not 0 <= length <= MAX_BODY:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too long.")
        return self.rfile.read(length)

    def _send_json(self, value: Any) -> None:
        self._send(HTTPStatus.OK, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send_error(self, status: HTTPStatus, code: str, message: str) -> None:
        body = json.dumps({"Code": code, "Message": message}).encode()
        self._send(status, body, {"Content-Type": "application/json"})

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (HEADERS | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@cache
def _file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()
