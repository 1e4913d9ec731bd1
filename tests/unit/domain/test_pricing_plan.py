"""Two causes have one name: both are named, beside QuickSight's own words."""

from __future__ import annotations

from snapshot_export.domain.pricing_plan import explain_refusal

ADD_ON = "no Pixel-Perfect Reports add-on"
CAPACITY = "no capacity pricing"


def test_for_an_anonymous_user_both_causes_are_likely() -> None:
    text = explain_refusal("UnsupportedPricingPlan", "Its own words.", anonymous=True)
    assert text.startswith("Its own words. (likely: ")
    assert ADD_ON in text and CAPACITY in text


def test_for_a_registered_user_only_the_add_on_is() -> None:
    text = explain_refusal("UnsupportedPricingPlan", "", anonymous=False)
    assert text.startswith("(likely: ") and ADD_ON in text and CAPACITY not in text


def test_other_refusals_keep_their_words() -> None:
    assert explain_refusal("AccessDenied", "no", anonymous=True) == "no"
