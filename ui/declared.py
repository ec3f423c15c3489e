"""Read what pages and topics declare in their source: mistakes and statements, without running one.

A mistake's title stands on its page, its lines and its lesson in the topic's function that runs it;
to run them all takes seconds, to read them milliseconds.
"""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ui import catalogue

__all__ = ["DeclaredMistake", "mistakes", "statements"]


@dataclass(frozen=True, slots=True)
class DeclaredMistake:
    """Hold a mistake's title, and the words of the function that runs it."""

    title: str
    words: str


def mistakes(page: catalogue.Page) -> tuple[DeclaredMistake, ...]:
    """Return the mistakes of a page in its order, each with the words of its function."""
    trees = _trees(page, "Mistake(")
    functions = {name: node for tree in trees for name, node in _functions(tree).items()}
    script = _parsed(page.file)
    found: dict[str, str] = {}
    for call in ast.walk(script):
        if not (isinstance(call, ast.Call) and _called(call) == "mistakes"):
            continue
        for title, name in _titled(call, functions):
            found[title] = _words(functions[name])
    return tuple(DeclaredMistake(title, words) for title, words in found.items())


def statements(page: catalogue.Page) -> tuple[str, ...]:
    """Return the statements of the notes that a topic judges, as it words them."""
    found = []
    for tree in _trees(page, "Claim("):
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and _called(call) == "Claim"):
                continue
            says = call.args[0] if call.args else _keywords(call).get("says")
            if words := _literal(says):
                found.append(words)
    return tuple(dict.fromkeys(found))


def _titled(call: ast.Call, functions: Mapping[str, ast.FunctionDef]) -> Iterator[tuple[str, str]]:
    """Yield titles with the names of their functions: they stand beside each other, in one row."""
    for row in ast.walk(call):
        parts: list[ast.expr] = []
        if isinstance(row, ast.Tuple):
            parts = row.elts
        elif isinstance(row, ast.Call) and _called(row) == "Lesson":
            parts = row.args
        match parts:
            case [ast.Constant(value=str(title)), *rest]:
                names = [str(getattr(part, "attr", getattr(part, "id", ""))) for part in rest]
                for name in [name for name in names if name in functions][:1]:
                    yield title, name


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def _literal(node: ast.AST | None) -> str:
    """Return the text of a string; "…" stands for what an f-string computes."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_literal(part) or "…" for part in parts)
    return ""


def _words(function: ast.FunctionDef) -> str:
    return " ".join(filter(None, map(_literal, ast.walk(function))))


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _trees(page: catalogue.Page, holding: str) -> Iterator[ast.Module]:
    """Yield what a topic's files hold, where they hold these letters."""
    own = Path(page.topic.__file__ or "")
    for path in sorted(own.parent.rglob("*.py")) if own.stem == "__init__" else [own]:
        if holding in path.read_text("utf-8"):
            yield _parsed(path)


@functools.lru_cache(maxsize=8)
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))
