"""How long the snapshot jobs of a dashboard take: learned from each that ended.

Described by a lognormal. What is kept are two moments of the logarithm, weighted exponentially:
small, updated by one job at a time, and no job is remembered for long. The newest job weighs a
fifth at least, so a change in a dashboard's times is followed within a few jobs; one outlier widens
the expectation more than it moves it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

MIN_WEIGHT = 0.2
"""What the newest job weighs at least."""
USUAL_SPREAD = 0.25
"""How the jobs of one dashboard vary (of the logarithm), until its own are known."""
USUAL_SPREAD_WEIGHT = 2
"""For how many jobs USUAL_SPREAD counts."""
UNKNOWN_DOUBT = 0.65
"""How far an unknown dashboard may be from what the deployment expects (of the logarithm)."""
SHORTEST_SECONDS = 0.05

_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True)
class Durations:
    """What was learned of one dashboard and its formats. The moments are of ln(seconds)."""

    jobs: int
    log_mean: float
    log_variance: float


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """How long the next job takes (seconds): lognormal about `median`.

    `spread` is how single jobs vary, `doubt` how far the median itself may be off, which is the
    same for all jobs of the dashboard (both of the logarithm). `jobs` is how many were learned.
    """

    median: float
    spread: float
    doubt: float
    jobs: int

    @property
    def deviation(self) -> float:
        """Standard deviation of the logarithm of one job's seconds, doubt included."""
        return math.hypot(self.spread, self.doubt)

    @property
    def mean(self) -> float:
        """Expected seconds."""
        return self.median * math.exp(self.deviation**2 / 2)

    def survival(self, seconds: float) -> float:
        """The chance that a job takes longer than `seconds`."""
        if seconds <= 0:
            return 1.0
        return _NORMAL.cdf(-math.log(seconds / self.median) / self.deviation)

    def quantile(self, chance: float) -> float:
        """Seconds within which a job ends with this chance (0 < chance < 1)."""
        return self.median * math.exp(self.deviation * _NORMAL.inv_cdf(chance))

    def sample(self, random: Random) -> float:
        """Seconds of one job, doubt included."""
        return self.median * math.exp(random.gauss(0.0, self.deviation))


def learn(known: Durations | None, seconds: float) -> Durations:
    """What is known after one more job."""
    log = math.log(max(seconds, SHORTEST_SECONDS))
    if known is None:
        return Durations(jobs=1, log_mean=log, log_variance=0.0)
    weight = max(1 / (known.jobs + 1), MIN_WEIGHT)
    surprise = log - known.log_mean
    return Durations(
        jobs=known.jobs + 1,
        log_mean=known.log_mean + weight * surprise,
        log_variance=(1 - weight) * (known.log_variance + weight * surprise**2),
    )


def in_turn(jobs: Sequence[Expectation], between: float = 0.0) -> Expectation:
    """What to expect of jobs that run one after another, as if they were one, with so many seconds
    between two of them.

    A lognormal with the mean and the variance of the sum (Fenton and Wilkinson); what the jobs are
    off by is of one dashboard, and so adds up.
    """
    if len(jobs) == 1:
        return jobs[0]
    mean = sum(each.mean for each in jobs) + between * (len(jobs) - 1)
    variance = sum(each.mean**2 * math.expm1(each.spread**2) for each in jobs)
    spread = math.sqrt(math.log1p(variance / mean**2))
    doubt = sum(each.mean * each.doubt for each in jobs) / mean
    return Expectation(
        median=mean * math.exp(-(spread**2 + doubt**2) / 2),
        spread=spread,
        doubt=doubt,
        jobs=min(each.jobs for each in jobs),
    )


def expect(known: Durations | None, default_seconds: float) -> Expectation:
    """What to expect of the next job; `default_seconds` is the mean before anything is learned."""
    if known is None:
        deviation = math.hypot(USUAL_SPREAD, UNKNOWN_DOUBT)
        median = default_seconds * math.exp(-(deviation**2) / 2)
        return Expectation(median=median, spread=USUAL_SPREAD, doubt=UNKNOWN_DOUBT, jobs=0)
    remembered = min(known.jobs, (2 - MIN_WEIGHT) / MIN_WEIGHT)
    variance = (USUAL_SPREAD_WEIGHT * USUAL_SPREAD**2 + remembered * known.log_variance) / (
        USUAL_SPREAD_WEIGHT + remembered
    )
    return Expectation(
        median=math.exp(known.log_mean),
        spread=math.sqrt(variance),
        doubt=math.sqrt(variance / remembered),
        jobs=known.jobs,
    )
