"""Tenants: one customer's rows never reach another, whatever names, ids and manifests hold.

`python -m tests.chaos tenants`. Three bursts and single exports whose ids cross run at once on
virtual time, with cancellations, failures, recipients without rows and shuffled results. When they
have ended, exports of each burst run again (tests/chaos/tenants/again.py). Then a data set's tag
rules change, one export is sent that would show all rows by them, and one is cancelled whose id
begins the others'. Most have their files mailed, attached or as links. At the end every object,
file and download link is opened, and each mail of the mailbox with its files and links, and must
show the rows of its own recipient and no other's.
TENANTS_SEED repeats a run, TENANTS_COUNT sets the recipients of each burst.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory

from moto import mock_aws

from snapshot_export.domain.export import Status
from snapshot_export.errors import AlreadyEndedError, UnknownIdError
from snapshot_export.flows.export.cancel import cancel
from tests.chaos.mail_bugs import MAIL_BUGS
from tests.chaos.part import PartResult
from tests.chaos.tenant_bugs import TENANT_BUGS
from tests.chaos.tenants.again import FAIL_FOR_GOOD, Again, run_again
from tests.chaos.tenants.cast import Cast, make_cast
from tests.chaos.tenants.post import WORLDS_MAIL, Post
from tests.chaos.tenants.witness import Witness
from tests.chaos.theatre import connected
from tests.support.quick_moto import quick_moto
from tests.support.sessions import WorldSession
from tests.support.world import REGION, World

COUNT = 240
SAMPLE, SAMPLE_SEED = 18, 20_261_125
JOB_SECONDS = 20.0
CLAIMS = frozenset(bug.name for bug in (*TENANT_BUGS, *MAIL_BUGS))
"""Bugs that the sample must catch."""


def run() -> PartResult:
    """The part of `make chaos`."""
    seed = int(os.environ.get("TENANTS_SEED", SystemRandom().randrange(2**32)))
    return play(int(os.environ.get("TENANTS_COUNT", COUNT)), seed)


def sample() -> PartResult:
    """A fixed part of it, for `make test`."""
    return play(SAMPLE, SAMPLE_SEED)


def play(count: int, seed: int) -> PartResult:
    """Play once, and open everything."""
    cast = make_cast(count, seed)
    with connected() as (wire, clock), mock_aws(), quick_moto():
        session = WorldSession(region_name=REGION)
        world = World(session, wire, clock, mail=WORLDS_MAIL)  # type: ignore[arg-type]
        with TemporaryDirectory(prefix="chaos-tenants-") as folder:
            post = Post(world, Path(folder), seed)
            _trouble(world, cast)
            cancelled, again = _send_and_run(world, cast, post, Random(seed))
            seen = Witness(world, cast, cancelled, again).judge(post.mails(), post.taken_back)
    line = (
        f"tenants: {seen.recipients} recipients in {len(cast.bursts)} bursts, {seen.files} files "
        f"and {seen.links} links opened, {seen.objects} objects, "
        f"{seen.mails} mails with {seen.attachments} files and {seen.mail_links} links opened, "
        f"{len(cancelled)} cancelled, {len(again.before)} run again, {seen.empty} without rows, "
        f"{len(seen.violations)} violations, seed {seed}"
    )
    violations = [f"TENANTS_SEED={seed}: {text}" for text in seen.violations]
    opened = seen.files and seen.links and seen.attachments and seen.mail_links
    if not (opened and cancelled and again.before and seen.empty):
        violations.append("nothing was opened, cancelled, run again or empty: it proves nothing")
    return PartResult(line, violations)


def _trouble(world: World, cast: Cast) -> None:
    """Jobs and files that fail once, and some exports for good. Jobs take JOB_SECONDS."""
    _work_steadily(world)
    world.switch("fail_job", times=5, ErrorType="INTERNAL_ERROR")
    world.switch("fail_file", times=5, FileGroup=0, ErrorType="INTERNAL_ERROR")
    for burst in cast.bursts:
        dashboard = burst.template["DashboardId"]
        for index in range(len(burst.recipients)):
            if index % 10 not in (0, 9):
                continue
            world.switch(
                "fail_job",
                SnapshotJobId=f"{burst.burst_id}-{index + burst.first_line}-",
                DashboardId=dashboard,
                ErrorType=FAIL_FOR_GOOD,
            )


def _work_steadily(world: World) -> None:
    world.quicksight.emulator.clear_switches()
    world.switch("job_seconds", seconds=JOB_SECONDS, times=9999)


def _send_and_run(
    world: World, cast: Cast, post: Post, draw: Random
) -> tuple[frozenset[str], Again]:
    """Send all at once; cancel a fifth of them, in three strokes while the others run."""
    for single in cast.singles[:2]:
        world.send(single)
    s3 = world.session.client("s3")
    for burst in cast.bursts:
        key = f"manifests/{burst.burst_id}"
        s3.put_object(Bucket=world.settings.export_bucket, Key=key, Body=burst.manifest)
        manifest = {"S3Uri": f"s3://{world.settings.export_bucket}/{key}", "Format": burst.format}
        body = {"BurstId": burst.burst_id, "Template": burst.template, "Manifest": manifest}
        world.send({"Burst": body})
    for single in cast.singles[2:]:
        world.send(single)
    world.work_on_bursts()
    cancelled: set[str] = set()
    for _ in range(3):
        world.driver.run(until=world.clock.now() + 0.8 * JOB_SECONDS)
        post.carry()
        for burst in cast.bursts:
            for line in range(1, len(burst.recipients) + 2):
                if draw.random() < 1 / 12:
                    cancelled |= _cancel(world, post, f"{burst.burst_id}-{line}")
    world.driver.run()
    post.carry()
    _work_steadily(world)
    again = run_again(world, cast)
    cancelled -= again.before.keys()
    post.carry()
    cancelled |= _send_late(world, cast, post)
    post.carry(all_of_it=True)
    for name in cast.recalled:
        post.taken_back[name] = world.export(name).revision
        _cancel(world, post, name)
    return frozenset(cancelled), again


def _send_late(world: World, cast: Cast, post: Post) -> set[str]:
    """The last act, after the minutes in which the first was seen to have ended."""
    world.quicksight.emulator.put_data_set(cast.published)
    for single in cast.late:
        world.send(single)
    world.driver.run(until=world.clock.now() + JOB_SECONDS / 2)
    cancelled = {name for each in cast.stopped for name in _cancel(world, post, each)}
    world.driver.run()
    return cancelled


def _cancel(world: World, post: Post, export_id: str) -> set[str]:
    """The export, if it was cancelled or will be; of one that had completed its mails are taken
    back."""
    try:
        status = cancel(world.services, export_id)
    except (UnknownIdError, AlreadyEndedError):
        return set()
    if status is Status.COMPLETED:
        post.taken_back[export_id] = world.export(export_id).revision
    return {export_id} if status in (Status.CANCELLED, Status.RUNNING) else set()
