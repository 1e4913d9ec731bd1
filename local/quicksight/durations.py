"""How long a snapshot job takes, drawn so that a catalogue behaves like a real account.

Seen in the wild: 27 to 43 s for a one-page sheet as PDF. Here, for each set of formats, the
catalogue's dashboards are the strata of one lognormal distribution in a seeded order, rescaled so
that their mean is exactly 40 s and the variation of all jobs 0.8; the jobs of one dashboard and
set of formats then vary by 0.15 around theirs. Equal arguments always give equal times.
"""

import hashlib
import math
import random
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist, fmean, pstdev

MEAN_SECONDS = 40.0
VARIATION = 0.8
VARIATION_WITHIN = 0.15

_BETWEEN = math.sqrt((1 + VARIATION**2) / (1 + VARIATION_WITHIN**2) - 1)


def draw_job_seconds(
    seed: int, dashboards: Sequence[str], dashboard: str, formats: str, occurrence: int
) -> float:
    """The unscaled seconds of the `occurrence`-th job of a dashboard and set of formats."""
    order = sorted(dashboards, key=lambda name: _hash(seed, "order", name, formats))
    typical = _strata(len(order))[order.index(dashboard)]
    sigma = math.sqrt(math.log(1 + VARIATION_WITHIN**2))
    noise = random.Random(_hash(seed, "job", dashboard, formats, occurrence)).gauss(0.0, sigma)
    return typical * math.exp(noise - sigma**2 / 2)


@lru_cache(maxsize=8)
def _strata(count: int) -> tuple[float, ...]:
    """Typical seconds of `count` dashboards: mean and variation hold exactly."""
    quantiles = [NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)]
    low, high = 0.0, 10.0
    for _ in range(60):
        sigma = (low + high) / 2
        values = [math.exp(sigma * quantile) for quantile in quantiles]
        if pstdev(values) / fmean(values) < _BETWEEN:
            low = sigma
        else:
            high = sigma
    return tuple(MEAN_SECONDS * value / fmean(values) for value in values)


def _hash(*parts: object) -> int:
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
