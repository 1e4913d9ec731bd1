"""Who is served the live page, its readings and its changes, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from snapshots.open.server import FILES, HOST, MAX_BODY, PageServer
from tests.support.live_page import serving_page
from tests.support.live_states import single
from tests.unit.snapshots.stub import StubApi, new_export

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Visitor:
    """Sends what a test says, and what a browser adds unless a test says otherwise."""

    server: PageServer
    key: str = ""

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.server.server_port}"

    def ask(
        self, method: str, path: str, headers: Mapping[str, str | None] | None = None,
        body: Any = None,
    ) -> Answer:  # fmt: skip
        own: dict[str, str | None] = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        if method == "POST":
            own |= {"Origin": self.origin, "Content-Type": "application/json",
                    "Content-Length": str(len(data))}  # fmt: skip
        connection = http.client.HTTPConnection(HOST, self.server.server_port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True)
            own = {"Host": f"{HOST}:{self.server.server_port}"} | own | dict(headers or {})
            for name, value in own.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(data or None)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def enter(self) -> None:
        status, _, content = self.ask("POST", "/session", body={"Ticket": ticket_of(self.server)})
        assert status == 200
        self.key = json.loads(content)["Key"]

    def act(self, **action: Any) -> Answer:
        return self.ask("POST", "/actions", body={"Confirmed": True} | action)


def ticket_of(server: PageServer) -> str:
    return urlsplit(server.address).fragment


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def visitor(
    api: StubApi, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Visitor]:
    with serving_page(api, warn=warnings.append) as server:
        yield Visitor(server)


def changes(api: StubApi) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _, _ in api.calls if method != "GET"]


def test_it_listens_on_loopback_only(visitor: Visitor) -> None:
    assert visitor.server.server_address[0] == "127.0.0.1"
    assert urlsplit(visitor.server.address).hostname == "127.0.0.1"


def test_the_ticket_opens_the_page_once(visitor: Visitor, warnings: list[str]) -> None:
    assert visitor.ask("GET", "/status")[0] == 401
    visitor.enter()
    assert visitor.ask("GET", "/status")[0] == 200
    thief = Visitor(visitor.server)
    status, _, content = thief.ask("POST", "/session", body={"Ticket": ticket_of(visitor.server)})
    assert status == 403 and b"Key" not in content
    assert warnings == ["an attempt to open the page was refused: its address works once"]
    assert visitor.ask("GET", "/status")[0] == 200, "whoever was first stays"


@pytest.mark.parametrize(
    "body", [{"Ticket": "x" * 43}, {"Ticket": ""}, {"Ticket": None}, {"Ticket": "ü"}, {}, [], b"{"]
)
def test_a_wrong_ticket_gets_nothing_and_spoils_nothing(visitor: Visitor, body: Any) -> None:
    status, _, content = visitor.ask("POST", "/session", body=body or b"{}")
    assert status == 403 and b"Key" not in content
    visitor.enter()


@pytest.mark.parametrize("key", ["", "x", "Bearer", "ü", "{ticket}"])
def test_nothing_is_read_or_changed_without_the_key(
    visitor: Visitor, api: StubApi, key: str
) -> None:
    visitor.enter()
    wrong = {"Authorization": f"Bearer {key}".replace("{ticket}", ticket_of(visitor.server))}
    wrong["Authorization"] = wrong["Authorization"].encode().decode("latin-1")
    api.calls.clear()
    assert visitor.ask("GET", "/status", wrong)[0] == 401
    body = {"Action": "pause", "Minutes": 5, "Confirmed": True}
    assert visitor.ask("POST", "/actions", wrong, body)[0] == 401
    assert visitor.ask("GET", "/status", {"Authorization": f"Basic {visitor.key}"})[0] == 401
    assert api.calls == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1",
             "127.0.0.1.x:{port}", "[::1]:{port}", "", None]
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/page.js", "/status"])
def test_a_name_that_was_made_to_point_here_is_not_served(
    visitor: Visitor, path: str, host: str | None
) -> None:
    visitor.enter()
    said = host and host.replace("{port}", str(visitor.server.server_port))
    status, headers, content = visitor.ask("GET", path, {"Host": said})
    assert status == 421 and b"slots" not in content
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": None},
    ],
)
def test_no_other_origin_can_change_anything_even_with_the_key(
    visitor: Visitor, api: StubApi, headers: dict[str, str | None]
) -> None:
    visitor.enter()
    port = str(visitor.server.server_port)
    said = {name: value and value.replace("{port}", port) for name, value in headers.items()}
    body = {"Action": "pause", "Minutes": 5, "Confirmed": True}
    assert visitor.ask("POST", "/actions", said, body)[0] in (403, 415)
    assert changes(api) == []


def test_another_site_may_link_to_the_page_and_take_nothing_of_it(visitor: Visitor) -> None:
    site = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.ask("GET", "/", site | {"Sec-Fetch-Mode": "navigate"})[0] == 200
    for path, mode in (("/", "no-cors"), ("/page.js", "no-cors"), ("/status", "navigate")):
        assert visitor.ask("GET", path, site | {"Sec-Fetch-Mode": mode})[0] == 403


def test_every_answer_has_the_policy_and_no_leave_for_other_origins(visitor: Visitor) -> None:
    visitor.enter()
    asked = [visitor.ask("GET", path) for path in (*FILES, "/status", "/nothing")]
    asked += [visitor.ask("POST", "/actions", body={"Action": "x"}), visitor.ask("GET", "/?a=b")]
    for status, headers, _ in asked:
        assert status in (200, 400, 404)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "connect-src 'self'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert "Set-Cookie" not in headers and "Python" not in headers["Server"]
    assert visitor.ask("OPTIONS", "/actions", {"Origin": "http://evil.example"})[0] == 501
    for method in ("PUT", "DELETE", "HEAD", "TRACE"):
        assert visitor.ask(method, "/status")[0] == 501


@pytest.mark.parametrize(
    "body",
    [
        {"Action": "pause", "Minutes": 5},
        {"Action": "pause", "Minutes": 5, "Confirmed": False},
        {"Action": "pause", "Minutes": 5, "Confirmed": "yes"},
        {"Action": "pause", "Minutes": 5, "Confirmed": 1},
        {"Action": "pause", "Confirmed": True},
        {"Action": "pause", "Minutes": 0, "Confirmed": True},
        {"Action": "pause", "Minutes": 999_999, "Confirmed": True},
        {"Action": "cancelExport", "Confirmed": True},
        {"Action": "cancelBurst", "Id": "", "Confirmed": True},
        {"Action": "retryBurst", "Id": "november", "Confirmed": True},
        {"Action": "retryBurst", "Id": "november", "Revision": 1, "Confirmed": True},
        {"Action": "deleteEverything", "Confirmed": True},
        {"Action": "resume", "Confirmed": True, "Limit": 3},
        [],
        b"{",
        b"\xff",
    ],
)
def test_nothing_changes_without_a_whole_and_confirmed_action(
    visitor: Visitor, api: StubApi, body: Any
) -> None:
    visitor.enter()
    status, _, content = visitor.ask("POST", "/actions", body=body or b"[]")
    assert (status, json.loads(content)["Code"]) == (400, "USAGE")
    assert changes(api) == []


def test_what_is_confirmed_is_done(visitor: Visitor, api: StubApi) -> None:
    visitor.enter()
    api.exports["e/ 1"] = new_export("e/ 1", {"DashboardId": "sales"})
    api.bursts["november"] = {"BurstId": "november"}
    assert visitor.act(Action="cancelExport", Id="e/ 1")[0] == 200
    assert api.exports["e/ 1"]["Status"] == "CANCELLED"
    assert visitor.act(Action="cancelBurst", Id="november")[0] == 200
    assert api.bursts["november"]["Status"] == "CANCELLED"
    assert visitor.act(Action="pause", Minutes=5, Target="default")[0] == 200
    assert api.calls[-1][2] == {"Target": "default"} and api.capacity["PausedUntil"]
    assert visitor.act(Action="resume")[0] == 200
    assert api.capacity["PausedUntil"] is None
    assert len(changes(api)) == 4


def test_a_burst_runs_again_once_however_often_it_is_asked_for(
    visitor: Visitor, api: StubApi
) -> None:
    visitor.enter()
    ended = {"BurstId": "november", "Revision": 1, "Status": "FAILED", "Warnings": []}
    api.bursts["november"] = ended
    status, _, content = visitor.act(Action="retryBurst", Id="november", Revision=2)
    assert (status, json.loads(content)["Message"]) == (200, "What failed of november runs again.")
    assert (ended["Revision"], ended["Status"]) == (2, "RUNNING")
    visitor.act(Action="retryBurst", Id="november", Revision=2)
    sent = [body for _, path, _, body in api.calls if path.endswith("/retry")]
    assert sent == [{"Revision": 2}] * 2 and ended["Revision"] == 2


def test_a_burst_that_is_held_is_released(visitor: Visitor, api: StubApi) -> None:
    visitor.enter()
    api.bursts["november"] = {
        "BurstId": "november",
        "Revision": 1,
        "Status": "HELD",
        "Warnings": [],
    }
    api.stands_still = True
    status, _, content = visitor.act(Action="releaseBurst", Id="november")
    assert (status, json.loads(content)["Message"]) == (200, "november goes on.")
    assert any(path == "/bursts/november/release" for _, path, _, _ in api.calls)


def test_an_export_that_is_held_is_released(visitor: Visitor, api: StubApi) -> None:
    visitor.enter()
    api.exports["board"] = single("board", "HELD", "late")
    status, _, content = visitor.act(Action="releaseExport", Id="board")
    assert (status, json.loads(content)["Message"]) == (200, "board goes on.")
    assert api.exports["board"]["Status"] == "QUEUED"


def test_the_next_reading_after_a_change_knows_it(visitor: Visitor) -> None:
    visitor.enter()
    assert json.loads(visitor.ask("GET", "/status")[2])["Capacity"]["PausedUntil"] is None
    visitor.act(Action="pause", Minutes=5)
    assert json.loads(visitor.ask("GET", "/status")[2])["Capacity"]["PausedUntil"]


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [({"Action": "cancelExport", "Id": "gone"}, 404, "NOT_FOUND"),
     ({"Action": "cancelExport", "Id": "ended"}, 409, "ALREADY_ENDED")],
)  # fmt: skip
def test_a_refusal_of_the_api_is_handed_on(
    visitor: Visitor, api: StubApi, action: dict[str, Any], status: int, code: str
) -> None:
    visitor.enter()
    api.exports["ended"] = new_export("ended", {"DashboardId": "d"}) | {"Status": "COMPLETED"}
    found, _, content = visitor.act(**action)
    assert (found, json.loads(content)["Code"]) == (status, code)


def test_a_caller_who_may_not_steer_is_told(visitor: Visitor, api: StubApi) -> None:
    visitor.enter()
    api.faults.append(403)
    status, _, content = visitor.act(Action="resume")
    assert status == 502 and "PUT /capacity: 403" in json.loads(content)["Message"]


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "-1", "many", None])
def test_a_body_without_a_right_length_is_refused_unread(
    visitor: Visitor, length: str | None
) -> None:
    visitor.enter()
    answer = visitor.ask("POST", "/actions", {"Content-Length": length}, {"Action": "resume"})
    assert answer[0] in (411, 413)


def test_what_is_unchanged_is_not_sent_again(visitor: Visitor, api: StubApi) -> None:
    visitor.enter()
    _, headers, _ = visitor.ask("GET", "/status")
    same = {"If-None-Match": headers["ETag"]}
    api.slots["At"] = "2026-11-23T10:00:02Z"
    visitor.server.forget()
    status, _, content = visitor.ask("GET", "/status", same)
    assert (status, content) == (304, b"")
    api.slots["Slots"] = 7
    visitor.server.forget()
    status, _, content = visitor.ask("GET", "/status", same)
    assert status == 200 and json.loads(content)["Slots"]["Slots"] == 7


def test_targets_are_those_of_the_deployment(visitor: Visitor, api: StubApi) -> None:
    api.capacity["Targets"] = ["default", "partner"]
    visitor.enter()
    assert visitor.ask("GET", "/status?Target=partner")[0] == 404, "not known before a reading"
    visitor.ask("GET", "/status")
    assert visitor.ask("GET", "/status?Target=mars")[0] == 404
    api.calls.clear()
    assert visitor.ask("GET", "/status?Target=partner")[0] == 200
    asked = {path: query.get("Target") for _, path, query, _ in api.calls}
    assert {asked[path] for path in ("/slots", "/capacity", "/forecast")} == {"partner"}


def test_a_fault_of_our_own_is_announced_without_what_it_was_about(
    visitor: Visitor, api: StubApi, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.enter()

    def fail() -> None:
        raise KeyError("customer-4711")

    monkeypatch.setattr(visitor.server.reader, "read", fail)
    status, _, content = visitor.ask("GET", "/status")
    assert status == 500 and json.loads(content)["Message"].startswith("KeyError")
    assert warnings == ["the page could not be served: KeyError"]
    assert b"4711" not in content


def test_somebody_who_says_nothing_holds_up_nobody(visitor: Visitor) -> None:
    with socket.create_connection((HOST, visitor.server.server_port)) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert visitor.ask("GET", "/")[0] == 200


def test_the_files_ask_nobody_else_for_anything(visitor: Visitor) -> None:
    """No address but the page's own, no markup made of text, no style or script in the markup."""
    texts = {path: visitor.ask("GET", path)[2].decode() for path in FILES}
    page, script = texts["/"], texts["/page.js"]
    everything = "".join(texts.values()).replace("http://www.w3.org/2000/svg", "")
    assert "://" not in everything and "//cdn" not in everything
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "localStorage", "cookie"):  # fmt: skip
        assert word not in script, word
    assert "<style" not in page and "style=" not in page and "onclick" not in page
    assert page.count("<script") == 1


def test_the_page_wears_the_reports_palette() -> None:
    from importlib.resources import files

    def palette(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.lstrip().startswith("--")]

    report = files("snapshot_export.report").joinpath("page.html").read_text(encoding="utf-8")
    page = files("snapshots.open").joinpath("page.css").read_text(encoding="utf-8")
    assert palette(page) == palette(report)


Run = Callable[..., Any]


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_the_address_and_serves_until_interrupted(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("BROWSER", "one")
    monkeypatch.setattr("webbrowser.open", opened.append)
    seen: list[int] = []

    def serve(server: PageServer) -> None:
        seen.append(server.server_port)
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", serve)
    done = run("open", *(["--json"] if as_json else []))
    address = done.json["Url"] if as_json else done.out.strip()
    assert done.code == 0 and opened == [address]
    assert urlsplit(address).port == seen[0] and len(urlsplit(address).fragment) >= 43
    run("open", "--no-browser")
    assert len(opened) == 1 and len(seen) == 2


def test_the_command_ends_at_once_where_the_api_cannot_be_read(run: Run, api: StubApi) -> None:
    api.faults.append(403)
    assert run("open", "--no-browser").code == 4
    api.faults.append(404)
    done = run("open", "--no-browser")
    assert done.code == 3 and "older than this command" in done.err


def test_a_port_that_is_taken_is_a_wrong_usage(run: Run, visitor: Visitor) -> None:
    done = run("open", "--no-browser", "--port", str(visitor.server.server_port))
    assert done.code == 2 and "cannot listen on port" in done.err
