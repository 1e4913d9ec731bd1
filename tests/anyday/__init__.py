"""Tests at other dates, in other zones, locales and terminals, in random order."""
