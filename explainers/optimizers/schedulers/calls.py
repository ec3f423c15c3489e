"""Read and write a schedule as the call that makes it, without the optimizer.

``StepLR(step_size=30, gamma=0.5)`` is the name in a legend, the text in an address and the line of
code to take away. A composer holds its children: ``SequentialLR(LinearLR(total_iters=10),
CosineAnnealingLR(T_max=90), milestones=[10])``. Read is that, and what stands in people's code:
``scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)``. Nothing is evaluated: the text is
parsed, and only names of schedulers, arguments, numbers and arithmetic of numbers, words, lists and
formulas are taken.
"""

import ast
import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.optim import lr_scheduler

from explainers.optimizers.schedulers.formula import formula
from explainers.optimizers.schedulers.specs import SCHEDULERS, SchedulerSpec
from explainers.optimizers.schedulers.tracing import COMPOSERS, MOST_CHILDREN
from explainers.parameters import shown
from explainers.pasted import plain

# Six children with every argument, and a formula of 200 characters for each of four groups.
LONGEST = 5000
MOST_KEPT = 12
RULE = "a call such as StepLR(step_size=30, gamma=0.5)"
RULE_FOR_MANY = f"at most {MOST_KEPT} calls with semicolons between, such as StepLR(step_size=30)"


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """Hold one scheduler with its arguments, or a composer with its children.

    Attributes:
        name: torch's class name.
        arguments: Those given, by name, in torch's order; lists are tuples.
        children: Of a composer; empty for a scheduler alone.
        milestones: Where SequentialLR passes on.
        base_lr: CyclicLR's own, one rate or one for each parameter group; None where it is the
            rate that the optimizer is made with.
    """

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    children: tuple["Schedule", ...] = ()
    milestones: tuple[int, ...] = ()
    base_lr: float | tuple[float, ...] | None = None

    @property
    def spec(self) -> SchedulerSpec | None:
        """The scheduler's declaration; None for a composer."""
        return SCHEDULERS.get(self.name)

    @property
    def needs_losses(self) -> bool:
        """Whether its steps take a loss."""
        return self.name == "ReduceLROnPlateau"

    def rates(self, made: tuple[float, ...]) -> tuple[float, ...]:
        """Return the rate that each parameter group has when the scheduler is made.

        Args:
            made: The rates that the optimizer is made with.

        Raises:
            ValueError: `base_lr` has other groups.
        """
        if self.base_lr is None:
            return made
        if not isinstance(self.base_lr, tuple):
            return (self.base_lr,) * len(made)
        if len(self.base_lr) != len(made):
            raise ValueError(
                f"base_lr must have one value for each of {len(made)} groups, got {self.base_lr}"
            )
        return self.base_lr

    @property
    def own_rate(self) -> str:
        """What a rate of its own does, in a sentence; empty where it has none."""
        if self.base_lr is None:
            return ""
        return (
            f"The call has its own base_lr, {written(self.base_lr)}: it begins there, and the "
            "control lr does not move it. Leave base_lr out of the call, and lr is the base_lr."
        )

    def __str__(self) -> str:
        """Return the call as text, arguments at torch's defaults left out."""
        parts = [str(child) for child in self.children]
        if self.base_lr is not None:
            parts.append(f"base_lr={written(self.base_lr)}")
        parts += [f"{name}={written(value)}" for name, value in self.arguments]
        if self.milestones:
            parts.append(f"milestones={written(self.milestones)}")
        return f"{self.name}({', '.join(parts)})"


def written(value: Any) -> str:
    """Return an argument's value as Python."""
    if isinstance(value, tuple):
        return f"[{', '.join(written(entry) for entry in value)}]"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        # 0.1, not 0.10000000000000001; 1e-08 as it is; 1/3 whole.
        short = f"{value:.10g}"
        return short if float(short) == value else repr(value)
    return repr(value)


def schedule(name: str, arguments: Any = (), **composed: Any) -> Schedule:
    """Return a schedule with its arguments checked; those at torch's defaults are left out.

    Args:
        name: torch's class name, of a scheduler or a composer.
        arguments: A mapping, or pairs, of a scheduler's arguments.
        **composed: ``children`` and ``milestones`` of a composer; ``base_lr`` of CyclicLR.

    Raises:
        ValueError: The name is unknown or an argument breaks its rule.
    """
    if name in COMPOSERS:
        if dict(arguments):
            raise ValueError(
                f"arguments of {name} must be children and milestones, "
                f"got {shown(next(iter(dict(arguments))))}"
            )
        children = tuple(composed.get("children", ()))
        if not 1 <= len(children) <= MOST_CHILDREN or any(child.children for child in children):
            raise ValueError(f"children of {name} must be 1 to {MOST_CHILDREN} schedulers")
        for child in children:
            if child.base_lr is not None:
                raise ValueError(
                    f"base_lr must be left out in {name}, got {written(child.base_lr)}: its "
                    "children share the optimizer's rate, the control lr"
                )
        return Schedule(name, (), children, tuple(composed.get("milestones", ())))
    if name not in SCHEDULERS:
        options = ", ".join((*SCHEDULERS, *COMPOSERS))
        raise ValueError(f"scheduler must be one of {options}, got {shown(name)}")
    spec = SCHEDULERS[name]
    checked = spec.check(dict(arguments))
    given = tuple(
        (key, value)
        for key, value in checked.items()
        if spec.arguments[key].required or value != spec.arguments[key].default
    )
    base_lr = composed.get("base_lr")
    if base_lr is not None:
        if name != "CyclicLR":
            raise ValueError(f"base_lr must be left out for {name}, got {shown(base_lr)}")
        try:
            # The same bounds as those of the rate it climbs to.
            base_lr = spec.arguments["max_lr"].check(base_lr)
        except ValueError as error:
            raise ValueError(f"base_lr must be {error}") from None
    return Schedule(name, given, base_lr=base_lr)


def read(text: object) -> Schedule:
    """Return the schedule that a call spells.

    Args:
        text: Such as ``StepLR(step_size=30)``, or as in code: with the optimizer in front,
            arguments by place, a module before the name, and lines that give names to what the
            last one uses. A formula stands in quotes, or as a lambda of one variable.

    Raises:
        ValueError: It is no such call; the message says which piece is wrong.
    """
    node, names = _parsed(text)
    return _schedule(node, names)


def read_all(text: object) -> tuple[Schedule, ...]:
    """Return the schedules that calls with semicolons between them spell; none for empty text.

    Raises:
        ValueError: One of them is no call, or there are more than 12.
    """
    if not isinstance(text, str):
        raise ValueError(f"got {shown(text)}")
    parts = [part for part in _parts(plain(text)) if part.strip()]
    if len(parts) > MOST_KEPT:
        raise ValueError(f"got {len(parts)} calls")
    return tuple(dict.fromkeys(read(part) for part in parts))


def written_all(schedules: Sequence[Schedule]) -> str:
    """Return schedules as calls with semicolons between them."""
    return "; ".join(str(entry) for entry in schedules)


def _outside(text: str) -> list[int]:
    """Return the places of a text that no bracket, quotes or comment hold."""
    places, depth, quote, comment, escaped = [], 0, "", False, False
    for at, character in enumerate(text):
        if character == "\n":
            quote, comment, escaped = "", False, False
        if escaped or comment:
            escaped = False
        elif quote:
            escaped = character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#":
            comment = True
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(depth - 1, 0)
        elif not depth:
            places.append(at)
    return places


def _parts(text: str) -> list[str]:
    """Return the pieces between the semicolons that no bracket and no quotes hold."""
    ends = [at for at in _outside(text) if text[at] == ";"]
    return [
        text[start:end]
        for start, end in zip([0, *(e + 1 for e in ends)], [*ends, None], strict=True)
    ]


# What begins a statement: an import, a name that is given a value, or a call.
_BEGINS = re.compile(r"import\s|from\s|[A-Za-z_][\w.]*\s*(?:=(?!=)|:\s*[A-Za-z_][\w.]*\s*=|\()")
_MOST_STATEMENTS = 60


def _lines(code: str) -> str:
    """Return code whose new lines a box of one line has turned into blanks, in lines again.

    Raises:
        ValueError: A comment holds a call: nothing says where it ends.
    """
    outside = _outside(code)
    hidden = code.find("#", outside[-1] + 1) if outside else -1
    if hidden >= 0 and any(f"{name}(" in code[hidden:] for name in _KNOWN):
        raise ValueError(
            f"got {shown(code[hidden:])}; leave comments out, in one line they never end"
        )
    starts = [
        at
        for at in outside
        if at and code[at - 1].isspace() and _BEGINS.match(code, at)
    ]  # fmt: skip
    lines, begun = [], 0
    for at in starts[:_MOST_STATEMENTS]:
        # A piece that is no whole statement goes on: a name is given what follows it.
        if _statements(code[begun:at]):
            lines.append(code[begun:at].strip())
            begun = at
    return "\n".join([*lines, code[begun:].strip()])


def _statements(code: str) -> list[ast.stmt] | None:
    """Return the statements of a piece of code; None where it is not Python."""
    try:
        return ast.parse(textwrap.dedent(code).strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


Names = Mapping[str, ast.expr]
"""What earlier lines gave a name to."""

_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.)[ ]?", re.MULTILINE)
_MODULES = ("torch.optim.lr_scheduler", "optim.lr_scheduler", "lr_scheduler")
_PLAIN = "a number, a word, a list or a formula in quotes"
# No token of a formula: arithmetic without a variable.
_NO_VARIABLE = " "


def _parsed(text: object) -> tuple[ast.expr, Names]:
    """Return the last call of a few lines of code, and what the lines before it gave names to."""
    if not isinstance(text, str):
        raise ValueError(f"got {shown(text)}")
    if len(text) > LONGEST:
        raise ValueError(f"got {len(text)} characters, {LONGEST} are read")
    code = plain(text)
    one = "\n" not in code.strip()
    if one and ">>>" in code:
        code = code.replace("...", " ").replace(">>>", "\n>>>")
    code = _PROMPT.sub("", code)
    body = _statements(code)
    if one and (body is None or "#" in code):
        body = _statements(_lines(code))
    if body is None:
        raise ValueError(f"got {shown(text)}")
    names: dict[str, ast.expr] = {}
    found: list[ast.expr] = []
    for line in body:
        match line:
            case ast.Import() | ast.ImportFrom():
                continue
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                # A name stands for what it was given last; none for itself.
                names[ast.unparse(target)] = _held(value, names)
            case ast.Expr(value=value):
                pass
            case _:
                raise ValueError(f"got {_piece(line)}; leave that line out")
        found.append(value)
    if not found:
        raise ValueError(f"got {shown(text)}")
    calls = [value for value in found if _last_name(value) in _KNOWN]
    last = calls[-1] if calls else found[-1]
    # A trailing comma, as after a keyword argument.
    if isinstance(last, ast.Tuple) and len(last.elts) == 1:
        last = last.elts[0]
    return last, names


_KNOWN = frozenset((*SCHEDULERS, *COMPOSERS))


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def _named(node: ast.expr, names: Names) -> ast.expr:
    """Return what a name stands for; anything else, and a name unknown, as it is."""
    if isinstance(node, ast.Name | ast.Attribute):
        return names.get(ast.unparse(node), node)
    return node


def _held(node: ast.expr, names: Names) -> ast.expr:
    """Return what a line gives a name to: a number where it is arithmetic."""
    node = _named(node, names)
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        number = _arithmetic(_Filled(names, "").visit(node))
        return node if number is None else ast.Constant(number)
    return node


def _piece(node: ast.AST) -> str:
    return shown(" ".join(ast.unparse(node).split()))


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _schedule(node: ast.expr, names: Names) -> Schedule:
    node = _named(node, names)
    if not (isinstance(node, ast.Call) and _is_dotted(node.func)):
        raise ValueError(f"got {_piece(node)}")
    module, _, name = ast.unparse(node.func).rpartition(".")
    if module and name in _KNOWN and module not in _MODULES:
        raise ValueError(f"got {shown(f'{module}.{name}')}; write {name} alone if torch's is meant")
    if name not in _KNOWN:
        return schedule(ast.unparse(node.func))
    given = _bound(name, node, names)
    with_optimizer = given.pop("optimizer", None) is not None
    if "last_epoch" in given and _value(given.pop("last_epoch"), "last_epoch", names) != -1:
        raise ValueError("last_epoch must be left out or -1: a schedule begins at step 0 here")
    if name in COMPOSERS:
        return _composer(name, given, names)
    spec = SCHEDULERS[name]
    own = {}
    if name == "CyclicLR" and "base_lr" in given:
        own["base_lr"] = _value(given.pop("base_lr"), "base_lr", names)
    if with_optimizer:
        # Code that torch runs; the page's own calls may leave all to the controls.
        for argument, declared in spec.arguments.items():
            if declared.required and argument not in given:
                default = written(declared.default)
                raise ValueError(f"{argument} must be given, as in {name}({argument}={default})")
    return schedule(name, {key: _value(value, key, names) for key, value in given.items()}, **own)


@functools.cache
def _signature(name: str) -> tuple[str, ...]:
    return tuple(inspect.signature(getattr(lr_scheduler, name)).parameters)


def _bound(name: str, call: ast.Call, names: Names) -> dict[str, ast.expr]:
    """Return the arguments of a call by name, those by place named as torch's signature does."""
    places = list(_signature(name))
    given: dict[str, ast.expr] = {}
    placed = list(call.args)
    for value in placed:
        if isinstance(value, ast.Starred):
            raise ValueError(f"got {_piece(value)}; write the arguments out")
    if name in COMPOSERS and any(_last_name(_named(value, names)) in _KNOWN for value in placed):
        # The page's own way: the children themselves, without a list.
        given["schedulers"] = ast.List(placed, ast.Load())
        placed = []
    elif placed and places[0] == "optimizer" and not _is_optimizer(placed[0], names):
        places.remove("optimizer")
    if len(placed) > len(places):
        raise ValueError(f"{name} must have at most {len(places)} arguments, got {len(placed)}")
    given.update(zip(places, placed, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError(f"got {_piece(keyword)}; write the arguments out")
        if keyword.arg == "verbose" and "verbose" not in _signature(name):
            raise ValueError("verbose must be left out: torch has it no more")
        if keyword.arg in given:
            raise ValueError(f"{keyword.arg} must be given once, got {_piece(call)}")
        given[keyword.arg] = keyword.value
    return given


def _is_optimizer(node: ast.expr, names: Names) -> bool:
    """Return whether a first argument is the optimizer: a name, or a call, that is no value."""
    node = _named(node, names)
    if isinstance(node, ast.Call):
        return "optim." in ast.unparse(node.func) or _last_name(node) in dir(torch.optim)
    return isinstance(node, ast.Name | ast.Attribute) and _is_dotted(node)


def _composer(name: str, given: dict[str, ast.expr], names: Names) -> Schedule:
    nodes = _named(given.pop("schedulers", ast.List([], ast.Load())), names)
    if not isinstance(nodes, ast.List | ast.Tuple):
        raise ValueError(f"schedulers must be a list of calls, got {_piece(nodes)}")
    values = {key: _value(value, key, names) for key, value in given.items()}
    milestones = values.pop("milestones", ())
    if not isinstance(milestones, tuple):
        raise ValueError(f"milestones must be a list, got {shown(milestones)}")
    children = []
    # Names may stand for lists of names: what is no child is not looked into.
    for child in nodes.elts[: MOST_CHILDREN + 1]:
        if _last_name(_named(child, names)) in COMPOSERS:
            raise ValueError(f"children of {name} must be 1 to {MOST_CHILDREN} schedulers")
        children.append(_schedule(child, names))
    return schedule(name, values, children=children, milestones=milestones)


class _Filled(ast.NodeTransformer):
    """Put numbers in the place of names that earlier lines gave them."""

    def __init__(self, names: Names, own: str) -> None:
        self.names = names
        self.own = own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the number, or the name where it has none."""
        held = self.names.get(node.id)
        return held if isinstance(held, ast.Constant) and node.id != self.own else node


def _value(node: ast.expr, name: str, names: Names) -> Any:
    node = _named(node, names)
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return node.value
        case ast.List() | ast.Tuple():
            entries = [_named(entry, names) for entry in node.elts]
            if not any(isinstance(entry, ast.List | ast.Tuple) for entry in entries):
                return tuple(_value(entry, name, names) for entry in entries)
        case ast.Lambda(
            args=ast.arguments(
                posonlyargs=[], args=[own], kwonlyargs=[], vararg=None, kwarg=None, defaults=[]
            )
        ):
            return f"lambda {own.arg}: {ast.unparse(_Filled(names, own.arg).visit(node.body))}"
        case ast.Lambda():
            raise ValueError(
                f"{name} must be {_PLAIN}, got {_piece(node)}; "
                "a lambda takes one variable, as in lambda epoch: 0.95 ** epoch"
            )
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str() as digits)]):
            try:
                return float(digits)
            except ValueError:
                pass
        case ast.Call(func=ast.Name(id="int"), args=[inner]):
            whole = _arithmetic(_Filled(names, "").visit(inner))
            if whole is not None:
                return int(whole)
        case _:
            number = _arithmetic(_Filled(names, "").visit(node))
            if number is not None:
                return number
    raise ValueError(f"{name} must be {_PLAIN}, got {_piece(node)}; write its value")


def _arithmetic(node: ast.expr) -> float | None:
    """Return the number that arithmetic of numbers gives, whole as Python's; None for others."""
    try:
        value = formula(ast.unparse(node), variable=_NO_VARIABLE)(0)
    except ValueError:
        return None
    fractions = any(
        isinstance(part, ast.Div | ast.Call | ast.Attribute)
        or (isinstance(part, ast.Constant) and not isinstance(part.value, int))
        for part in ast.walk(node)
    )
    return value if fractions or not value.is_integer() else int(value)
