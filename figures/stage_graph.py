"""Say where the nodes of an autograd graph stand, over a whole run: none moves while it lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explainers.program.states import Graph, Node

__all__ = ["Drawn", "laid_out"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Hold where the nodes of one graph stand, those of later steps included.

    Attributes:
        nodes: By number.
        at: Column and row of each: leaves to the left, the root to the right.
        edges: From a node to one that its gradients go to.
    """

    nodes: Mapping[int, Node]
    at: Mapping[int, tuple[int, float]]
    edges: tuple[tuple[int, int], ...]


def laid_out(graphs: Sequence[Graph]) -> tuple[tuple[Drawn, ...], tuple[int | None, ...]]:
    """Lay out the graphs of a run's steps.

    A graph that has no operation in common with the step before begins a drawing of its own.

    Returns:
        The drawings, and for each step the number of its drawing; None where there is no graph.
    """
    gathered: list[dict[int, Node]] = []
    which: list[int | None] = []
    alive: set[int] = set()
    for graph in graphs:
        inner = {node.number for node in graph.nodes if not node.leaf}
        if not graph.nodes:
            which.append(None)
            continue
        if not gathered or (inner and alive and not inner & alive):
            gathered.append({})
        if inner:
            alive = inner
        gathered[-1].update({node.number: node for node in graph.nodes})
        which.append(len(gathered) - 1)
    return tuple(_drawn(nodes) for nodes in gathered), tuple(which)


def _drawn(nodes: dict[int, Node]) -> Drawn:
    edges = tuple(
        dict.fromkeys(
            (node.number, target)
            for node in nodes.values()
            for target in node.next
            if target is not None and target in nodes
        )
    )
    targets: dict[int, list[int]] = {number: [] for number in nodes}
    users: dict[int, list[int]] = {number: [] for number in nodes}
    for number, target in edges:
        targets[number].append(target)
        users[target].append(number)
    column: dict[int, int] = {}
    waiting = {number: len(found) for number, found in targets.items()}
    ready = [number for number, left in waiting.items() if not left]
    while ready:
        number = ready.pop()
        column[number] = max((column[target] + 1 for target in targets[number]), default=0)
        for user in users[number]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    # What nothing leads to stands right beside what uses it.
    for number in nodes:
        if not targets[number] and users[number]:
            column[number] = min(column[user] for user in users[number]) - 1
    return Drawn(nodes, _rows(column, targets, users), edges)


def _rows(
    column: Mapping[int, int],
    targets: Mapping[int, Sequence[int]],
    users: Mapping[int, Sequence[int]],
) -> dict[int, tuple[int, float]]:
    """Place each node at the height of what uses it, the first of its inputs on top."""
    columns: dict[int, list[int]] = {}
    for number in sorted(column):
        columns.setdefault(column[number], []).append(number)
    row: dict[int, float] = {}
    for at in sorted(columns, reverse=True):
        wanted: list[tuple[float, float, int]] = []
        for number in columns[at]:
            above = [user for user in users[number] if user in row]
            height = sum(row[user] for user in above) / len(above) if above else 0.0
            first = min((targets[user].index(number) for user in above), default=0)
            wanted.append((height, first, number))
        heights: list[float] = []
        for height, _, _ in sorted(wanted):
            heights.append(max(height, heights[-1] + 1) if heights else height)
        moved = sum(heights) / len(heights) - sum(height for height, *_ in wanted) / len(wanted)
        for height, (_, _, number) in zip(heights, sorted(wanted), strict=True):
            row[number] = height - moved
    lowest = min(row.values(), default=0.0)
    return {number: (column[number], round(row[number] - lowest, 3)) for number in column}
