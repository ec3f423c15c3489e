"""Write the code that reproduces a view, and its data."""

import ast
import io
import re
from typing import Any

from explainers.optimizers.schedulers.calls import Schedule, read, read_all, written
from explainers.optimizers.schedulers.formula import CONSTANTS, FUNCTIONS
from explainers.optimizers.schedulers.view import OWN, STEPPED, Schedulers, View

_PATIENCE = "  # each is made: a million take tens of seconds, for each schedule"
_BUILTIN = {"min", "max", "abs"}
_MADE = {
    "SGD": "torch.optim.SGD(groups, momentum=0.9)",
    "Adam": "torch.optim.Adam(groups, betas=(0.9, 0.999))",
    "AdamW": "torch.optim.AdamW(groups, betas=(0.9, 0.999))",
    "RMSprop": "torch.optim.RMSprop(groups, momentum=0.9)",
    "Adagrad": "torch.optim.Adagrad(groups)",
}


def snippet(parameters: Schedulers, *, device: str = "cpu") -> str:
    """Return runnable code that makes ``curves``, the rates of every schedule of the view.

    Args:
        parameters: The settings of the view.
        device: Where the optimizer's parameters live.

    Returns:
        Python source that needs torch alone.
    """
    current = read(parameters.schedule)
    schedules = [current, *(k for k in read_all(parameters.kept) if k != current)]
    calls = [_call(schedule, parameters, parameters.steps) for schedule in schedules]
    with_losses = any(schedule.needs_losses for schedule in schedules)
    groups = [
        f'{{"params": [torch.zeros(1, device="{device}", requires_grad=True)], "lr": {rate:.10g}}}'
        for rate in parameters.rates()
    ]
    lines = [
        *_mathematics(calls),
        "import torch",
        "from torch.optim import lr_scheduler",
        "",
        f"steps = {parameters.steps}{_PATIENCE if parameters.steps > STEPPED else ''}",
        *(["", *_losses(parameters)] if with_losses else []),
        "",
        "",
        "def rates(make):",
        "    groups = [",
        *(f"        {group}," for group in groups),
        "    ]",
        f"    optimizer = {_MADE[parameters.optimizer]}",
        "    scheduler = make(optimizer)",
        "    found = []",
        "    for step in range(steps):",
        '        found.append([group["lr"] for group in optimizer.param_groups])',
        "        # Here: forward, backward. The optimizer steps first, the scheduler after it.",
        "        optimizer.step()",
        "        if step < steps - 1:",
    ]
    if with_losses:
        lines += [
            "            if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):",
            "                scheduler.step(losses[step])",
            "            else:",
            "                scheduler.step()",
        ]
    else:
        lines += ["            scheduler.step()"]
    lines += [
        "    return torch.tensor(found, dtype=torch.float64).T  # (groups, steps)",
        "",
        "",
        "schedules = {",
        *(
            f"    {str(schedule)!r}: lambda optimizer: {call},"
            for schedule, call in zip(schedules, calls, strict=True)
        ),
        "}",
        "curves = {name: rates(make) for name, make in schedules.items()}",
        "for name, curve in curves.items():",
        "    print(name, curve[:, 0].tolist(), curve[:, -1].tolist())",
        "",
    ]
    return "\n".join(lines)


def table(view: View) -> str:
    """Return CSV text: a row per step drawn; a column per schedule, group and quantity.

    Columns: step, then each call with ``lr`` (and ``momentum`` where it moves) of each group.
    """
    columns: list[tuple[str, list[float]]] = []
    for entry in view.entries:
        assert entry.trace is not None
        for quantity, rows in (
            ("lr", entry.trace.learning_rate),
            ("momentum", entry.trace.momentum),
        ):
            for group, row in enumerate([] if rows is None else rows.tolist()):
                columns.append((f"{entry.schedule} {quantity} of group {group}", row))
    if view.losses is not None:
        columns.append(("loss", view.losses.tolist()))
    text = io.StringIO()
    # A call holds commas and quotes: both are doubled or wrapped, as CSV wants.
    names = ['"' + name.replace('"', '""') + '"' for name, _ in columns]
    text.write(",".join(["step", *names]) + "\n")
    for index, step in enumerate(view.at.tolist()):
        text.write(",".join([str(step), *(f"{row[index]:.10g}" for _, row in columns)]) + "\n")
    return text.getvalue()


def _call(schedule: Schedule, parameters: Schedulers, steps: int) -> str:
    """Return the call of torch's class, with the optimizer in it."""
    parts = ["optimizer"]
    if schedule.children:
        ends = (*schedule.milestones, max((steps, *schedule.milestones)))
        starts = (0, *schedule.milestones)
        lengths = [max(end - start, 1) for start, end in zip(starts, ends, strict=True)]
        if schedule.name == "ChainedScheduler":
            lengths = [steps] * len(schedule.children)
        children = [
            _call(child, parameters, length)
            for child, length in zip(schedule.children, lengths, strict=False)
        ]
        listed = f"[{', '.join(children)}]"
        if schedule.name == "ChainedScheduler":
            return f"lr_scheduler.ChainedScheduler({listed}, optimizer=optimizer)"
        return (
            f"lr_scheduler.SequentialLR(optimizer, {listed}, "
            f"milestones={written(schedule.milestones)})"
        )
    given = dict(schedule.arguments)
    if schedule.name == "CyclicLR":
        rates = parameters.rates()
        made: Any = rates if len(rates) > 1 else rates[0]
        parts.append(f"base_lr={written(made if schedule.base_lr is None else schedule.base_lr)}")
    if schedule.name == "OneCycleLR" and not {"total_steps", "epochs"} & set(given):
        given["total_steps"] = steps
    parts += [f"{name}={_argument(name, value)}" for name, value in given.items()]
    return f"lr_scheduler.{schedule.name}({', '.join(parts)})"


def _argument(name: str, value: Any) -> str:
    variable = {"lr_lambda": "epoch", "scale_fn": "x"}.get(name)
    if variable is None:
        return written(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_argument(name, entry) for entry in value)}]"
    return f"lambda {variable}: {_lazy(value)}"


class _Lazy(ast.NodeTransformer):
    """Turn ``where(condition, a, b)`` into ``a if condition else b``: only one is computed."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            condition, first, second = node.args
            return ast.IfExp(test=condition, body=first, orelse=second)
        return node


def _lazy(formula: str) -> str:
    if "where" not in formula:
        return formula
    return ast.unparse(_Lazy().visit(ast.parse(formula.strip(), mode="eval")))


def _mathematics(calls: list[str]) -> list[str]:
    formulas = " ".join(call for call in calls if "lambda" in call)
    used = set(re.findall(r"[A-Za-z_]\w*", formulas))
    wanted = sorted((set(FUNCTIONS) - _BUILTIN - {"where"} | set(CONSTANTS)) & used)
    return [f"from math import {', '.join(wanted)}", ""] if wanted else []


def _losses(parameters: Schedulers) -> list[str]:
    if parameters.losses == OWN:
        typed = parameters.own_losses
        return [
            "# What each step reports; the last one goes on.",
            f"typed = [{typed}]",
            "losses = (typed + typed[-1:] * steps)[:steps]",
        ]
    values = ", ".join(f"{value!r}" for value in parameters.curve_of_losses())
    return [f"losses = [{values}]  # {parameters.losses}"]
