"""The first wall: the language. A program is parsed, and refused for what is not listed here."""

import ast
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from torch import nn

from explainers.scratchpad import offered

MOST_CHARACTERS = 4_000
"""Characters of a program."""
MOST_LINES = 80
"""Lines of a program."""
_MOST_NODES = 2_500
_DEEPEST = 40
_MOST_BRACKETS = 24
_MOST_TEXT = 500
_MOST_BITS = 64
_LONGEST_NAME = 40
_ATTEMPTS = 20

_SIGNS = re.compile(r"(?:[-+~]\s*|\bnot\b\s*|\blambda\b[^:\n]{0,40}:\s*|\*\*\s*){12}")


def _nodes(words: str) -> tuple[type[ast.AST], ...]:
    return tuple(getattr(ast, name) for name in words.split())


_NODES = _nodes(
    "Module Expr Assign AugAssign For While If With withitem FunctionDef arguments arg Return "
    "Pass Break Continue Delete Import ImportFrom alias Name Load Store Del Constant Tuple "
    "List Dict Set Subscript Slice Attribute Call keyword BinOp UnaryOp BoolOp Compare IfExp "
    "JoinedStr FormattedValue ListComp SetComp DictComp GeneratorExp comprehension Starred "
    "Lambda ClassDef Try ExceptHandler Assert Add Sub Mult Div FloorDiv Mod Pow MatMult LShift "
    "RShift BitOr BitXor BitAnd Invert Not UAdd USub And Or Eq NotEq Lt LtE Gt GtE Is IsNot In "
    "NotIn"
)
_PIECES: dict[str, tuple[str, str]] = {
    "AsyncFunctionDef": ("async", "a run has one thing to do at a time"),
    "AsyncFor": ("async", "a run has one thing to do at a time"),
    "AsyncWith": ("async", "a run has one thing to do at a time"),
    "Await": ("await", "a run has one thing to do at a time"),
    "Yield": ("yield", "return a list"),
    "YieldFrom": ("yield from", "return a list"),
    "Global": ("global", "return the value and bind it outside"),
    "Nonlocal": ("nonlocal", "return the value and bind it outside"),
    "NamedExpr": (":=", "bind the name on a line of its own"),
    "Match": ("match", "write if and elif"),
    "Raise": ("raise", "assert x, 'why' ends a run with words"),
    "TryStar": ("except*", "write except"),
    "AnnAssign": ("a type beside a name", "write x = value"),
}
_CONSTANTS = (int, float, complex, str, bool, type(None), type(...))
_OF_MODULES = frozenset(dir(nn.Module)) - offered.METHODS
_STATIC = "staticmethod"
_CLASS = "write class Net(nn.Module): or class Twice(torch.autograd.Function):"
# Bound on a line that does not run, the name would be Python's own.
_KEPT = frozenset(
    "breakpoint classmethod compile delattr dir eval exec exit getattr globals hasattr help locals "  # noqa: SIM905
    "memoryview open property quit setattr staticmethod super vars".split()
)
_OF_A_TYPE = frozenset(["__name__", "__class__"])


def check(source: str) -> ast.Module:
    """Parse a program of the language.

    Raises:
        ValueError: It has a piece that the language does not: its line, the piece, and why or what
            instead; or it is no Python.
    """
    if not isinstance(source, str):
        raise ValueError(f"source must be text, got {type(source).__name__}")
    _measure(source)
    tree = _parsed(source)
    _Reader(tree).read()
    return tree


def _refuse(line: int, piece: str, why: str) -> NoReturn:
    raise ValueError(f"line {line}: {piece} is not available here: {why}")


def _measure(source: str) -> None:
    """Refuse what is too long, or nested so deep that Python's own parser would say it badly."""
    if len(source) > MOST_CHARACTERS:
        raise ValueError(
            f"line 1: a program must have at most {MOST_CHARACTERS} characters, got {len(source)}"
        )
    lines = source.count("\n") + 1
    if lines > MOST_LINES + 1:
        raise ValueError(f"line 1: a program must have at most {MOST_LINES} lines, got {lines}")
    depth, line = 0, 1
    for character in source:
        if character == "\n":
            line += 1
        elif not character.isprintable() and character not in "\t\r":
            _refuse(line, f"the character {ord(character):#x}", "it cannot be seen")
        depth += (character in "([{") - (character in ")]}")
        if depth > _MOST_BRACKETS:
            _refuse(line, "so many brackets in another", f"{_MOST_BRACKETS} deep is the most")
    signs = _SIGNS.search(source)
    if signs:
        line = source.count("\n", 0, signs.start()) + 1
        _refuse(line, "so many signs in a row", "eleven are the most")


def _parsed(source: str) -> ast.Module:
    for attempt in range(_ATTEMPTS):
        try:
            return ast.parse(source)
        except SyntaxError as error:
            raise ValueError(f"line {error.lineno or 1}: this is no Python: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError):
            raise ValueError("line 1: this is nested too deep to be read") from None
        except SystemError:  # Python 3.11's ast counts its depth for all threads at once
            if attempt == _ATTEMPTS - 1:
                raise ValueError("line 1: this could not be read; try again") from None
    raise AssertionError


class _Reader:
    """Walk a tree in the order of its text, and refuse the first piece that is not listed."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._own = set(_bound(tree))
        self._attributes = offered.ALL | set(_attributes(tree))
        self._keywords = offered.KEYWORDS | {
            node.arg for node in _walk(tree) if isinstance(node, ast.arg)
        }
        self._defined = _defined(tree)

    def read(self) -> None:
        waiting: list[tuple[ast.AST, int, int, str]] = [(self._tree, 0, 1, "")]
        count = 0
        while waiting:
            node, depth, line, in_class = waiting.pop()
            line = getattr(node, "lineno", line)
            count += 1
            if count > _MOST_NODES:
                _refuse(line, "a program of so many parts", "show what matters alone")
            if depth > _DEEPEST:
                _refuse(line, "so much nested in another", "bind parts of it to names first")
            if not isinstance(node, _NODES):
                kind = type(node).__name__
                _refuse(line, *_PIECES.get(kind, (kind, "the scratchpad's language has it not")))
            look = getattr(self, f"_{type(node).__name__}", None)
            if look is not None:
                look(node, line)
            if isinstance(node, ast.FunctionDef):
                self._function(node, line, in_class)
            inside = kind_of(node) if isinstance(node, ast.ClassDef) else ""
            children = [
                child for child in ast.iter_child_nodes(node) if not self._skipped(node, child)
            ]
            waiting.extend((child, depth + 1, line, inside) for child in reversed(children))

    def _skipped(self, node: ast.AST, child: ast.AST) -> bool:
        """Whether a child was looked at as part of its parent: ``super().__init__()``."""
        if isinstance(node, ast.FunctionDef):
            return child in node.decorator_list
        return isinstance(node, ast.Expr) and is_super(child)

    def _name(self, name: str, line: int, *, bound: bool = False) -> None:
        if name in _OF_A_TYPE:
            _refuse(line, name, "type(x).__name__ is the name of what x is")
        if (name.startswith("_") and name != "_") or "__" in name:
            _refuse(line, name, "names begin with a letter here, and have no __")
        if len(name) > _LONGEST_NAME or not name.isascii():
            _refuse(line, f"a name like {name[:_LONGEST_NAME]}", "names are short and plain here")
        if bound and name in offered.MODULES:
            _refuse(line, f"{name} as a name of your own", "it is torch's here")
        if bound and name in _KEPT:
            _refuse(line, f"{name} as a name of your own", "it is Python's")

    def _Name(self, node: ast.Name, line: int) -> None:  # noqa: N802
        self._name(node.id, line, bound=not isinstance(node.ctx, ast.Load))
        known = node.id in offered.BUILTINS | offered.EXCEPTIONS | self._own
        if node.id in offered.PYTHON and not known:
            _refuse(line, node.id, offered.instead(node.id, "the scratchpad has it not"))

    def _Attribute(self, node: ast.Attribute, line: int) -> None:  # noqa: N802
        if is_name_of_type(node):
            return
        if node.attr != offered.VERSION:
            self._name(node.attr, line)
        if isinstance(node.ctx, ast.Del):
            _refuse(line, f"del of .{node.attr}", "bind another value to it")
        known = offered.ALL if _of_torch(node.value) else self._attributes
        if node.attr not in known:
            piece = _piece(node)
            _refuse(line, piece, offered.instead(node.attr, "the scratchpad has it not"))

    def _Delete(self, node: ast.Delete, line: int) -> None:  # noqa: N802
        if len(node.targets) > 1 and not all(isinstance(one, ast.Name) for one in node.targets):
            _refuse(line, "del of several at once", "write a del for each")

    def _arg(self, node: ast.arg, line: int) -> None:
        self._name(node.arg, line, bound=True)

    def _Call(self, node: ast.Call, line: int) -> None:  # noqa: N802
        """Look at the arguments' names: those of torch's are listed, your own take any."""
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        makes_keys = called in offered.DICTS and called not in self._own
        takes_any = makes_keys or self._defined.get(called, False)
        for keyword in node.keywords:
            if keyword.arg is None:
                if not makes_keys and called not in self._defined:
                    why = "functions of your own take it; of torch's, name each argument"
                    _refuse(line, "** of a dict", why)
            elif takes_any:
                self._name(keyword.arg, line)
            elif keyword.arg not in self._keywords:
                why = offered.instead(keyword.arg, "the scratchpad has it not")
                _refuse(line, f"{keyword.arg}=", why)

    def _Dict(self, node: ast.Dict, line: int) -> None:  # noqa: N802
        if any(key is None for key in node.keys):
            _refuse(line, "**", "a.update(b), or write each key")

    def _arguments(self, node: ast.arguments, line: int) -> None:
        if node.posonlyargs:
            _refuse(line, "/ among a function's arguments", "leave it out")

    def _function(self, node: ast.FunctionDef, line: int, of: str) -> None:
        for inner in _walk(node):
            if isinstance(inner, ast.ClassDef):
                _refuse(inner.lineno, "a class in a function", "write it beside the function")
        static = is_static(node)
        if node.decorator_list and not (static and of == FUNCTION):
            _refuse(line, "a decorator", "call the function where you need it")
        if of == FUNCTION:
            if node.name not in offered.FUNCTION_METHODS:
                _refuse(line, f"a method called {node.name}", "write it as a function of its own")
            if not static:
                _refuse(line, f"{node.name} without @staticmethod", "write that above it")
        if of and node.name == "__init__":
            return
        self._name(node.name, line, bound=True)
        if of == MODULE and node.name in _OF_MODULES:
            _refuse(line, f"a method called {node.name}", "nn.Module has its own")

    def _ClassDef(self, node: ast.ClassDef, line: int) -> None:  # noqa: N802
        self._name(node.name, line, bound=True)
        if node.decorator_list or node.keywords:
            _refuse(line, "a decorated class", _CLASS)
        if not kind_of(node):
            _refuse(line, f"class {node.name} of another kind", _CLASS)
        for inner in node.body:
            words = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
            if not isinstance(inner, ast.FunctionDef | ast.Pass) and not words:
                _refuse(inner.lineno, "this in a class", "set it in a method, on self or ctx")

    def _Constant(self, node: ast.Constant, line: int) -> None:  # noqa: N802
        value = node.value
        if not isinstance(value, _CONSTANTS):
            _refuse(line, type(value).__name__, "numbers and texts are written here")
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            _refuse(line, "so large a number", f"{_MOST_BITS} bits are the most")
        if isinstance(value, str) and len(value) > _MOST_TEXT:
            _refuse(line, "so long a text", f"{_MOST_TEXT} characters are the most")

    def _FormattedValue(self, node: ast.FormattedValue, line: int) -> None:  # noqa: N802
        parts = getattr(node.format_spec, "values", [])
        plain = all(isinstance(part, ast.Constant) for part in parts)
        spec = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        if not plain or not offered.FORMAT.fullmatch(spec):
            _refuse(line, f"the format {spec[:20]!r}", "such as :.3f or :>8 is")

    def _Import(self, node: ast.Import, line: int) -> None:  # noqa: N802
        self._imported(node, line)

    def _ImportFrom(self, node: ast.ImportFrom, line: int) -> None:  # noqa: N802
        self._imported(node, line)

    def _imported(self, node: ast.Import | ast.ImportFrom, line: int) -> None:
        for words in imports(node):
            if words not in offered.IMPORTS:
                root = words.split()[1].partition(".")[0]
                why = "torch, nn, F and optim are there, imported or not"
                _refuse(line, words, offered.instead(f"import {root}", why))

    def _With(self, node: ast.With, line: int) -> None:  # noqa: N802
        for item in node.items:
            if not is_context(item):
                words = ast.unparse(item.context_expr)[:60]
                _refuse(line, f"with {words}", "torch.no_grad() and its kin are")

    def _ExceptHandler(self, node: ast.ExceptHandler, line: int) -> None:  # noqa: N802
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        for kind in kinds:
            if not isinstance(kind, ast.Name) or kind.id not in offered.EXCEPTIONS:
                _refuse(line, "except of such a kind", "write except RuntimeError as error:")
        if node.name is not None:
            self._name(node.name, line, bound=True)

    def _Try(self, node: ast.Try, line: int) -> None:  # noqa: N802
        if node.finalbody:
            _refuse(line, "finally", "what stands after the try runs too")


MODULE, FUNCTION = "nn.Module", "torch.autograd.Function"
"""What a class may derive from."""


def kind_of(node: ast.ClassDef) -> str:
    """Return what a class derives from: `MODULE`, `FUNCTION`, or "" for anything else."""
    bases = [ast.unparse(base) for base in node.bases if isinstance(base, ast.Attribute)]
    if len(node.bases) != 1 or len(bases) != 1:
        return ""
    return {MODULE: MODULE, f"torch.{MODULE}": MODULE, FUNCTION: FUNCTION}.get(bases[0], "")


def is_static(node: ast.FunctionDef) -> bool:
    """Whether ``@staticmethod``, word for word, is all that stands above a function."""
    return [getattr(one, "id", "") for one in node.decorator_list] == [_STATIC]


def is_name_of_type(node: ast.Attribute) -> bool:
    """Whether this is ``type(x).__name__``, which is a text."""
    call = node.value
    return (
        node.attr == "__name__"
        and isinstance(node.ctx, ast.Load)
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "type"
        and len(call.args) == 1
        and not call.keywords
    )


def is_super(node: ast.AST) -> bool:
    """Whether this is ``super().__init__()``, word for word."""
    return (
        isinstance(node, ast.Call)
        and not (node.args or node.keywords)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
        and isinstance(node.func.value, ast.Call)
        and not (node.func.value.args or node.func.value.keywords)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super"
    )


def is_context(item: ast.withitem) -> bool:
    """Whether this is ``torch.no_grad()`` or one of its kin."""
    call = item.context_expr
    return (
        item.optional_vars is None
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in offered.CONTEXTS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "torch"
    )


def imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Give each import of a statement as if it stood alone."""
    for alias in node.names:
        name = alias.name + (f" as {alias.asname}" if alias.asname else "")
        dots = "." * getattr(node, "level", 0)
        place = f"from {dots}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
        yield f"{place}import {name}"


def _piece(node: ast.Attribute) -> str:
    value: Any = node.value
    if isinstance(value, ast.Name):
        return f"{value.id}.{node.attr}"
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return f"{value.value.id}.{value.attr}.{node.attr}"
    return f".{node.attr}"


def _of_torch(node: ast.AST) -> bool:
    """Whether what stands before a dot is torch, or a module of it: those have no names of ours."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in offered.MODULES


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Give every node, without Python's recursion."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _defined(tree: ast.AST) -> dict[str, bool]:
    """Return the names that stand for functions and classes of the program's and nothing else.

    With each, whether it takes arguments of any name.
    """
    found: dict[str, bool] = {}
    for node in _walk(tree):
        if isinstance(node, ast.FunctionDef):
            found[node.name] = found.get(node.name, False) or node.args.kwarg is not None
        elif isinstance(node, ast.ClassDef):
            found[node.name] = True  # what it has no argument for, its __init__ says
    others = {
        name
        for node in _walk(tree)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
        for name in _names_bound(node)
    } | {name for name, _ in offered.IMPORTS.values()}
    return {
        name: takes
        for name, takes in found.items()
        if name not in others and name not in offered.PYTHON
    }


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in _walk(tree):
        yield from _names_bound(node)


def _names_bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name


def _attributes(tree: ast.AST) -> Iterator[str]:
    """Names that a program gives to attributes of its own modules."""
    for node in _walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (inner.name for inner in node.body if isinstance(inner, ast.FunctionDef))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
