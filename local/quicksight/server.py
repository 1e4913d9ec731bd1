"""The emulator as a server on loopback: the API over HTTP, the downloads over TLS."""

import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local.quicksight.dataset import load_invoices
from local.quicksight.emulator import Emulator
from local.quicksight.http_api import WsgiApp, make_api, make_download_api
from local.quicksight.service_model import load_operations
from local.quicksight.settings import Settings
from local.quicksight.tls import HOST, make_tls_context

TICK_SECONDS = 0.05
WORKERS = 8


class _Quiet(WSGIRequestHandler):
    """Logs nothing: the ledger tells every call."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class QuickSightServer:
    """A running emulator, as a context manager: `url`, `downloads_url`, `ca_file`, `emulator`.

    With a `clock` of one's own (epoch seconds; `sleep` waits on it) the jobs advance on calls only,
    and their files are made within those calls; otherwise in the background, by the time they are
    due.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._stack = ExitStack()
        self._stopped = threading.Event()
        self.url = ""
        self.downloads_url = ""
        self.ca_file = Path()
        self.emulator: Emulator

    def __enter__(self) -> "QuickSightServer":
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def write_state(self, folder: Path) -> Path:
        """Write `quicksight.json` (url, downloads_url, ca_file, pid) as one atomic step."""
        state = {
            "url": self.url,
            "downloads_url": self.downloads_url,
            "ca_file": str(self.ca_file),
            "pid": os.getpid(),
        }
        target, draft = folder / "quicksight.json", folder / f".quicksight.{os.getpid()}.json"
        draft.write_text(json.dumps(state))
        return draft.replace(target)

    def _start(self, stack: ExitStack) -> None:
        load_operations()
        load_invoices()
        folder = self._settings.state_dir or Path(stack.enter_context(_temporary_folder()))
        folder.mkdir(parents=True, exist_ok=True)
        context, self.ca_file = make_tls_context(folder)
        self.emulator = self._make_emulator(stack)
        port = self._serve(stack, make_api(self.emulator), self._settings.port, None)
        self.url = f"http://{HOST}:{port}"
        port = self._serve(stack, make_download_api(self.emulator), 0, context)
        self.downloads_url = self.emulator.downloads.base_url = f"https://{HOST}:{port}"

    def _make_emulator(self, stack: ExitStack) -> Emulator:
        if self._clock is not None:
            return Emulator(self._settings, now=self._clock, sleep=self._sleep)
        executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="quicksight-work")
        stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        emulator = Emulator(self._settings, now=time.time, executor=executor)
        ticker = threading.Thread(target=self._tick, args=(emulator,), name="quicksight-tick")
        ticker.start()
        stack.callback(ticker.join)
        stack.callback(self._stopped.set)
        return emulator

    def _tick(self, emulator: Emulator) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            emulator.settle()

    def _serve(
        self, stack: ExitStack, app: WsgiApp, port: int, context: ssl.SSLContext | None
    ) -> int:
        server: BaseWSGIServer = make_server(
            HOST, port, app, threaded=True, request_handler=_Quiet, ssl_context=context
        )
        stack.callback(server.server_close)
        thread = threading.Thread(
            target=server.serve_forever, args=(TICK_SECONDS,), name="quicksight-http"
        )
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        return server.port


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="quicksight-")
