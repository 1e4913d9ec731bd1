"""`python -m tests.chaos.stack.proxy`: microburst 0.10.0, repaired in two places.

It cuts an answer's body, so that what has no body (S3's PutObject, HeadObject, DeleteObject) is
never lost, and the caller of anything else has read "200 OK" already. Here `abort_bytes: 0` means
that the call took effect and the connection closes without a byte.
It drops the Content-Length of answers to HEAD, which S3 always sends and HeadObject reads.
"""

from __future__ import annotations

import argparse
import random
from typing import Any

from aiohttp import web

from local.account.patching import require_source

FIRED_KEPT = 1_000_000
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


def repair(forward: Any) -> None:
    """Patch the forwarder; UpstreamChangedError if it is another than the one patched against."""
    upstream = forward._stream_to_client
    require_source("_stream_to_client", upstream, "81deaea50c3e3af7")

    async def stream_to_client(
        request: Any, status: int, headers: Any, mutator: Any, chunks: Any
    ) -> Any:
        lost = mutator is not None and mutator.abort_bytes == 0
        if not lost and request.method != "HEAD":
            return await upstream(request, status, headers, mutator, chunks)
        async for _ in chunks:
            pass
        if lost:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=status)
        kept = {k: v for k, v in headers.items() if k.lower() not in _OF_THE_CONNECTION}
        answer = web.StreamResponse(status=status, headers=kept)
        await answer.prepare(request)
        await answer.write_eof()
        return answer

    forward._stream_to_client = stream_to_client


def main() -> None:
    """Serve until SIGTERM, on loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    from microburst import forward
    from microburst.app import make_app
    from microburst.core.pipeline import Microburst

    repair(forward)
    random.seed(arguments.seed)  # which calls a rule's probability strikes
    proxy = Microburst(arguments.upstream, fired_capacity=FIRED_KEPT)
    web.run_app(make_app(proxy), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
