"""What an account lacks whose pricing plan QuickSight refuses: it has one name for two causes.

Sources: StartDashboardSnapshotJob's text, "Exporting CSV, Excel, or Pixel Perfect PDF reports
requires Pixel Perfect Report Add-on"; UnsupportedPricingPlanException's, "Before you can use
embedding for anonymous users, a Quick Suite administrator needs to add capacity pricing". Whether
snapshots for anonymous users need it too is not said [? capacity-pricing].
"""

from __future__ import annotations

UNSUPPORTED_PRICING_PLAN = "UnsupportedPricingPlan"
"""Error code: the exception's name."""
_ADD_ON = "no Pixel-Perfect Reports add-on, which CSV, Excel and pixel-perfect PDF need"
_CAPACITY = "no capacity pricing, which anonymous users need"


def explain_refusal(code: str, message: str, *, anonymous: bool) -> str:
    """QuickSight's own words for refusing a start, with the likely causes if it is the plan."""
    if code != UNSUPPORTED_PRICING_PLAN:
        return message
    causes = f"{_ADD_ON}; or {_CAPACITY}" if anonymous else _ADD_ON
    return f"{message} (likely: {causes})".lstrip()
