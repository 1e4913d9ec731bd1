"""`python -m tools.links`: every link and picture of the project's pages leads somewhere.

Checked are the files, folders and headings of this project; nothing is asked over the network.
Headings have the anchors that GitHub gives them, which the site uses too (mkdocs.yml).
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from local.command import run_command
from local.deployment import PROJECT_ROOT

NOT_OURS = (".git", ".local", ".venv", "cdk.out", "node_modules")
_TEMPLATES = Path("tools", "reference", "pages")
"""Of pages of docs/, where their links are looked at."""
_IN_HTML = re.compile(r"""\b(?:href|src|srcset)=["']([^"']+)""")
_READER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Link:
    """What a page refers to: `target` as it is written, and the line of its block, from 1."""

    page: Path
    line: int
    target: str


def find_pages(root: Path) -> list[Path]:
    """Every Markdown page of the project, in order."""
    pages = (path.relative_to(root) for path in root.rglob("*.md"))
    return [
        root / page
        for page in sorted(pages)
        if not {*NOT_OURS} & {*page.parts} and not page.is_relative_to(_TEMPLATES)
    ]


def read_links(page: Path) -> Iterator[Link]:
    """The links and pictures of a page, those in HTML too, not what stands in code."""
    for token in _READER.parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else 0
        for part in (token, *(token.children or ())):
            for target in _targets(part):
                yield Link(page, line, target)


def find_fault(link: Link, root: Path) -> str | None:
    """What is wrong with a link, or None."""
    url = urlsplit(link.target)
    if url.scheme or url.netloc:
        return None if url.scheme in ("https", "mailto") else "is not https"
    path = (link.page.parent / unquote(url.path)).resolve() if url.path else link.page
    if not path.is_relative_to(root):
        return "leaves the project"
    if not path.exists():
        return "is not there"
    if url.fragment and path.suffix == ".md" and url.fragment not in anchors_of(path):
        return "has no such heading"
    return None


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """The anchors of a page's headings; of equal ones the second ends in -1, and so on."""
    tokens = _READER.parse(page.read_text(encoding="utf-8"))
    slugs = [
        _slug(tokens[index + 1])
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    seen: Counter[str] = Counter()
    anchors = set()
    for slug in slugs:
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(anchors)


def _slug(heading: Token) -> str:
    text = "".join(part.content for part in heading.children or ())
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _targets(token: Token) -> Iterator[str]:
    for name in ("href", "src"):
        if value := token.attrGet(name):
            yield str(value)
    if token.type in ("html_block", "html_inline"):
        yield from _IN_HTML.findall(token.content)


def main() -> int:
    """The exit status is 1 if a link leads nowhere; each is a line with its page."""
    links = [link for page in find_pages(PROJECT_ROOT) for link in read_links(page)]
    faults = [(link, fault) for link in links if (fault := find_fault(link, PROJECT_ROOT))]
    for link, fault in faults:
        place = f"{link.page.relative_to(PROJECT_ROOT)}:{link.line}"
        print(f"{place}: {link.target} {fault}")
    print(f"links: {len(links)} looked at, {len(faults)} lead nowhere")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(run_command(main, logs=""))
