"""What comes out of each of LeNet's layers, as forward hooks saw it, and which sizes it takes."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace

Shape = tuple[int, ...]
SIZES = range(1, 49)
"""Of pictures that are tried."""
NAMES = ("conv1", "pool1", "conv2", "pool2", "flat", "fc1", "fc2", "fc3")


@dataclasses.dataclass(frozen=True, slots=True)
class Flow:
    """Hold one run through LeNet, and the fate of every size.

    Attributes:
        size: Rows and columns of the picture on show.
        batch: How many pictures.
        flat: How they are flattened, as it stands in the program.
        shapes: Of the input and of each layer's output, up to the layer that refused.
        said: What torch said then; "" where no layer refused.
        fates: For each of `SIZES`, how many layers took it, and how many rows came out in the end:
            0 where a layer refused.
    """

    size: int
    batch: int
    flat: str
    shapes: tuple[Shape, ...]
    said: str
    fates: tuple[tuple[int, int], ...]

    @property
    def guilty(self) -> str:
        """The layer that refused; "" for none."""
        return NAMES[len(self.shapes) - 1] if self.said else ""


class _Flat(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) if self.way == "flatten(1)" else x.view(-1, 400)


def _net(way: str) -> nn.Sequential:
    """Return LeNet without numbers: its shapes need none, nor a generator."""
    with torch.device("meta"):
        return nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU()),
            nn.MaxPool2d(2),
            nn.Sequential(nn.Conv2d(6, 16, 5), nn.ReLU()),
            nn.MaxPool2d(2),
            _Flat(way),
            nn.Sequential(nn.Linear(400, 120), nn.ReLU()),
            nn.Sequential(nn.Linear(120, 84), nn.ReLU()),
            nn.Linear(84, 10),
        )


def _noted(net: nn.Sequential, x: Tensor) -> tuple[list[Shape], str]:
    """Return the shapes that hooks see on the way through a net, and what torch said at its end."""
    shapes = [tuple(x.shape)]
    hooks = [
        layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape)))
        for layer in net
    ]
    try:
        with torch.no_grad():
            net(x)
    except RuntimeError as error:
        return shapes, str(error)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes, ""


def _fates(net: nn.Sequential, batch: int) -> tuple[tuple[int, int], ...]:
    """Return what becomes of pictures of each size, without computing a number."""
    found = []
    for size in SIZES:
        shapes, said = _noted(net, torch.zeros(batch, 1, size, size, device="meta"))
        found.append((len(shapes) - 1, 0 if said else shapes[-1][0]))
    return tuple(found)


@functools.cache  # 48 runs, the same while a reader moves the size
def _fates_of_lenet(way: str, batch: int) -> tuple[tuple[int, int], ...]:
    return _fates(_net(way), batch)


def flow(
    trace: Trace, settings: Any, change: Callable[[nn.Sequential], object] | None = None
) -> Flow:
    """Send a batch through LeNet on the run's device, and pictures of every size.

    Args:
        trace: The lesson's run.
        settings: Its settings.
        change: What makes another net of it.
    """
    net = _net(settings.flat)
    if change is not None:
        change(net)
        fates = _fates(net, settings.batch)
    else:
        fates = _fates_of_lenet(settings.flat, settings.batch)
    net = net.to_empty(device=trace.device)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    x = torch.zeros(settings.batch, 1, settings.size, settings.size, device=trace.device)
    shapes, said = _noted(net, x)
    return Flow(settings.size, settings.batch, settings.flat, tuple(shapes), said, fates)


def shapes(settings: Any, size: int | None = None) -> list[Shape]:
    """Count the pixels: return the shapes of the input and of what each layer gives.

    Ends before the layer that must refuse.
    """
    side = settings.size if size is None else size
    found: list[Shape] = [(settings.batch, 1, side, side)]
    for channels, taken in ((6, 4), (6, 0), (16, 4), (16, 0)):
        side = side - taken if taken else side // 2
        if side < 1:
            return found
        found.append((settings.batch, channels, side, side))
    features, rows = 16 * side * side, settings.batch
    if settings.flat != "flatten(1)":
        if rows * features % 400:
            return found
        rows, features = rows * features // 400, 400
    found.append((rows, features))
    if features == 400:
        found += [(rows, 120), (rows, 84), (rows, 10)]
    return found


def refusal(settings: Any, size: int | None = None) -> int | None:
    """Return which layer must refuse, from 1; None for none."""
    taken = len(shapes(settings, size))
    return None if taken == len(NAMES) + 1 else taken


def _hooked(found: Flow, settings: Any) -> float:
    return float(list(found.shapes) != shapes(settings))


def _fated(found: Flow, settings: Any) -> float:
    expected = []
    for size in SIZES:
        counted = shapes(settings, size)
        refused = refusal(settings, size) is not None
        expected.append((len(counted) - 1, 0 if refused else counted[-1][0]))
    return float(sum(a != b for a, b in zip(found.fates, expected, strict=True)))


FLOW = Figure(
    title="Shapes on their way through LeNet",
    result=flow,
    leads=True,
    proofs=(
        FigureProof(
            "What the hooks saw is what counting pixels gives.",
            "4 off for each kernel, half for each pool, in whole numbers",
            _hooked,
            twin=lambda trace, settings: flow(
                trace, settings, lambda net: setattr(net[3], "stride", 1)
            ),
        ),
        FigureProof(
            "Of every size from 1 to 48, the layer that refuses it, or the rows that come out, are "
            "what counting gives.",
            "the same count, size by size",
            _fated,
            twin=lambda trace, settings: flow(
                trace, settings, lambda net: setattr(net[1], "stride", 1)
            ),
        ),
    ),
)
