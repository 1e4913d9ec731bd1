"""What `make check` says of the links of a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.links import anchors_of, find_fault, find_pages, main, read_links


def faults_of(text: str, folder: Path) -> list[tuple[int, str, str]]:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return [
        (link.line, link.target, fault)
        for link in read_links(page)
        if (fault := find_fault(link, folder))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other page.md").write_text("# One\n\n## Two, `three` & four\n")
    (tmp_path / "data.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    "target",
    [
        "docs",
        "docs/",
        "data.json",
        "<docs/other page.md>",
        "docs/other%20page.md",
        "docs/other%20page.md#two-three--four",
        "#here",
        "https://example.org/nowhere#at-all",
    ],
)
def test_a_link_that_leads_somewhere_is_right(target: str, folder: Path) -> None:
    assert faults_of(f"# Here\n\n[text]({target})\n", folder) == []


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("docs/gone.md", "is not there"),
        ("Data.json", "is not there"),
        ("docs/other%20page.md#three", "has no such heading"),
        ("#there", "has no such heading"),
        ("../outside.md", "leaves the project"),
        ("http://example.org", "is not https"),
    ],
)
def test_a_link_that_leads_nowhere_is_told_with_its_line(
    target: str, fault: str, folder: Path
) -> None:
    text = f"# Here\n\n| a |\n| --- |\n| [text]({target}) |\n"

    assert faults_of(text, folder) == [(5, target, fault)]


def test_pictures_and_html_are_looked_at_and_code_is_not(folder: Path) -> None:
    text = (
        "![gone](a.png) <img src='b.png'> `[code](c.md)`\n\n"
        '<p><a href="d.md">gone</a></p>\n\n'
        "```\n[code](e.md)\n```\n"
    )

    assert [target for _, target, _ in faults_of(text, folder)] == ["a.png", "b.png", "d.md"]


def test_equal_headings_are_counted_and_those_in_code_are_none(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("# Same\n\n## Same\n\n```\n# not one\n```\n\nUnder\n-----\n")

    assert anchors_of(page) == {"same", "same-1", "under"}


def test_pages_of_others_and_templates_are_not_looked_at(folder: Path) -> None:
    for path in (".venv/a.md", "node_modules/b/c.md", "tools/reference/pages/d.md", "tools/e.md"):
        page = folder / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("[gone](gone.md)")

    found = {str(page.relative_to(folder)) for page in find_pages(folder)}

    assert found == {"docs/other page.md", "tools/e.md"}


def test_every_link_of_the_project_leads_somewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out
