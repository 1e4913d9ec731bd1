"""Jobs without a destination: https addresses that expire."""

import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest

from local.quicksight import QuickSightServer, Settings
from tests.unit.quicksight_emulator.support import PDF, Caller, Clock, groups_of, tabular


def addresses(caller: Caller, *files: dict[str, Any]) -> list[str]:
    groups = groups_of(caller.result(), files or (PDF,))
    return [group["S3Results"][0]["S3Uri"] for group in groups]


def open_address(server: QuickSightServer, address: str) -> tuple[int, bytes]:
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        with urllib.request.urlopen(address, context=trust, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def test_addresses_are_fresh_at_each_result_and_expire_after_300_s(clock: Clock) -> None:
    with QuickSightServer(Settings(), clock=clock) as server:
        caller = Caller(server.emulator)
        caller.start(files=(PDF, tabular("CSV")))
        clock.advance(1000)
        pdf, table = addresses(caller, PDF, tabular("CSV"))
        assert open_address(server, pdf)[1].startswith(b"%PDF")
        assert b"cust-0007" in open_address(server, table)[1]
        clock.advance(299.9)
        assert open_address(server, table)[0] == 200
        fresh = addresses(caller, tabular("CSV"))[0]
        assert fresh != table
        clock.advance(0.1)
        assert open_address(server, table)[0] == 403
        assert open_address(server, fresh)[0] == 200


def test_an_address_cannot_be_made_up(clock: Clock) -> None:
    with QuickSightServer(Settings(), clock=clock) as server:
        caller = Caller(server.emulator)
        caller.start()
        clock.advance(1000)
        [address] = addresses(caller)
        assert address.startswith(server.downloads_url)
        assert open_address(server, address[:-1])[0] == 403
        assert open_address(server, address.partition("?")[0])[0] == 403
        assert open_address(server, address.replace(".pdf", ".csv"))[0] == 403
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=10)
