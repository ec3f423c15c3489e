"""Write the skeleton of a new page: files that run and are proved, to be changed piece by piece.

``python -m skeleton lessons tensors views "Views, strides and storage"`` writes a page of lessons,
``python -m skeleton topic losses hinge "Hinge loss"`` a topic with figures of its own.
"""

import keyword
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ui import catalogue

__all__ = ["KINDS", "entry", "files", "row", "write"]

_HERE = Path(__file__).parent
_PACKAGES = ("explainers", "figures")
_LONGEST_TITLE = 40

KINDS: Mapping[str, Mapping[str, str]] = {
    "lessons": {
        "topic.txt": "explainers/{chapter}/{slug}/__init__.py",
        "first.txt": "explainers/{chapter}/{slug}/first.py",
        "page.txt": "pages/{chapter}/{slug}.py",
    },
    "topic": {
        "topic.txt": "explainers/{chapter}/{slug}/__init__.py",
        "view.txt": "explainers/{chapter}/{slug}/view.py",
        "checks.txt": "explainers/{chapter}/{slug}/checks.py",
        "training.txt": "explainers/{chapter}/{slug}/training.py",
        "mistakes.txt": "explainers/{chapter}/{slug}/mistakes.py",
        "figures.txt": "figures/{chapter}/{slug}.py",
        "page.txt": "pages/{chapter}/{slug}.py",
        "tests.txt": "tests/explainers/{chapter}/test_{slug}.py",
    },
}
"""By kind of page, which file is made of which template."""


def files(kind: str, chapter: str, slug: str, title: str) -> dict[str, str]:
    """Return the text of each file of a new page, by its path from the project's root.

    Args:
        kind: One of `KINDS`.
        chapter: The chapter's folder.
        slug: The page's address and the name of its modules.
        title: As readers will know it.

    Raises:
        ValueError: Kind or chapter is not there, or slug or title cannot be one.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind}")
    named = _chapter(chapter)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug) or keyword.iskeyword(slug):
        raise ValueError(f"slug must be a name in lower case, got {slug}")
    if not title.isprintable() or not title.strip() or set(title) & set('"\\|'):
        raise ValueError(f"title must be words without quotes, bars and backslashes, got {title}")
    if len(title) > _LONGEST_TITLE:
        raise ValueError(f"title must be at most {_LONGEST_TITLE} letters long, got {len(title)}")
    words = {
        "chapter": chapter,
        "slug": slug,
        "title": title.strip(),
        "Kind": "".join(part.title() for part in slug.split("_")),
    }
    found = {
        path.format(**words): _filled((_HERE / kind / template).read_text("utf-8"), words)
        for template, path in KINDS[kind].items()
    }
    for layer in _PACKAGES:
        if any(path.startswith(f"{layer}/") for path in found):
            found.setdefault(f"{layer}/{chapter}/__init__.py", f'"""Chapter {named}."""\n')
    return found


def write(made: Mapping[str, str], root: Path = catalogue.ROOT) -> list[Path]:
    """Write the files beneath `root`, in ruff's order; a chapter's package that is there stays.

    Raises:
        FileExistsError: One is there already; then none is written.
    """
    chapters = {path for path in made if path.endswith("__init__.py") and path.count("/") == 2}
    new = {path: text for path, text in made.items() if path not in chapters}
    if there := [path for path in new if (root / path).exists()]:
        raise FileExistsError(f"nothing is overwritten, and {there[0]} exists")
    new |= {path: made[path] for path in chapters if not (root / path).exists()}
    for path, text in new.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    written = [root / path for path in new]
    # Names come in an order that depends on what the chapter and the page are called.
    for order in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *order, *written], cwd=root, check=True)
    return written


def entry(chapter: str, slug: str, title: str) -> str:
    """Return what `ui/catalogue.py` needs to know of the page, as it stands there."""
    return f'''    Page(
        slug="{slug}",
        title="{title.strip()}",
        question="Which one question does it answer?",
        icon=":material/school:",
        chapter="{_chapter(chapter)}",
        terms=("torch.name",),
    ),
'''


def row(chapter: str, title: str) -> str:
    """Return the page's line in the README's table."""
    return f"| {_chapter(chapter)} | {title.strip()} | Which one question does it answer? |\n"


def _chapter(folder: str) -> str:
    """Return a chapter's title.

    Raises:
        ValueError: There is none on the path.
    """
    titles = {
        name.lower().replace(" ", "_"): name for stage in catalogue.PATH.values() for name in stage
    }
    if folder not in titles:
        raise ValueError(f"chapter must be one of {', '.join(titles)}, got {folder}")
    return titles[folder]


def _filled(template: str, words: Mapping[str, str]) -> str:
    # Not string.Template: a lesson's program has holes of its own.
    return re.sub(r"«(\w+)»", lambda hole: words[hole[1]], template)
