"""Read and write a schedule as the call that makes it, without the optimizer.

``StepLR(step_size=30, gamma=0.5)`` is the name in a legend, the text in an address and the line of
code to take away. A composer holds its children: ``SequentialLR(LinearLR(total_iters=10),
CosineAnnealingLR(T_max=90), milestones=[10])``. Nothing is evaluated: the text is parsed, and only
names of schedulers, keywords, numbers, words, lists and a formula in quotes are taken.
"""

import ast
import dataclasses
from collections.abc import Sequence
from typing import Any

from explainers.parameters import shown
from explainers.schedulers.specs import SCHEDULERS, SchedulerSpec
from explainers.schedulers.tracing import COMPOSERS, MOST_CHILDREN

LONGEST = 500
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
    """

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    children: tuple["Schedule", ...] = ()
    milestones: tuple[int, ...] = ()

    @property
    def spec(self) -> SchedulerSpec | None:
        """The scheduler's declaration; None for a composer."""
        return SCHEDULERS.get(self.name)

    @property
    def needs_losses(self) -> bool:
        """Whether its steps take a loss."""
        return self.name == "ReduceLROnPlateau"

    def __str__(self) -> str:
        """Return the call as text, arguments at torch's defaults left out."""
        parts = [str(child) for child in self.children]
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
        # 0.1, not 0.10000000000000001; 1e-08 as it is.
        return f"{value:.10g}"
    return repr(value)


def schedule(name: str, arguments: Any = (), **composed: Any) -> Schedule:
    """Return a schedule with its arguments checked; those at torch's defaults are left out.

    Args:
        name: torch's class name, of a scheduler or a composer.
        arguments: A mapping, or pairs, of a scheduler's arguments.
        **composed: ``children`` and ``milestones`` of a composer.

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
    return Schedule(name, given)


def read(text: object) -> Schedule:
    """Return the schedule that a call spells.

    Args:
        text: Such as ``StepLR(step_size=30)``. A formula stands in quotes, or as a lambda in
            ``epoch``.

    Raises:
        ValueError: It is no such call; the message says what is wrong.
    """
    return _schedule(_parsed(text), text)


def read_all(text: object) -> tuple[Schedule, ...]:
    """Return the schedules that calls with semicolons between them spell; none for empty text.

    Raises:
        ValueError: One of them is no call, or there are more than 12.
    """
    if not isinstance(text, str):
        raise ValueError(f"got {shown(text)}")
    parts = [part for part in text.split(";") if part.strip()]
    if len(parts) > MOST_KEPT:
        raise ValueError(f"got {len(parts)} calls")
    return tuple(dict.fromkeys(read(part) for part in parts))


def written_all(schedules: Sequence[Schedule]) -> str:
    """Return schedules as calls with semicolons between them."""
    return "; ".join(str(entry) for entry in schedules)


def _parsed(text: object) -> ast.expr:
    if isinstance(text, str) and len(text) <= LONGEST:
        try:
            return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            pass
    raise ValueError(f"got {shown(text)}")


def _schedule(node: ast.expr, text: object) -> Schedule:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise ValueError(f"got {shown(text)}")
    name = node.func.id
    given: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError(f"got {shown(text)}")
        given[keyword.arg] = _value(keyword.value, keyword.arg)
    if name not in COMPOSERS:
        if node.args:
            raise ValueError(f"arguments of {shown(name)} must be given by name")
        return schedule(name, given)
    milestones = given.pop("milestones", ())
    if not isinstance(milestones, tuple):
        raise ValueError(f"milestones must be a list, got {shown(milestones)}")
    children = tuple(_schedule(child, text) for child in node.args)
    return schedule(name, given, children=children, milestones=milestones)


def _value(node: ast.expr, name: str) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            number = node.operand.value  # type: ignore[attr-defined]
            return -number
        case ast.List() | ast.Tuple():
            return tuple(_value(entry, name) for entry in node.elts)
        case ast.Lambda(args=ast.arguments(args=[ast.arg(arg="epoch" | "x")])):
            return ast.unparse(node.body)
    raise ValueError(f"{name} must be a number, a word, a list or a formula in quotes")
