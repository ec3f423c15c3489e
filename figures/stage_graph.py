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
        lane: Row of drawings that it stands in: no two that are there at one step share it.
    """

    nodes: Mapping[int, Node]
    at: Mapping[int, tuple[int, float]]
    edges: tuple[tuple[int, int], ...]
    lane: int


def laid_out(graphs: Sequence[Graph]) -> tuple[tuple[Drawn, ...], tuple[tuple[int, ...], ...]]:
    """Lay out the graphs of a run's steps.

    What only leaves join has drawings of its own: in a loop each turn has one, and they follow each
    other in the same place.

    Returns:
        The drawings, and for each step the numbers of those that it shows.
    """
    union = {node.number: node for graph in graphs for node in graph.nodes}
    inner = [number for number, node in union.items() if not node.leaf]
    head = {number: number for number in inner}

    def root(number: int) -> int:
        while head[number] != number:
            head[number] = head[head[number]]
            number = head[number]
        return number

    for number in inner:
        for target in union[number].next:
            if target in head:
                head[root(target)] = root(number)
    parts: dict[int, dict[int, Node]] = {}
    for number in inner:
        part = parts.setdefault(root(number), {})
        part[number] = union[number]
        part.update({t: union[t] for t in union[number].next if t in union and union[t].leaf})
    order = {name: place for place, name in enumerate(parts)}
    shown = tuple(
        tuple(sorted({order[root(node.number)] for node in graph.nodes if not node.leaf}))
        for graph in graphs
    )
    free: list[int] = []  # the last step at which each lane is taken
    lanes: list[int] = []
    for place in range(len(parts)):
        when = [index for index, here in enumerate(shown) if place in here]
        lane = next((n for n, until in enumerate(free) if until < when[0]), len(free))
        free[lane : lane + 1] = [when[-1]]
        lanes.append(lane)
    drawn = tuple(_drawn(part, lane) for part, lane in zip(parts.values(), lanes, strict=True))
    return drawn, shown


def _drawn(nodes: dict[int, Node], lane: int) -> Drawn:
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
    # Each stands right beside what uses it.
    for number in sorted(column, key=lambda number: -column[number]):
        if users[number]:
            column[number] = min(column[user] for user in users[number]) - 1
    return Drawn(nodes, _rows(column, targets, users), edges, lane)


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
