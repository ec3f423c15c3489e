"""Draw what `explainers.tensors.inplace` computes beside its stage."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from figures import style

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.tensors.inplace.channels import Channels

_ORDER = ("red", "green", "blue")


def channels(found: "Channels") -> str:
    """Draw OpenCV's picture, what the recipe makes of it, and its channels in grey."""
    panels = [style.Panel("right: cv2.cvtColor", found.right)]
    if found.shown is not None:
        panels.append(style.Panel("rgb, shown as RGB", found.shown))
    panels += [
        style.Panel(f"rgb[{index}]: {holds or 'no channel'}", plane, _window(plane))
        for index, (plane, holds) in enumerate(zip(found.planes, found.holds, strict=True))
    ]
    words = sentence(found)
    return style.panels(
        panels,
        alt=f"An orange letter, an arrow and four coloured signs as OpenCV turns them, beside "
        f"what the line {found.line} gives, whole and channel by channel. {words}",
        tallest=200,
        words=words,
    )


def sentence(found: "Channels") -> str:
    """Return what the recipe made of the picture."""
    if found.refusal:
        return f"torch refuses it: {found.refusal.split('. ')[0].split(' (')[0]}."
    if found.shown is None:
        first, rows, columns = found.shape
        return (
            f"The shape is {found.shape}: {first} planes of {rows} by {columns} numbers, and no "
            "picture to a layer that takes (C, H, W)."
        )
    kind = f"{found.dtype}, "
    if found.holds == _ORDER:
        return f"{kind}red, green, blue: every pixel is cv2.cvtColor's."
    share = f"{100 * found.differing:.0f} % of the pixels have another colour"
    if "" in found.holds:
        return f"{kind}no plane is one of the picture's channels: {share}."
    return f"{kind}{', '.join(found.holds)}: {share}."


def _window(plane: "Tensor") -> tuple[float, float, float, float] | None:
    """Return a square around a strip, which would fill the row."""
    height, width = plane.shape
    if height == width:
        return None
    side, middle = max(height, width), (height - 1) / 2
    return (-0.5, middle - side / 2, width - 0.5, middle + side / 2)


FIGURES: Mapping[str, Callable[[Any], str]] = {"picture": channels}
