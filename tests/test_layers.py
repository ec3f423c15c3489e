"""Rules about the source itself that import-linter cannot state."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE_FOLDERS = (
    "assets",
    "benchmarks",
    "explainers",
    "figures",
    "pages",
    "skeleton",
    "tests",
    "ui",
)

# A page joins parts; it neither computes nor draws.
A_PAGE_MAY_IMPORT = {"explainers", "figures", "streamlit", "ui"} | sys.stdlib_module_names


def modules(node: ast.AST) -> list[str]:
    """The modules that an import statement names; of ``from .x import y``, none."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def without_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree, but for the bodies of ``if TYPE_CHECKING:``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and dotted(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield from without_type_checking(other)
        else:
            yield from without_type_checking(child)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def foreign_imports(tree: ast.AST) -> list[str]:
    """What a page imports and may not."""
    names = [name for node in ast.walk(tree) for name in modules(node)]
    return [name for name in names if name.partition(".")[0] not in A_PAGE_MAY_IMPORT]


def runtime_torch(tree: ast.AST) -> list[str]:
    """The imports of torch that run."""
    names = [name for node in without_type_checking(tree) for name in modules(node)]
    return [name for name in names if name.partition(".")[0] in {"torch", "torchvision"}]


def forbidden_calls(tree: ast.AST) -> list[str]:
    """Uses of raw HTML, of eval and exec, and of torch's global generator."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "unsafe_allow_html":
            found.append("unsafe_allow_html")
        if isinstance(node, ast.Call) and dotted(node.func) in {"eval", "exec"}:
            found.append(dotted(node.func))
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if name.startswith("torch.") and "manual_seed" in name:
                found.append(name)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            found += [alias.name for alias in node.names if "manual_seed" in alias.name]
    return found


def sources(*folders: str) -> dict[str, ast.AST]:
    """The parsed Python files of some folders, by path."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes()) for path in paths}


def test_pages_neither_compute_nor_draw() -> None:
    trees = sources("pages")
    broken = {path: bad for path, tree in trees.items() if (bad := foreign_imports(tree))}
    assert broken == {}


def test_figures_import_torch_for_its_types_alone() -> None:
    trees = sources("figures")
    broken = {path: bad for path, tree in trees.items() if (bad := runtime_torch(tree))}
    assert broken == {}


# A lesson's program is part of this project, and the engine runs it: this one `exec`, and no other.
# What a reader types never comes here: a program's holes take declared numbers and choices alone.
THE_ENGINE = {"explainers/program/running.py": ["exec"]}


def test_no_file_uses_raw_html_or_eval_or_the_global_generator() -> None:
    trees = sources(*SOURCE_FOLDERS)
    trees |= {path.name: ast.parse(path.read_bytes()) for path in ROOT.glob("*.py")}
    broken = {path: bad for path, tree in trees.items() if (bad := forbidden_calls(tree))}
    assert broken == THE_ENGINE


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import numpy.linalg", ["numpy.linalg"]),
        ("from torch import Tensor", ["torch"]),
        ("def f():\n    import plotly.express as px", ["plotly.express"]),
        ("import math\nimport streamlit as st\nfrom ui.page import frame", []),
    ],
)
def test_a_page_that_computes_or_draws_is_found(code: str, found: list[str]) -> None:
    assert foreign_imports(ast.parse(code)) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import torch", ["torch"]),
        ("if TYPE_CHECKING:\n    from torch import Tensor", []),
        ("if typing.TYPE_CHECKING:\n    import torch", []),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import torch", ["torch"]),
        ("def f():\n    from torch.nn import functional", ["torch.nn"]),
    ],
)
def test_a_figure_that_needs_torch_to_run_is_found(code: str, found: list[str]) -> None:
    assert runtime_torch(ast.parse(code)) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("st.markdown(text, unsafe_allow_html=True)", ["unsafe_allow_html"]),
        ("eval(formula)", ["eval"]),
        ("model.eval()", []),
        ("torch.manual_seed(0)", ["torch.manual_seed"]),
        ("torch.cuda.manual_seed_all(0)", ["torch.cuda.manual_seed_all"]),
        ("from torch.random import manual_seed", ["manual_seed"]),
        ("torch.Generator().manual_seed(0)", []),
        ("SNIPPET = 'torch.manual_seed(0)'", []),
    ],
)
def test_a_forbidden_call_is_found(code: str, found: list[str]) -> None:
    assert forbidden_calls(ast.parse(code)) == found


# What a reader types is parsed in the server and run elsewhere. Of the scratchpad, these modules
# alone touch what runs a program, and only a child of the helper calls them.
INSIDE = {"guarded", "values", "operators", "weaving"}


def imported_outside(tree: ast.AST) -> set[str]:
    """Modules of the scratchpad, and of the engine, that are imported when a module is."""
    names: set[str] = set()
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("explainers"):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_what_runs_a_readers_program_is_never_imported_by_the_server() -> None:
    trees = sources("explainers", "figures", "ui", "pages")
    for path, tree in trees.items():
        inside = path.startswith("explainers/scratchpad/")
        if inside and Path(path).stem in INSIDE:
            continue
        for name in imported_outside(tree):
            parts = name.split(".")
            if parts[:2] == ["explainers", "scratchpad"] and INSIDE & set(parts):
                pytest.fail(f"{path} imports {name}")
            if not inside and parts[:2] == ["explainers", "scratchpad"]:
                assert len(parts) <= 3, f"{path} reaches into the scratchpad for {name}"
            if inside and "running" in parts:
                pytest.fail(f"{path} imports {name}")


def test_only_the_helpers_child_runs_a_guarded_program() -> None:
    tree = sources("explainers/scratchpad")["explainers/scratchpad/helper.py"]
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("guarded" in name for inner in ast.walk(node) for name in modules(inner))
    }
    assert functions == {"_run", "warm"}
    callers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Call) and dotted(one.func) == "_run" for one in ast.walk(node))
    }
    assert callers == {"_live"}


def test_an_import_of_what_runs_programs_is_found() -> None:
    tree = ast.parse("from explainers.scratchpad import values\nimport torch")
    assert imported_outside(tree) == {"explainers.scratchpad.values", "torch"}
