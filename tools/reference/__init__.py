"""The reference pages of docs/, made from the code: `make docs` writes them.

One module a page; its text, with what the code cannot tell, is in pages/.
"""


def make_pages() -> dict[str, str]:
    """Every page's text, by its place under docs/. Needs lambdas/ on the path."""
    from tools.reference import events, messages, metrics

    return {"metrics.md": metrics.page(), "messages.md": messages.page(), **events.pages()}
