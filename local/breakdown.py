"""Where each second over the bound goes, from QuickSight's ledger alone. Pure.

Every slot is a chain: from the first send to its first job's start, then job, poll, hand-off, next
job and so on, and after its last job it lies idle until the row has ended. So the slot-seconds of
the makespan that no job used are accounted for without a rest, each in one of the parts below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

START = "StartDashboardSnapshotJob"
DESCRIBE = "DescribeDashboardSnapshotJob"
RESULT = "DescribeDashboardSnapshotJobResult"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the ledger; times in epoch seconds. `seen` is the first call that found it ended.

    `drawn` is the time that the emulator meant it to take; it ends a little later, when its files
    are delivered and its clock ticks.
    """

    started: float
    ended: float
    seen: float
    drawn: float


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Lost seconds of the makespan, each the slot-seconds lost divided by the slots.

    `fill`: from the first send to each slot's first start. `late_end`: QuickSight's own delay
    after the drawn time. `poll`: from a job's end to the call that saw it (or to the next start,
    where that came first). `hand_off`: from there to the next start in that slot. `tail`: slots
    without work until the last job was seen. `closing`: from then to the last file in its place.
    """

    fill: float
    late_end: float
    poll: float
    hand_off: float
    tail: float
    closing: float

    @property
    def total(self) -> float:
        """All of it: the makespan less the sum of the drawn times divided by the slots."""
        parts = (self.fill, self.late_end, self.poll, self.hand_off, self.tail, self.closing)
        return sum(parts)


def find_bound(seconds: Sequence[float], slots: int) -> float:
    """What no scheduler can beat: the work shared by all slots, or the longest job."""
    return max(sum(seconds) / slots, max(seconds, default=0.0))


def read_jobs(ledger: Mapping[str, Any], prefix: str = "") -> list[Job]:
    """The ended jobs whose id begins with `prefix`, in the order of their starts.

    A job that nobody has seen ended counts as seen at its end.
    """
    seen: dict[str, float] = {}
    ends = {job["SnapshotJobId"]: job["ended"] for job in ledger["jobs"] if job["ended"]}
    for call in ledger["calls"]:
        job_id = call["SnapshotJobId"]
        asks = call["operation"] in (DESCRIBE, RESULT)
        is_answer = asks and call["outcome"] == "OK" and not call["lost"]
        if is_answer and job_id in ends and call["time"] >= ends[job_id]:
            seen.setdefault(job_id, call["time"])
    return sorted(
        (
            Job(
                started=job["created"],
                ended=job["ended"],
                seen=seen.get(job["SnapshotJobId"], job["ended"]),
                drawn=job["seconds"],
            )
            for job in ledger["jobs"]
            if job["ended"] and job["SnapshotJobId"].startswith(prefix)
        ),
        key=lambda job: job.started,
    )


def break_down(jobs: Sequence[Job], *, slots: int, sent_at: float, finished_at: float) -> Breakdown:
    """Where the lost seconds of a row went. `jobs` in the order of their starts.

    The first starts take a new slot each; a later one that which was seen free first, or, where it
    came before anybody saw one, the slot whose job ended first. Raises ValueError if more jobs ran
    at a time than there are slots.
    """
    free: list[Job] = []
    poll = hand_off = 0.0
    used = min(slots, len(jobs))
    fill = sum(job.started - sent_at for job in jobs[:used])
    for number, job in enumerate(jobs):
        if number >= used:
            before = _take(free, job.started)
            seen = min(before.seen, job.started)
            poll += seen - before.ended
            hand_off += job.started - seen
        free.append(job)
    last_seen = max((job.seen for job in jobs), default=sent_at)
    poll += sum(job.seen - job.ended for job in free)
    tail = sum(last_seen - job.seen for job in free) + (slots - used) * (last_seen - sent_at)
    late = sum(job.ended - job.started - job.drawn for job in jobs)
    return Breakdown(
        fill=fill / slots,
        late_end=late / slots,
        poll=poll / slots,
        hand_off=hand_off / slots,
        tail=tail / slots,
        closing=finished_at - last_seen,
    )


def _take(free: list[Job], start: float) -> Job:
    """Remove and answer the job whose slot a start took."""
    ended = [job for job in free if job.ended <= start]
    if not ended:
        raise ValueError("more jobs ran than there are slots")
    job = min(ended, key=lambda each: (each.seen > start, each.seen, each.ended))
    free.remove(job)
    return job
