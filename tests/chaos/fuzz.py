"""Bad input by the thousand: queue messages right and wrong, through the real intake function.

`python -m tests.chaos fuzz`. FUZZ_SEED repeats a run, FUZZ_MESSAGES sets how many; a run that found
something adds it to fuzz_corpus.json, which every run and `make test` deliver again.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from snapshot_export.handlers.api.document import make_document
from tests.chaos.fuzz_harness import Harness, Outcome, harness
from tests.chaos.fuzz_mutations import GARBAGE, broken, mutated, write
from tests.chaos.fuzz_oracle import fate_of, is_deliverable, violations_of
from tests.chaos.fuzz_requests import bursts, exports, occurrences
from tests.chaos.part import PartResult
from tests.support.messages import message

MESSAGES = 10_000
SAMPLE, SAMPLE_SEED = 504, 20_261_123
CLAIMS = frozenset({"a refused message is not kept", "a wrong message is delivered again"})
"""Bugs that the sample must catch (bugs.py)."""
BATCH = 10
NEIGHBOURS = {9: message("neighbour")}
"""A right message behind the others, beside those among them: nothing may hold it up."""
CORPUS = Path(__file__).with_name("fuzz_corpus.json")
DATABASE = Path(__file__).parents[2] / ".hypothesis" / "chaos-fuzz"
KINDS = ("valid", "mutated", "document", "broken", "garbage")
MIN_SHARE = 0.1
"""A run in which less than this share was accepted, or refused, proves nothing."""


class FoundError(AssertionError):
    """A batch whose outcome breaks a promise."""


@dataclass
class Tally:
    """What a run delivered and what became of it; `found` holds the bad batch."""

    delivered: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    found: tuple[list[str], list[str]] | None = None


def messages() -> st.SearchStrategy[tuple[str, str]]:
    """One message and the kind of it."""
    right = st.one_of(exports(), exports(), bursts(), occurrences())
    return st.one_of(
        st.tuples(st.just("mutated"), mutated(right).map(_unescaped)),
        *[st.tuples(st.just("mutated"), mutated(right).map(write))] * 3,
        *[st.tuples(st.just("valid"), right.map(write))] * 4,
        st.tuples(st.just("valid"), right.map(_unescaped)),
        st.tuples(st.just("document"), _of_the_document()),
        st.tuples(st.just("broken"), broken(right.map(write))),
        st.tuples(st.just("garbage"), GARBAGE),
    )


def _unescaped(tree: Any) -> str:
    return write(tree, ascii_only=False)


def _of_the_document() -> st.SearchStrategy[str]:
    """Bodies made from docs/openapi.json, obeying its schemas and breaking them."""
    document = schemathesis.openapi.from_dict(make_document())
    operations = {
        result.ok().label: result.ok()
        for result in document.get_all_operations()
        if isinstance(result, Ok)
    }
    strategies = []
    for label, under in (("POST /exports", None), ("POST /bursts", "Burst")):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = operations[label].as_strategy(generation_mode=mode)
            strategies.append(st.tuples(cases, st.just(under)).map(_text_of))
    return st.one_of(strategies)


def _text_of(made: tuple[schemathesis.Case[Any], str | None]) -> str:
    body, under = made[0].body, made[1]
    if isinstance(body, bytes):
        return body.decode("latin-1")
    try:
        return json.dumps({under: body} if under else body)
    except TypeError:
        return str(body)


def deliver(world: Harness, chosen: Sequence[tuple[str, str]], tally: Tally) -> None:
    """Deliver a batch of messages and their neighbours. Raises FoundError."""
    waiting = [*chosen]
    batch = [
        ("neighbour", write(NEIGHBOURS[index])) if index in NEIGHBOURS else waiting.pop(0)
        for index in range(len(chosen) + len(NEIGHBOURS))
    ]
    bodies = [body for _, body in batch]
    ids, outcome = world.deliver(bodies)
    found = violations_of(ids, bodies, outcome)
    for message_id, (kind, body) in zip(ids, batch, strict=True):
        fate = "LOST" if found else fate_of(message_id, body, outcome)
        right = kind in ("valid", "neighbour")
        if right and fate == "REJECTED" and not _is_conflict(message_id, outcome):
            found.append(f"a right message was not accepted: {_rules(message_id, outcome)}")
        if kind != "neighbour":
            tally.delivered[kind] += 1
            tally.fates[fate] += 1
    if found:
        tally.found = (bodies, found)
        raise FoundError("; ".join(found[:3]))


def _rules(message_id: str, outcome: Outcome) -> list[str]:
    kept = outcome.refused.get(message_id, [])
    return [f"{p['Place']}: {p['Rule']}" for one in kept for p in one.reason["Problems"]]


def _is_conflict(message_id: str, outcome: Outcome) -> bool:
    """Whether a right message was refused only since another of the batch has its id."""
    (refused, *_) = outcome.refused.get(message_id, [None])
    return refused is not None and all(
        "already names another" in problem["Rule"] for problem in refused.reason["Problems"]
    )


def fuzz(world: Harness, count: int, number: int) -> Tally:
    """Deliver `count` messages made from the seed `number`."""
    tally = Tally()
    size = BATCH - len(NEIGHBOURS)
    one = messages().filter(lambda pair: is_deliverable(pair[1]))

    @seed(number)
    @settings(
        max_examples=-(-count // size),
        deadline=None,
        database=DirectoryBasedExampleDatabase(DATABASE),
        phases=[Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(st.lists(one, min_size=size, max_size=size))
    def batches(chosen: list[tuple[str, str]]) -> None:
        deliver(world, chosen, tally)

    try:
        batches()
    except Exception:
        if tally.found is None:
            raise
        tally.found = smallest(world, *tally.found)
        keep(tally)
    return tally


def smallest(world: Harness, bodies: list[str], found: list[str]) -> tuple[list[str], list[str]]:
    """The batch without the messages that its violation does not need."""
    for body in list(bodies):
        rest = [*bodies]
        rest.remove(body)
        ids, outcome = world.deliver(rest)
        if still := violations_of(ids, rest, outcome):
            bodies, found = rest, still
    return bodies, found


def keep(tally: Tally) -> None:
    """Add the bad batch to the corpus."""
    assert tally.found is not None
    bodies, found = tally.found
    packed = [base64.b85encode(zlib.compress(body.encode(), 9)).decode() for body in bodies]
    corpus = json.loads(CORPUS.read_text())
    corpus.append({"Found": found[0][:300], "Packed": packed})
    CORPUS.write_text(json.dumps(corpus, indent=1) + "\n")


def corpus() -> list[tuple[str, list[str]]]:
    """Batches that were wrong once: what was found, and the bodies."""
    return [
        (
            case["Found"],
            case.get("Bodies", [])
            + [zlib.decompress(base64.b85decode(text)).decode() for text in case.get("Packed", [])],
        )
        for case in json.loads(CORPUS.read_text())
    ]


def run() -> PartResult:
    """The part of `make chaos`."""
    count = int(os.environ.get("FUZZ_MESSAGES", MESSAGES))
    return _deliver_all(count, int(os.environ.get("FUZZ_SEED", SystemRandom().randrange(2**32))))


def sample() -> PartResult:
    """A fixed part of it, for `make test`."""
    return _deliver_all(SAMPLE, SAMPLE_SEED)


def _deliver_all(count: int, number: int) -> PartResult:
    violations: list[str] = []
    gc.freeze()  # a fifth of the time went to looking through what stays
    gc.set_threshold(100_000, 20, 100)
    with harness() as world:
        for name, bodies in corpus():
            ids, outcome = world.deliver(bodies)
            violations += [f"corpus, {name}: {v}" for v in violations_of(ids, bodies, outcome)]
        tally = fuzz(world, count, number)
    if tally.found:
        violations += [f"FUZZ_SEED={number}: {text}" for text in tally.found[1]]
    total = sum(tally.delivered.values())
    if not violations:
        violations += shares(tally, total, count)
    kinds = ", ".join(f"{tally.delivered[kind]} {kind}" for kind in KINDS)
    line = (
        f"fuzz: {total} messages ({kinds}), {tally.fates['ACCEPTED']} accepted, "
        f"{tally.fates['REJECTED']} refused with their place, {len(violations)} violations, "
        f"seed {number}"
    )
    return PartResult(line, violations)


def shares(tally: Tally, total: int, count: int) -> list[str]:
    """Whether a run proves anything: enough messages, and enough of both fates."""
    found = [] if total >= count else [f"only {total} of {count} messages were delivered"]
    return found + [
        f"too few messages were {fate} to prove anything: {tally.fates[fate]}"
        for fate in ("ACCEPTED", "REJECTED")
        if tally.fates[fate] < MIN_SHARE * total
    ]
