"""Deliveries: thousands of mails while calls fail, functions die and events come twice or not.

`python -m tests.chaos deliveries`. Exports for up to 300 customers, with 20 addresses each, run
through the real flows; then the real handlers deliver their mails on virtual time, with moto as AWS
and the embedded account's SES in the process. A twentieth of all calls goes wrong: it never
arrives, its answer is lost, or the function is killed before or after it. Half of the deployment
holds what stays in doubt, the other sends it again. At the end every mail of the mailbox and every
record is judged.
DELIVERIES_SEED repeats a run, DELIVERIES_COUNT sets the mails.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory

from moto import mock_aws

from snapshot_export.domain.export import Status
from tests.chaos.calls import hooked
from tests.chaos.deliveries.faults import FaultyCalls
from tests.chaos.deliveries.office import IN_DOUBT_MINUTES, URL, Office
from tests.chaos.deliveries.verdict import judge
from tests.chaos.mail_bugs import DELIVERY_BUGS
from tests.chaos.part import PartResult, quiet
from tests.chaos.ses_client import link_by
from tests.chaos.stage import QuietWorld
from tests.chaos.theatre import connected
from tests.support.mails import MAIL
from tests.support.messages import message, visuals_group
from tests.support.quick_moto import quick_moto
from tests.support.sessions import SharedSession
from tests.support.world import REGION

COUNT, ADDRESSES = 10_000, 20
SHARE = 0.05
SAMPLE, SAMPLE_SEED, SAMPLE_SHARE = 40, 20_261_130, 0.15
CUSTOMERS, AT_ONCE = 300, 12
CLAIMS = frozenset(bug.name for bug in DELIVERY_BUGS)
"""Bugs that the sample must catch (mail_bugs.py)."""
_SHOWN = (
    ("mails", "mails"),
    ("sent", "sent"),
    ("twice", "of these twice"),
    ("doubted", "in doubt"),
    ("settled", "settled by an event"),
    ("sent again", "sent again"),
    ("held", "held"),
    ("suppressed", "suppressed"),
    ("bounced", "bounced"),
    ("throttled", "throttled"),
    ("put off", "put off by a limit"),
    ("events lost", "events lost"),
    ("events doubled", "doubled"),
    ("faults", "calls gone wrong"),
    ("killed", "of them kills"),
)


def run() -> PartResult:
    """The part of `make chaos`: each way with doubts on a core of its own."""
    seed = int(os.environ.get("DELIVERIES_SEED", SystemRandom().randrange(2**32)))
    count = int(os.environ.get("DELIVERIES_COUNT", COUNT))
    ways = [(count // 2, seed, way, SHARE) for way in ("HOLD", "SEND")]
    with ProcessPoolExecutor(len(ways), mp_context=get_context("spawn")) as pool:
        played = [*pool.map(_play_quietly, *zip(*ways, strict=True))]
    never = [
        f"never happened: {text}"
        for name, text in _SHOWN
        if name != "twice" and not any(counts[name] for counts, _ in played)
    ]
    return _result([*played, (Counter(), never)], seed)


def sample() -> PartResult:
    """A fixed part of it, for `make test`."""
    ways = ("HOLD", "SEND")
    return _result([play(SAMPLE // 2, SAMPLE_SEED, way, SAMPLE_SHARE) for way in ways], SAMPLE_SEED)


def _result(played: list[tuple[Counter[str], list[str]]], seed: int) -> PartResult:
    counts = sum((each[0] for each in played), Counter[str]())
    line = ", ".join(f"{counts[name]} {text}" for name, text in _SHOWN)
    violations = [f"DELIVERIES_SEED={seed}: {text}" for each in played for text in each[1]]
    return PartResult(f"deliveries: {line}, {len(violations)} violations, seed {seed}", violations)


def _play_quietly(
    count: int, seed: int, in_doubt: str, share: float
) -> tuple[Counter[str], list[str]]:
    with quiet():
        return play(count, seed, in_doubt, share)


def play(count: int, seed: int, in_doubt: str, share: float) -> tuple[Counter[str], list[str]]:
    """Deliver so many mails; the counts of it, and what was wrong."""
    draw = Random(f"{seed} {in_doubt}")
    random.seed(seed)
    calls = FaultyCalls(draw, share)
    with connected() as (wire, clock), mock_aws(), quick_moto(), TemporaryDirectory() as folder:
        mail = replace(MAIL, in_doubt=in_doubt, in_doubt_minutes=IN_DOUBT_MINUTES, link_days=7)
        session = SharedSession(region_name=REGION)
        world = QuietWorld(session, wire, clock, mail=mail)  # type: ignore[arg-type]
        link_by(world, URL)
        office = Office(world, Path(folder), calls, draw, count)
        owners = _export(office, count)
        office.trouble([*owners])
        with hooked(calls, clock.sleep):
            office.run()
        violations = [*office.violations, *judge(office, owners)]
    return office.counts + calls.counts, violations


def _export(office: Office, count: int) -> dict[str, tuple[str, str]]:
    """Exports with so many addresses; export and customer of each address."""
    world = office.world
    owners: dict[str, tuple[str, str]] = {}
    addresses = min(ADDRESSES, count // 2)
    for number in range(count // addresses):
        name, customer = f"delivered-{number}", f"cust-{number % CUSTOMERS + 1:04d}"
        to = [f"{name}{'+copy' * (each > 0)}{each}@example.com" for each in range(addresses)]
        owners |= dict.fromkeys(to, (name, customer))
        email = {"Subject": f"{customer} {{export}}", "Body": {"Text": "Good morning."}, "To": to}
        email["Attach"] = "NEVER" if number % 4 == 1 else "AUTO"
        status = world.send(
            message(
                name,
                customer=customer,
                groups=[visuals_group("CSV", "lines")],
                Delivery={"Email": email},
            )
        )
        assert status is Status.QUEUED
        if number % AT_ONCE == AT_ONCE - 1:
            world.driver.run()
            office.find_new()  # moto's queue looks at all of its messages for each new one
    world.driver.run()
    return owners
