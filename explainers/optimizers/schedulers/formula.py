"""Read a typed formula as bounded arithmetic in one variable, and as nothing else.

Three gates stand behind each other. The text may hold only numbers, known words and arithmetic
signs; its tree may hold only a few kinds of node; and what is left is run by `simpleeval` with
operators that work on floats and refuse to leave their range. None of the three trusts the others.
"""

import ast
import functools
import math
import operator
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpleeval import SimpleEval

from explainers.parameters import shown
from explainers.pasted import plain

LONGEST = 200
DEEPEST = 40
# At this size a thousand evaluations take under 30 ms.
MOST_NODES = 64

CONSTANTS = {"pi": math.pi, "e": math.e}
# How many arguments each function takes: least and most.
FUNCTIONS = {
    "min": (2, 8),
    "max": (2, 8),
    "abs": (1, 1),
    "sqrt": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "sin": (1, 1),
    "cos": (1, 1),
    "tanh": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "where": (3, 3),
}
_KEYWORDS = {"if", "else", "and", "or", "not"}

# What is read before it is rewritten; each expression below takes one pass over it.
_LONGEST_READ = 1000
_LAMBDA = re.compile(
    r"(?:[A-Za-z_][A-Za-z0-9_]*\ *=\ *)?lambda\ +"
    r"(?P<variable>[A-Za-z_][A-Za-z0-9_]*)\ *:(?P<body>.*)"
)
_MODULE = re.compile(r"(?<![A-Za-z0-9_.])(?:math|np|numpy|torch)\.(?=([a-z]+)(?![A-Za-z0-9_.]))")
_WORD = re.compile(r"(?<![A-Za-z0-9_.])[A-Za-z_][A-Za-z0-9_]*")
# A float of a float is itself.
_FLOAT = re.compile(r"(?<![A-Za-z0-9_.])float(?=\ *\()")
# Other names of the same.
_ALIASES = {"minimum": "min", "maximum": "max", "fabs": "abs"}
_INSTEAD = {"int": "floor(…)", "round": "floor(… + 0.5)", "pow": "a ** b"}

_TOKEN = re.compile(
    r"""\ +
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |\*\*|//|<=|>=|==|!=|[-+*/%<>(),]""",
    re.VERBOSE,
)


def _ranged(operation: Callable[..., float]) -> Callable[..., float]:
    """Wrap an operation so that infinity and NaN are errors, not values."""

    def checked(*operands: float) -> float:
        value = operation(*operands)
        if -sys.float_info.max <= value <= sys.float_info.max:
            return value
        raise OverflowError

    return checked


_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: _ranged(operator.add),
    ast.Sub: _ranged(operator.sub),
    ast.Mult: _ranged(operator.mul),
    ast.Div: _ranged(operator.truediv),
    ast.FloorDiv: _ranged(operator.floordiv),
    ast.Mod: _ranged(operator.mod),
    # On floats a power takes no time however large; a complex one is an error.
    ast.Pow: math.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class _Names(threading.local):
    """Hold the variable's value, for each thread its own: the evaluator below is shared."""

    variable = ""
    value = 0.0

    def __getitem__(self, name: str) -> float:
        if name != self.variable:
            raise KeyError(name)
        return self.value


_NAMES = _Names()
# One for all: making one touches Python's warning filters, which belong to the process.
_EVALUATOR = SimpleEval(
    operators=_OPERATORS,
    functions={
        "min": min,
        "max": max,
        "abs": abs,
        "sqrt": math.sqrt,
        "exp": math.exp,
        "log": math.log,
        "sin": math.sin,
        "cos": math.cos,
        "tanh": math.tanh,
        "floor": math.floor,
        "ceil": math.ceil,
    },
    names=_NAMES,
    allowed_attrs={},
)


def formula(expression: str, *, variable: str = "epoch") -> Callable[[int], float]:
    """Return the function that a line of arithmetic spells.

    Known are numbers, `variable`, pi and e; + - * / // % ** and comparisons; and, or, not; a if b
    else c; min, max, abs, sqrt, exp, log, sin, cos, tanh, floor, ceil and where(condition, a, b).
    All of it is computed in float64. Parts without the variable are computed once, here.

    Args:
        expression: The text, at most 200 characters as `spelled` gives it.
        variable: Name of the one variable.

    Returns:
        A function of the variable, an int, that gives a finite float. It raises ValueError, with
        the formula and the variable's value, where the formula gives none (as 1 / epoch at 0).

    Raises:
        ValueError: `expression` is anything else.
    """
    expression = spelled(expression, variable=variable)
    tree = _tree(expression, variable)

    def evaluate(epoch: int) -> float:
        return _value(tree, expression, variable, epoch)

    return evaluate


def along(expression: str, *, variable: str = "epoch") -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return the function that computes a line of arithmetic at many values at once.

    It gives what `formula` gives, but for the last bit of a power or a function, and NaN where
    `formula` raises. A formula without the variable costs nothing; others what `weight` says.

    Args:
        expression: As `formula` takes it.
        variable: Name of the one variable.

    Returns:
        A function of numbers ``(n,)`` that gives ``(n,)`` float64.

    Raises:
        ValueError: `expression` is no formula.
    """
    tree = _tree(spelled(expression, variable=variable), variable)

    def evaluate(at: NDArray[Any]) -> NDArray[Any]:
        found = np.empty(at.shape)
        with np.errstate(all="ignore"):
            # In pieces that stay in the processor's own memory.
            for start in range(0, len(at), _PIECE):
                piece = slice(start, start + _PIECE)
                found[piece] = _along(tree, at[piece].astype(np.float64))
        return found

    return evaluate


def weight(expression: str, *, variable: str = "epoch") -> int:
    """Return what a formula costs at many values at once, in additions; 0 for a constant.

    Raises:
        ValueError: `expression` is no formula.
    """
    tree = _tree(spelled(expression, variable=variable), variable)
    if isinstance(tree, ast.Constant):
        return 0
    return sum(_weight(node) for node in ast.walk(tree))


def _weight(node: ast.AST) -> int:
    match node:
        case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=float() as by)) if (
            by in _QUICK_POWERS
        ):
            return 2
        case ast.BinOp(op=ast.Pow() | ast.Mod() | ast.FloorDiv()):
            return 42
        case ast.Name(id=name) if name in _DEAR:
            return 40
    return 2 if isinstance(node, ast.expr) else 0


_PIECE = 16_384
# As a square, a root and a quotient they have as many digits, in a tenth of the time.
_QUICK_POWERS = (2.0, 0.5, -1.0)
_DEAR = {"exp", "log", "sin", "cos", "tanh"}
_TWO: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_ONE: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("abs", "sqrt", "exp", "log", "sin", "cos", "tanh", "floor", "ceil")
}


def _along(node: ast.expr, at: NDArray[Any]) -> NDArray[Any]:
    """Return a checked tree's values; NaN, which stays, stands for a value that is none."""
    parts: list[NDArray[Any]]
    match node:
        case ast.Constant(value=int() | float() as value):
            return np.full(at.shape, float(value))
        case ast.Name():
            return at
        case ast.BinOp(left=ast.Constant(value=int() | float() as base), op=ast.Pow(), right=right):
            exponents = _along(right, at)
            found = powers(base, exponents)
            if base == 1:  # 1 ** NaN is 1
                found[np.isnan(exponents)] = np.nan
            return _finite(found)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=float() as by)) if (
            by in _QUICK_POWERS
        ):
            return _finite(_along(left, at) ** by)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            bases, exponents = _along(left, at), _along(right, at)
            found = np.power(bases, exponents)
            # So is NaN ** 0.
            found[np.isnan(bases) | np.isnan(exponents)] = np.nan
            return _finite(found)
        case ast.BinOp(left=left, op=op, right=right):
            return _finite(_TWO[type(op)](_along(left, at), _along(right, at)))
        case ast.UnaryOp(op=op, operand=operand):
            inner = _along(operand, at)
            if isinstance(op, ast.Not):
                return np.where(np.isnan(inner), np.nan, inner == 0)
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BoolOp(op=op, values=[first, *others]):
            found = _along(first, at)
            for other in others:
                # As Python's: what decides is the value, and what comes after is not computed.
                open_ = (found == 0) if isinstance(op, ast.Or) else (found != 0)
                open_ &= ~np.isnan(found)
                found = found.copy()
                found[open_] = _along(other, at[open_])
            return found
        case ast.Compare(left=left, ops=ops, comparators=others):
            before, found = _along(left, at), np.ones(at.shape)
            for sign, other in zip(ops, others, strict=True):
                after = _along(other, at)
                holds = _TWO[type(sign)](before, after).astype(np.float64)
                holds[np.isnan(before) | np.isnan(after)] = np.nan
                found = np.where(found == 1, holds, found)
                before = after
            return found
        case ast.IfExp(test=test, body=body, orelse=orelse):
            decides = _along(test, at)
            found = np.full(at.shape, np.nan)
            for taken, branch in (
                ((decides != 0) & ~np.isnan(decides), body),
                (decides == 0, orelse),
            ):
                found[taken] = _along(branch, at[taken])
            return found
        case ast.Call(func=ast.Name(id=name), args=given):
            parts = [_along(each, at) for each in given]
            if name in ("min", "max"):
                fold = np.minimum if name == "min" else np.maximum
                return functools.reduce(fold, parts)
            return _finite(_ONE[name](parts[0]))
    raise TypeError(ast.dump(node))


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return values with NaN for infinity: `formula` lets neither pass."""
    if not np.isfinite(values.sum()):
        values[~np.isfinite(values)] = np.nan
    return values


def powers(base: float, exponents: NDArray[Any]) -> NDArray[Any]:
    """Return powers of one number, float64 of the shape of `exponents`.

    Where they are 0 or infinite the processor takes twenty times as long: those are not computed.
    """
    found: NDArray[Any]
    if not base > 0 or base == 1:
        found = np.power(float(base), exponents)
        return found
    size = exponents * math.log(base)
    ends = (size < -750) | (size > 710)
    if not ends.any():
        found = np.power(float(base), exponents)
        return found
    found = np.where(size < 0, 0.0, math.inf)
    found[~ends] = np.power(float(base), exponents[~ends])
    return found


def spelled(expression: str, *, variable: str = "epoch") -> str:
    """Return a formula as the page spells it: what is pasted may be a line of code.

    Taken away are full-width signs, a lambda (its variable becomes `variable`), the modules of
    ``math.cos``, ``np.minimum``, ``torch.exp`` and the like, and ``float(...)``. Text without them
    comes back as it is, right or wrong.

    Raises:
        ValueError: A lambda uses `variable` beside its own, which is another.
    """
    if not isinstance(expression, str) or len(expression) > _LONGEST_READ:
        return expression
    # Letters and digits stay: a wide one is no letter of a formula.
    text = "".join(sign if sign.isalnum() else plain(sign) for sign in expression)
    taken = _LAMBDA.fullmatch(text.strip(" "))
    if taken is not None:
        own, text = taken["variable"], taken["body"].strip(" ")
        words = {word[0] for word in _WORD.finditer(text)}
        if own != variable:
            if variable in words:
                raise _refuse(f"use its own variable alone, {own}", variable)
            text = _WORD.sub(lambda word: variable if word[0] == own else word[0], text)
    text = _MODULE.sub(lambda found: "" if _is_known(found[1]) else found[0], text)
    text = _FLOAT.sub("", text)
    return _WORD.sub(lambda word: _ALIASES.get(word[0], word[0]), text)


def _is_known(word: str) -> bool:
    return word in CONSTANTS or word in FUNCTIONS or word in _ALIASES or word in _INSTEAD


def _refuse(rule: str, got: object) -> ValueError:
    return ValueError(f"formula must {rule}, got {shown(got)}")


def _tree(expression: str, variable: str) -> ast.expr:
    """Return the checked tree of `expression`."""
    if not isinstance(expression, str):
        raise _refuse("be text", expression)
    if not expression.strip(" "):
        raise _refuse("not be empty", repr(expression))
    if len(expression) > LONGEST:
        raise _refuse(f"have at most {LONGEST} characters", len(expression))
    _check_words(expression, variable)
    try:
        tree = ast.parse(expression.strip(" "), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _refuse("be complete arithmetic, as in 0.95**epoch", expression) from None
    nodes = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if nodes > MOST_NODES:
        raise _refuse(f"have at most {MOST_NODES} parts", nodes)
    return _Reader(expression, variable).read(tree.body, 0)


def _check_words(expression: str, variable: str) -> None:
    """Let only numbers, known words and arithmetic signs pass."""
    known = {variable, *CONSTANTS, *FUNCTIONS, *_KEYWORDS}
    at = 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if token is None:
            rest = expression[at:].split(" ", maxsplit=1)[0]
            raise _refuse("hold only numbers, words and + - * / // % ** < > ( ) and commas", rest)
        if token["word"] is not None and token["word"] not in known:
            if token["word"] in _INSTEAD:
                raise _refuse(f"write {_INSTEAD[token['word']]} instead", token["word"])
            words = ", ".join([variable, *CONSTANTS, *FUNCTIONS])
            raise _refuse(f"use only the words {words}, if, else, and, or, not", token["word"])
        at = token.end()


class _Reader:
    """Rebuild a tree from the few kinds of node that are let through."""

    def __init__(self, expression: str, variable: str) -> None:
        self.expression = expression
        self.variable = variable

    def read(self, node: ast.expr, depth: int) -> ast.expr:
        """Return `node` rebuilt: numbers as floats, `where` as if-else, constant parts computed."""
        if depth > DEEPEST:
            raise _refuse(f"be nested at most {DEEPEST} deep", self.expression)
        parts: list[ast.expr]
        built: ast.expr
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._number(value)
            case ast.Name(id=name) if name == self.variable:
                return ast.Name(id=name, ctx=ast.Load())
            case ast.Name(id=name) if name in CONSTANTS:
                return ast.Constant(CONSTANTS[name])
            case ast.BinOp() if type(node.op) in _OPERATORS:
                parts = self._all([node.left, node.right], depth)
                built = ast.BinOp(parts[0], node.op, parts[1])
            case ast.UnaryOp() if type(node.op) in _OPERATORS:
                parts = self._all([node.operand], depth)
                built = ast.UnaryOp(node.op, parts[0])
            case ast.BoolOp():
                parts = self._all(node.values, depth)
                built = ast.BoolOp(node.op, parts)
            case ast.Compare() if all(type(op) in _OPERATORS for op in node.ops):
                parts = self._all([node.left, *node.comparators], depth)
                built = ast.Compare(parts[0], node.ops, parts[1:])
            case ast.IfExp():
                parts = self._all([node.test, node.body, node.orelse], depth)
                built = ast.IfExp(*parts)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
                parts = self._all(node.args, depth)
                least, most = FUNCTIONS[name]
                if not least <= len(parts) <= most:
                    count = f"{least}" if least == most else f"{least} to {most}"
                    raise _refuse(f"give {name} {count} values", len(parts))
                # The branch that is not taken must not be computed: where(epoch > 0, 1/epoch, 1).
                built = (
                    ast.IfExp(*parts)
                    if name == "where"
                    else ast.Call(ast.Name(id=name, ctx=ast.Load()), parts, [])
                )
            case _:
                raise _refuse("be plain arithmetic", self.expression)
        if all(isinstance(part, ast.Constant) for part in parts):
            return ast.Constant(_value(built, self.expression, self.variable))
        return built

    def _all(self, nodes: list[ast.expr], depth: int) -> list[ast.expr]:
        return [self.read(node, depth + 1) for node in nodes]

    def _number(self, value: float) -> ast.Constant:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _refuse("hold only numbers below 1e308", self.expression)
        return ast.Constant(number)


def _value(tree: ast.expr, expression: str, variable: str, epoch: int | None = None) -> float:
    """Return the value of a checked tree, a finite float; None for a tree without the variable."""
    try:
        _NAMES.variable, _NAMES.value = variable, float(epoch or 0)
        value = float(_EVALUATOR.eval(expression, previously_parsed=tree))
    except ZeroDivisionError:
        problem = "a division by zero"
    except OverflowError:
        problem = "a number above 1e308"
    except ValueError:
        problem = "no real number"
    else:
        if math.isfinite(value):
            return value
        problem = str(value)
    where = "" if epoch is None else f" at {variable} {shown(epoch)}"
    raise ValueError(
        f"formula must give a finite number, got {problem}{where} in {shown(expression)}"
    )
