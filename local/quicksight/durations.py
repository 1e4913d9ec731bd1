"""How long a snapshot job takes, drawn so that a catalogue behaves like a real account.

Seen in the wild: 27 to 43 s for a one-page sheet as PDF. Here, for each set of formats, the
catalogue's dashboards are the strata of one lognormal distribution in a seeded order, rescaled so
that their mean is exactly 40 s and the variation of all jobs 0.8; the jobs of one dashboard and
set of formats then vary by 0.15 around theirs. Equal arguments always give equal times.

Which of a dashboard's times a job gets: by arrival, that of its number among the alike; by viewer,
that of its row-level-security tags or user, so that it is the same in whatever order jobs come.
"""

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import NormalDist, fmean, pstdev
from typing import Any, Literal

Durations = Literal["by-arrival", "by-viewer"]

MEAN_SECONDS = 40.0
VARIATION = 0.8
VARIATION_WITHIN = 0.15

_BETWEEN = math.sqrt((1 + VARIATION**2) / (1 + VARIATION_WITHIN**2) - 1)


def draw_job_seconds(
    seed: int, dashboards: Sequence[str], dashboard: str, formats: str, which: int | str
) -> float:
    """The unscaled seconds of one job of a dashboard and set of formats: the `which`-th, or of
    the viewer `which`."""
    order = sorted(dashboards, key=lambda name: _hash(seed, "order", name, formats))
    typical = _strata(len(order))[order.index(dashboard)]
    sigma = math.sqrt(math.log(1 + VARIATION_WITHIN**2))
    noise = random.Random(_hash(seed, "job", dashboard, formats, which)).gauss(0.0, sigma)
    return typical * math.exp(noise - sigma**2 / 2)


def name_viewer(members: Mapping[str, Any], user: str | None) -> str:
    """Whom an accepted start is for: the user, or the tags in their order; empty if it says none.

    What it answers goes into a hash only, never into the ledger.
    """
    viewers = members.get("UserConfiguration", {}).get("AnonymousUsers", [])
    tags = [tag for viewer in viewers for tag in viewer.get("RowLevelPermissionTags", [])]
    return "\0".join([user or "", *(f"{tag['Key']}={tag['Value']}" for tag in tags)])


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
