"""Requests that start after their data: joined, judged, started or held, released."""
