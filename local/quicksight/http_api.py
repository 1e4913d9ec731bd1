"""The emulator over HTTP: AWS's API, STS for registered users, the tests' own, downloads."""

import json
import socket
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from local.quicksight.admin import answer_admin
from local.quicksight.api_request import ApiRequest
from local.quicksight.emulator import Emulator
from local.quicksight.rendering import MEDIA_TYPES, suffix_of
from local.quicksight.service_model import match_route, read_query
from local.quicksight.sts import StsError, write_credentials, write_sts_error

WsgiApp = Callable[[dict[str, Any], Any], Any]

ADMIN = "/_emulator/"


def make_api(emulator: Emulator) -> WsgiApp:
    """The WSGI application of the API and of `/_emulator/`."""

    def api(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path.startswith(ADMIN):
            return _answer_admin(emulator, request)(environ, start_response)
        if request.path == "/" and request.form.get("Action") == "AssumeRole":
            return _answer_sts(emulator, request)(environ, start_response)
        answer = emulator.call(_read_call(request))
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("the answer is lost")
        response = Response(answer.body, answer.status, answer.headers)
        return response(environ, start_response)

    return api


def make_download_api(emulator: Emulator) -> WsgiApp:
    """The WSGI application of the https addresses: the file, or 403 as S3 answers."""

    def api(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        name = request.path.removeprefix("/")
        token = request.args.get("X-Amz-Signature", "")
        found = emulator.downloads.open(name, token, emulator.now())
        if found is None:
            body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return Response(body, 403, mimetype="application/xml")(environ, start_response)
        media = MEDIA_TYPES[suffix_of(name)]
        answer = Response(found.pieces(emulator.sleep), 200, content_type=media)
        answer.content_length = len(found.content)
        return answer(environ, start_response)

    return api


def _answer_sts(emulator: Emulator, request: Request) -> Response:
    try:
        made = emulator.assume_role(request.form)
    except StsError as error:
        return Response(write_sts_error(error), error.status, content_type="text/xml")
    return Response(write_credentials(made), 200, content_type="text/xml")


def _read_call(request: Request) -> ApiRequest:
    raw_path = str(request.environ["REQUEST_URI"]).partition("?")[0]
    operation, labels = match_route(request.method, raw_path) or (None, {})
    body, defect = _read_body(request.get_data())
    query = read_query(operation, request.args) if operation else {}
    return ApiRequest(
        operation=operation,
        members={**body, **query, **labels},
        authorization=request.headers.get("Authorization"),
        session_token=request.headers.get("X-Amz-Security-Token"),
        defect=defect,
    )


def _read_body(data: bytes) -> tuple[dict[str, Any], str | None]:
    if not data:
        return {}, None
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except ValueError as error:
        return {}, f"the body is not JSON: {error}"
    if not isinstance(body, dict):
        return {}, "the body is not a JSON object"
    return body, None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _answer_admin(emulator: Emulator, request: Request) -> Response:
    try:
        body = request.get_json(force=True) if request.get_data() else {}
        status, document = answer_admin(
            emulator, request.method, request.path.removeprefix(ADMIN), body, request.args
        )
    except HTTPException as error:
        status, document = error.code or 500, {"error": error.description}
    return Response(json.dumps(document), status, content_type="application/json")
