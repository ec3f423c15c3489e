"""Rewrite a program so that it tells, after each statement, that the statement ran.

The rewritten program calls functions that it finds among its builtins, under the names below: none
of its own names is taken, and `globals()` shows none of ours.
"""

import ast
import types
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

FILE = "<program>"
"""The file that tracebacks and code objects of a program name."""

RECORD = "__record__"
"""Called with first line, last line, lines of the loops around: a statement ran."""
SHOW = "__show__"
"""Called with the value of a statement that is a bare expression."""
RETURN = "__return__"
"""Called as RECORD, then with the value that the function returns, and returns it."""
ENTER = "__enter_function__"
"""Called first in every function."""
LOOP = "__loop__"
"""Called with a loop's line before the loop begins."""
TURN = "__turn__"
"""Called with a loop's line first in each of its turns."""
ALIVE = "__alive__"
"""Called first where an exception was caught: raises again what must not be caught."""
WATCHED = "__watched__"
"""Called with what a builtin is about to exhaust."""
GENERATOR = "__generator__"
"""Called for ``torch.default_generator``."""

_Loops = tuple[int, ...]
_Node = TypeVar("_Node", bound=ast.AST)


def instrumented(
    source: str, weave: Callable[[ast.Module], ast.Module] | None = None
) -> types.CodeType:
    """Compile a program that reports each of its statements.

    Simple statements report after they ran, also inside ``if``, ``for``, ``while``, ``with``,
    ``try``, ``match`` and inside functions; of a class its whole body is one statement, and its
    methods are functions. Docstrings report nothing.

    Args:
        source: The program.
        weave: Rewrites its tree before; what it puts in needs no place of its own.

    Raises:
        SyntaxError: It is no Python.
        ValueError, RecursionError, MemoryError: Python's parser refuses it for another reason.
    """
    for attempt in range(_ATTEMPTS):
        try:
            tree = ast.parse(source, FILE)
            tree = tree if weave is None else weave(tree)
            tree = _Expressions().visit(tree)
            tree.body = _block(tree.body, ())
            return compile(ast.fix_missing_locations(tree), FILE, "exec", dont_inherit=True)
        except SystemError:  # Python 3.11's ast counts its depth for all threads at once
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


_ATTEMPTS = 20


# Their loops run in C: handed an iterator of C's, none of them ever comes back to Python.
_EXHAUST = {"all", "any", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple"}


class _Expressions(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        exhausts = isinstance(node.func, ast.Name) and node.func.id in _EXHAUST
        if exhausts and node.args and not isinstance(node.args[0], ast.Starred):
            node.args[0] = _located(_call(WATCHED, node.args[0]), node.args[0])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        known = isinstance(node.value, ast.Name) and node.value.id == "torch"
        if known and node.attr == "default_generator" and isinstance(node.ctx, ast.Load):
            return _located(_call(GENERATOR), node)
        return node


def _block(statements: Sequence[ast.stmt], loops: _Loops) -> list[ast.stmt]:
    return [new for statement in statements for new in _statement(statement, loops)]


def _statement(statement: ast.stmt, loops: _Loops) -> list[ast.stmt]:
    match statement:
        case ast.For() | ast.While():
            return _loop(statement, loops)
        case ast.If():
            statement.body = _block(statement.body, loops)
            statement.orelse = _block(statement.orelse, loops)
            return [statement]
        case ast.With():
            statement.body = _block(statement.body, loops)
            return [statement]
        case ast.Try() | ast.TryStar():
            return [_try(statement, loops)]
        case ast.Match():
            for case in statement.cases:
                case.body = _block(case.body, loops)
            return [statement]
        case ast.FunctionDef():
            _function(statement)
        case ast.ClassDef():
            _class(statement)
        case ast.Return(value=ast.expr() as value):
            statement.value = _located(_call(RETURN, *_place(statement, loops), value), value)
            return [statement]
        case ast.Return() | ast.Break() | ast.Continue():
            return [_record(statement, loops), statement]
        case ast.Raise() | ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="__future__"):
            return [statement]
        case ast.Expr(value=value):
            statement.value = _located(_call(SHOW, value), value)
        case _:
            pass
    return [statement, _record(statement, loops)]


def _loop(loop: ast.For | ast.While, loops: _Loops) -> list[ast.stmt]:
    inside = (*loops, loop.lineno)
    turn = _located(ast.Expr(_call(TURN, ast.Constant(loop.lineno))), loop)
    loop.body = [turn, *_block(loop.body, inside)]
    loop.orelse = _block(loop.orelse, loops)
    return [_located(ast.Expr(_call(LOOP, ast.Constant(loop.lineno))), loop), loop]


def _try(statement: ast.Try | ast.TryStar, loops: _Loops) -> ast.stmt:
    statement.body = _block(statement.body, loops)
    statement.orelse = _block(statement.orelse, loops)
    for handler in statement.handlers:
        alive = _located(ast.Expr(_call(ALIVE)), handler)
        handler.body = [alive, *_block(handler.body, loops)]
    if statement.finalbody:
        alive = _located(ast.Expr(_call(ALIVE)), statement.finalbody[0])
        statement.finalbody = [alive, *_block(statement.finalbody, loops)]
    return statement


def _function(function: ast.FunctionDef) -> None:
    documented = ast.get_docstring(function, clean=False) is not None
    body = _block(function.body[documented:], ())
    enter = _located(ast.Expr(_call(ENTER)), function)
    function.body = [*function.body[:documented], enter, *body]


def _class(statement: ast.ClassDef) -> None:
    for inner in statement.body:
        if isinstance(inner, ast.FunctionDef):
            _function(inner)
        elif isinstance(inner, ast.ClassDef):
            _class(inner)


def _record(statement: ast.stmt, loops: _Loops) -> ast.stmt:
    return _located(ast.Expr(_call(RECORD, *_place(statement, loops))), statement)


def _place(statement: ast.stmt, loops: _Loops) -> Iterable[ast.expr]:
    decorators = getattr(statement, "decorator_list", ())
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    last = statement.end_lineno or statement.lineno
    around = ast.Tuple([ast.Constant(line) for line in loops], ast.Load())
    return ast.Constant(first), ast.Constant(last), around


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _located(new: _Node, old: ast.AST) -> _Node:
    # What stood in the program keeps its place; tracebacks blame the rest on the statement.
    for node in ast.walk(new):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, old)
    return new
