"""The reference pages of docs/, made from the code: `make docs` writes them.

One module a page, each with a `page() -> str`; what the code cannot tell stands in its text.
"""
