"""An API that knows docs/architecture.md's contract: it refuses every call that breaks it.

Exports advance when they are read: QUEUED, RUNNING, then their end.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

EXPORT_MEMBERS = {"ExportId", "Target", "DashboardId", "UserConfiguration", "SnapshotConfiguration",
                  "Priority", "Deadline", "Name", "Tags", "AwsAccountId",
                  "SnapshotJobId", "AllowMatchAll", "AllowSeveralValues"}  # fmt: skip
BURST_MEMBERS = {"BurstId", "Target", "Template", "Recipients", "Manifest", "SameRowsForAll",
                 "AllowMatchAll", "AllowSeveralValues", "Priority", "Deadline"}  # fmt: skip
SCHEDULE_MEMBERS = {"ScheduleExpression", "ScheduleExpressionTimezone",
                    "FlexibleTimeWindowMinutes", "State", "Export", "Burst", "ReadyBy"}  # fmt: skip
RETRY_MEMBERS = {"Revision", "RecipientIds", "IncludeCompleted", "Deadline"}
RUN_MEMBERS = {"At", "From", "To"}
PLAN_MEMBERS = {"Target", "Exports", "Priority", "Deadline", "StartAt"}
QUERIES = {"exports": {"Status", "BurstId", "RecipientId", "DashboardId", "From", "To", "Limit",
                       "NextToken"},
           "bursts": {"Target", "Limit"},
           "schedules": {"NextToken"}, "capacity": {"Target"}, "forecast": {"Target"},
           "slots": {"Target", "Limit"}}  # fmt: skip
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
ENDS = ("COMPLETED", "FAILED", "CANCELLED", "REJECTED")
FILE = b"%PDF"


class RefusedError(Exception):
    """An answer of the one shape of errors."""

    def __init__(self, status: int, code: str, rule: str = "", place: str = "") -> None:
        super().__init__(code)
        problem = {"Field": place.rpartition(".")[2], "Place": place, "Rule": rule}
        self.status = status
        self.body = {"Code": code, "Message": code, "Problems": [problem] if rule else []}


class StubApi:
    """State of the stub; `calls` are (method, path, query, body), `faults` statuses given first."""

    def __init__(self) -> None:
        self.exports: dict[str, dict[str, Any]] = {}
        self.bursts: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.capacity: dict[str, Any] = {
            "Limit": 12, "Running": 3, "Waiting": 0, "CompletedLastHour": 720,
            "PausedUntil": None, "Ceiling": None, "Target": "default", "Targets": ["default"],
        }  # fmt: skip
        self.forecast: dict[str, Any] = {
            "At": "2026-11-23T10:00:00Z", "Slots": 12, "Running": 0, "Waiting": 0,
            "WaitingIsAtLeast": False, "LearnedShare": None, "FinishP50": None, "FinishP95": None,
            "Bursts": [],
        }  # fmt: skip
        self.slots: dict[str, Any] = {
            "Target": "default", "At": "2026-11-23T10:00:00Z", "Slots": 12,
            "Held": [], "Collecting": [], "Waiting": [], "MoreWait": False,
        }  # fmt: skip
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.warnings: list[str] = []
        self.security_warnings: list[dict[str, str]] = []
        self.faults: list[int] = []
        self.headers: list[dict[str, str]] = []
        self.ends_as: Callable[[str], str] = lambda _: "COMPLETED"
        self.burst_ends_as = "COMPLETED"
        self.reasons: list[dict[str, Any]] = []
        self.stands_still = False
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        with self._lock:
            self.calls.append((method, path, query, body))
            if self.faults:
                status = self.faults.pop(0)
                raise RefusedError(status, "FAULT")
            noun, _, ident = path.strip("/").partition("/")
            unknown = set(query) - (QUERIES.get(noun, set()) if not ident else set())
            if unknown:
                raise RefusedError(400, "INVALID_REQUEST", "is not a parameter", min(unknown))
            handle = getattr(self, f"_{method.lower()}_{noun}", None)
            if handle is None:
                raise RefusedError(404, "NOT_FOUND")
            return handle(unquote(ident), query, body)  # type: ignore[no-any-return]

    def _release_export(self, ident: str) -> tuple[int, Any]:
        export = find(self.exports, ident)
        if export["Status"] in ENDS:
            raise RefusedError(409, "ALREADY_ENDED")
        export["Status"] = "QUEUED"
        return 202, {"ExportId": ident, "Status": "QUEUED", "StatusPath": "/e", "Warnings": []}

    def _post_exports(self, ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        if ident.endswith("/release"):
            return self._release_export(ident.removesuffix("/release"))
        check(body, EXPORT_MEMBERS, required={"DashboardId"})
        export_id = body.get("ExportId") or body["SnapshotJobId"]
        known = self.exports.get(export_id)
        if known and known["body"] != body:
            raise RefusedError(409, "ID_CONFLICT", "already names another request", "ExportId")
        self.exports.setdefault(export_id, new_export(export_id, body))
        warnings = {"Warnings": self.security_warnings}
        return 202, {
            "ExportId": export_id, "Status": "QUEUED", "StatusPath": f"/e/{export_id}", **warnings
        }  # fmt: skip

    def _get_exports(self, ident: str, query: Any, _body: Any) -> tuple[int, Any]:
        if ident:
            export = find(self.exports, ident)
            self._advance(export)
            return 200, {name: value for name, value in export.items() if name != "body"}
        for name in ("From", "To"):
            if name in query and not UTC.fullmatch(query[name]):
                raise RefusedError(400, "INVALID_REQUEST", "must be ISO 8601 UTC", name)
        limit, start = int(query.get("Limit", 50)), int(query.get("NextToken", 0))
        if not 1 <= limit <= 100:
            raise RefusedError(400, "INVALID_REQUEST", "must be from 1 to 100", "Limit")
        found = [
            {name: value for name, value in export.items() if name != "body"}
            for export in reversed([*self.exports.values()])
            if query.get("Status") in (None, export["Status"])
            and query.get("BurstId") in (None, export["BurstId"])
            and query.get("RecipientId") in (None, export["RecipientId"])
            and query.get("DashboardId") in (None, export["DashboardId"])
        ]
        more = str(start + limit) if len(found) > start + limit else None
        return 200, {"Exports": found[start : start + limit], "NextToken": more}

    def _revoke_links(self, export: dict[str, Any]) -> tuple[int, Any]:
        mails = export.get("Deliveries") or []
        if not any(each["Links"] for each in mails):
            raise RefusedError(409, "NO_LINKS")
        revoked = [
            each
            | {"Links": each["Links"] and each["Links"] | {"RevokedAt": "2026-11-23T12:00:00Z"}}
            for each in mails
        ]
        export["Deliveries"] = revoked
        return 200, {"ExportId": export["ExportId"], "Deliveries": revoked}

    def _delete_exports(self, ident: str, *_: Any) -> tuple[int, Any]:
        if ident.endswith("/links"):
            return self._revoke_links(find(self.exports, ident.removesuffix("/links")))
        export = find(self.exports, ident)
        if export["Status"] in ENDS:
            raise RefusedError(409, "ALREADY_ENDED")
        export["Status"] = "CANCELLED"
        return 200, {"ExportId": ident, "Status": "CANCELLED"}

    def _retry_burst(self, ident: str, body: Any) -> tuple[int, Any]:
        check(body, RETRY_MEMBERS, required=set())
        burst = find(self.bursts, ident)
        if burst["Status"] in ("EXPANDING", "RUNNING"):
            raise RefusedError(409, "NOT_ENDED")
        if body.get("Revision") != burst["Revision"] + 1:
            raise RefusedError(409, "REVISION_CONFLICT")
        burst |= {"Revision": burst["Revision"] + 1, "Status": "RUNNING"}
        self.reasons, self.burst_ends_as = [], "COMPLETED"
        return 202, {name: burst[name] for name in ("BurstId", "Revision", "Status", "Warnings")}

    def _release_burst(self, ident: str) -> tuple[int, Any]:
        burst = find(self.bursts, ident)
        if burst["Status"] != "HELD":
            raise RefusedError(409, "NOT_HELD")
        burst["Status"] = "EXPANDING"
        return 202, {name: burst[name] for name in ("BurstId", "Revision", "Status", "Warnings")}

    def _post_bursts(self, ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        if ident.endswith("/release"):
            return self._release_burst(ident.removesuffix("/release"))
        if ident:
            return self._retry_burst(ident.removesuffix("/retry"), body)
        check(body, BURST_MEMBERS, required={"Template"})
        known = self.bursts.get(body["BurstId"])
        if known and known["body"] != body:
            raise RefusedError(409, "ID_CONFLICT", "already names another request", "BurstId")
        counts = dict.fromkeys(("Accepted", "Refused", "Completed", "Failed", "Cancelled"), 0)
        self.bursts[body["BurstId"]] = {
            "BurstId": body["BurstId"], "Revision": 1, "Target": body.get("Target", "default"),
            "Status": "EXPANDING", "Counts": {"Total": 2, **counts}, "Reasons": [],
            "Refusals": [], "RefusalsNextToken": None, "ManifestS3Uri": None,
            "ManifestDownloadUrl": None,
            "ReportS3Uri": None, "ReportDownloadUrl": None, "Warnings": self.security_warnings,
            "AcceptedAt": "2026-11-23T10:00:00Z", "FinishedAt": None, "body": body,
        }  # fmt: skip
        warnings = {"Warnings": self.security_warnings}
        return 202, {
            "BurstId": body["BurstId"], "Status": "EXPANDING", "StatusPath": "/b", **warnings
        }  # fmt: skip

    def _get_bursts(self, ident: str, *_: Any) -> tuple[int, Any]:
        if not ident:
            waiting = [each for each in self.bursts.values()
                       if each["Status"] in ("HELD", "WAITING_FOR_DATA")]  # fmt: skip
            return 200, {"Bursts": waiting, "More": False}
        burst = find(self.bursts, ident)
        shown = {name: value for name, value in burst.items() if name != "body"}
        if self.stands_still:
            return 200, shown
        burst |= {
            "Status": self.burst_ends_as,
            "Reasons": self.reasons,
            "Counts": burst["Counts"]
            | {"Accepted": 2, "Completed": 0 if self.reasons else 2}
            | {"Failed": 2 if self.reasons else 0},
        }
        return 200, shown

    def _delete_bursts(self, ident: str, *_: Any) -> tuple[int, Any]:
        find(self.bursts, ident)["Status"] = "CANCELLED"
        return 202, {"BurstId": ident, "Status": "CANCELLED"}

    def _get_schedules(self, ident: str, *_: Any) -> tuple[int, Any]:
        if ident:
            return 200, find(self.schedules, ident)
        return 200, {"Schedules": [*self.schedules.values()], "NextToken": None}

    def _put_schedules(self, ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        check(body, SCHEDULE_MEMBERS, required=set())
        if (body.get("ScheduleExpression") is None) == (body.get("ReadyBy") is None):
            raise RefusedError(400, "INVALID_REQUEST", "must have one of two")
        if ("Export" in body) == ("Burst" in body):
            raise RefusedError(400, "INVALID_REQUEST", "must have either Export or Burst")
        self.schedules[ident] = {
            "Name": ident, "State": "ENABLED", **body, "Warnings": self.warnings
        }  # fmt: skip
        return 200, self.schedules[ident]

    def _post_schedules(self, ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        check(body, RUN_MEMBERS, required=set())
        name = ident.removesuffix("/run")
        find(self.schedules, name)
        runs = [
            {"Id": f"{name}-{number}", "At": "2026-11-23T06:00:00Z", "New": number > 0,
             "StatusPath": f"/exports/{name}-{number}"}
            for number in range(2 if "From" in body else 1)
        ]  # fmt: skip
        return 202, {"Name": name, "Kind": "Export", "Occurrences": runs}

    def _delete_schedules(self, ident: str, *_: Any) -> tuple[int, Any]:
        find(self.schedules, ident)
        del self.schedules[ident]
        return 204, None

    def _get_forecast(self, *_: Any) -> tuple[int, Any]:
        return 200, self.forecast

    def _post_forecast(self, _ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        check(body, PLAN_MEMBERS, required={"Exports"})
        for each in body["Exports"]:
            check(each, {"DashboardId", "Formats", "Count"}, required={"DashboardId"})
        deadline = body.get("Deadline")
        return 200, {
            "At": "2026-11-23T10:00:00Z", "Slots": 12, "Running": 3, "Waiting": 7,
            "WaitingIsAtLeast": False, "LearnedShare": 0.5,
            "Count": sum(each["Count"] for each in body["Exports"]),
            "StartAt": body.get("StartAt") or "2026-11-23T10:00:00Z",
            "FinishP50": "2026-11-23T10:05:00Z", "FinishP95": "2026-11-23T10:06:00Z",
            "Deadline": deadline, "ChanceToMeetDeadline": 0.97 if deadline else None,
            "LatestSafeStart": "2026-11-23T10:01:00Z" if deadline else None,
        }  # fmt: skip

    def _get_slots(self, *_: Any) -> tuple[int, Any]:
        return 200, self.slots

    def _get_capacity(self, *_: Any) -> tuple[int, Any]:
        return 200, self.capacity

    def _put_capacity(self, _ident: str, _query: Any, body: Any) -> tuple[int, Any]:
        check(body, {"Limit", "ReservedSlots", "PausedUntil"}, required=set())
        if body.get("PausedUntil") and not UTC.fullmatch(body["PausedUntil"]):
            raise RefusedError(400, "INVALID_REQUEST", "must be ISO 8601 UTC", "PausedUntil")
        self.capacity |= body
        return 200, self.capacity

    def _advance(self, export: dict[str, Any]) -> None:
        if self.stands_still:
            return
        if export["Status"] == "QUEUED":
            export["Status"] = "RUNNING"
        elif export["Status"] == "RUNNING":
            status = self.ends_as(export["ExportId"])
            export |= {"Status": status, "FinishedAt": "2026-11-23T10:00:40Z"}
            if status == "COMPLETED":
                export["Files"] = [
                    {"FormatType": "PDF", "S3Uri": f"s3://ours/x/{export['ExportId']}.pdf",
                     "Size": len(FILE), "ETag": "e", "DownloadUrl": f"{self.url}/files/x",
                     "DownloadUrlExpiresAt": "2026-11-23T11:00:00Z", "Error": None}
                ]  # fmt: skip
            else:
                export["Error"] = {"Code": "ACCESS_DENIED", "Message": "no such right"}


def new_export(export_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "ExportId": export_id, "Status": "QUEUED", "DashboardId": body["DashboardId"],
        "Name": body.get("Name"), "Tags": body.get("Tags", {}), "Priority": 5, "Deadline": None,
        "Attempt": 1, "AcceptedAt": "2026-11-23T10:00:00Z", "AdmittedAt": None,
        "FinishedAt": None, "ExpectedEnd": "2026-11-23T10:01:00Z", "Place": 1, "BurstId": None,
        "Collecting": False, "RecipientId": None,
        "Files": [], "Error": None, "body": body,
    }  # fmt: skip


def find(items: dict[str, dict[str, Any]], ident: str) -> dict[str, Any]:
    if ident not in items:
        raise RefusedError(404, "NOT_FOUND")
    return items[ident]


def check(body: Any, members: set[str], *, required: set[str]) -> None:
    if not isinstance(body, dict):
        raise RefusedError(400, "INVALID_REQUEST", "must be an object")
    for name in sorted(set(body) - members):
        raise RefusedError(400, "INVALID_REQUEST", "is not a member of the request", name)
    for name in sorted(required - set(body)):
        raise RefusedError(400, "INVALID_REQUEST", "is required", name)


@contextmanager
def serving() -> Iterator[StubApi]:
    """A stub that is called at its `url`."""
    stub = StubApi()
    server = serve(stub)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()


def serve(api: StubApi) -> ThreadingHTTPServer:
    """A server on a free port, not yet serving; sets the stub's `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            url = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            api.headers.append(dict(self.headers))
            if url.path.startswith("/files/"):
                return self._send(200, FILE)
            if "authorization" not in {name.lower() for name in self.headers}:
                return self._send(403, b'{"message": "Forbidden"}')
            try:
                answer = api.answer(self.command, url.path, dict(parse_qsl(url.query)), body)
            except RefusedError as error:
                answer = error.status, error.body
            content = b"" if answer[1] is None else json.dumps(answer[1]).encode()
            return self._send(answer[0], content)

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    return server
