"""`make docs-site`: the pages as a site, in .local/site/html, by MkDocs with the theme Material.

The pages lie beside what they link to (cdk.json, examples/, tests), outside of one folder of
documents, as GitHub shows them. So the tracked pages and the files that they link to are copied,
in their own tree, to where mkdocs.yml reads. A link that leads nowhere fails the build.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.command import run_command
from local.deployment import PROJECT_ROOT
from tools.links import find_pages, read_links

SITE = PROJECT_ROOT / ".local" / "site"
_LEFT_OUT = (".github", "tests", "tools")


def files_of_the_site(root: Path) -> set[Path]:
    """Every page that is no test's and no tool's, and each file that those link to."""
    pages = [page for page in find_pages(root) if page.relative_to(root).parts[0] not in _LEFT_OUT]
    files = set(pages)
    for link in (link for page in pages for link in read_links(page)):
        url = urlsplit(link.target)
        if not url.scheme and url.path:
            files.add((link.page.parent / unquote(url.path)).resolve())
    return {path for path in files if path.is_file()}


def main() -> int:
    """Copy, then build; the answer is MkDocs' exit status."""
    source = SITE / "source"
    shutil.rmtree(source, ignore_errors=True)
    for path in files_of_the_site(PROJECT_ROOT):
        copy = source / path.relative_to(PROJECT_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet"]
    return subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(run_command(main, logs=""))
