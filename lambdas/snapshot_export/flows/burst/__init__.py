"""A burst's way: accepted, expanded into exports, closed with its manifest and report."""
