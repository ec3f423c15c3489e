"""Draw the player: a computed run, frame by frame, beside the curves of its numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from torch import Tensor

from figures import style
from figures.player import Sheet, sprite_sheet
from ui.component import component

__all__ = ["Curve", "player", "player_data"]

MOST_FPS = 60

_COMPONENT = component("torch_loupe_player", "bar", "player")


@dataclass(frozen=True, slots=True)
class Curve:
    """Name a number that changes from step to step.

    Attributes:
        name: As its axis says it.
        values: One per frame. One that is not finite, or not positive on a logarithmic axis,
            leaves a gap.
        log: Whether the axis is logarithmic.
    """

    name: str
    values: Sequence[float]
    log: bool = False


def player(
    frames: Tensor,
    *,
    key: str,
    captions: Sequence[str],
    curves: Sequence[Curve],
    alt: str,
    title: str = "Frame",
    step_name: str = "step",
    reference: Tensor | None = None,
    reference_title: str = "",
    fps: int = 12,
) -> None:
    """Show a run that is already computed, to be played, stepped through and scrubbed.

    It starts at frame 0, does not play by itself, and asks for no rerun. Steps count from 0. A
    reader who prefers reduced motion gets two steps per second.

    Args:
        frames: ``(n, H, W)`` or ``(n, C, H, W)``, C 1 or 3, values in [0, 1], finite. 121 frames
            of 64 x 64 stay under 300 kB; see `figures.player.sprite_sheet` for what that costs.
        key: Name of the player, unique on its page. The step outlives new data of the same length.
        captions: A line of code or text for each frame.
        curves: Drawn whole, each in a chart of its own; a click on one goes to that step.
        alt: What there is to see, for those who do not see it.
        title: Heading of the frames.
        step_name: What a step is called: "step", "epoch".
        reference: ``(H, W)`` or ``(C, H, W)``, a still picture beside the frames, in [0, 1].
        reference_title: Heading and alternative text of it.
        fps: Steps per second, 1 to 60.

    Raises:
        ValueError: Lengths disagree, a picture has a wrong shape or is not finite, ``fps`` is out
            of bounds, or there is a reference without a title.
    """
    _COMPONENT(
        key=key,
        data=player_data(
            frames,
            captions=captions,
            curves=curves,
            alt=alt,
            title=title,
            step_name=step_name,
            reference=reference,
            reference_title=reference_title,
            fps=fps,
        ),
    )


def player_data(
    frames: Tensor,
    *,
    captions: Sequence[str],
    curves: Sequence[Curve],
    alt: str,
    title: str,
    step_name: str,
    reference: Tensor | None,
    reference_title: str,
    fps: int,
) -> dict[str, Any]:
    """Pack what `player` is given for the browser.

    Returns:
        ``sheet`` with ``uri``, ``rows``, ``count`` and ``shape``; ``curves``, where a value that
        JSON lacks is None; ``reference``, None or ``uri``, ``shape`` and ``title``; the rest as
        given.

    Raises:
        ValueError: As `player`.
    """
    if not 1 <= fps <= MOST_FPS:
        raise ValueError(f"fps must be from 1 to {MOST_FPS}, got {fps}")
    sheet = _sheet(frames)
    lengths = {"captions": len(captions)} | {f"curve {c.name!r}": len(c.values) for c in curves}
    for name, length in lengths.items():
        if length != sheet.count:
            raise ValueError(f"{name} must have one entry per frame, {sheet.count}, got {length}")
    return {
        "sheet": {
            "uri": sheet.uri,
            "rows": sheet.rows,
            "count": sheet.count,
            "shape": list(sheet.shape),
        },
        "captions": list(captions),
        "curves": [
            {"name": curve.name, "log": curve.log, "values": [*map(_json, curve.values)]}
            for curve in curves
        ],
        "reference": None if reference is None else _still(reference, reference_title),
        "alt": alt,
        "title": title,
        "step_name": step_name,
        "fps": fps,
    }


# A rerun for another control of the page must not pack the same run again.
@st.cache_data(
    max_entries=16,
    show_spinner=False,
    hash_funcs={Tensor: lambda t: (tuple(t.shape), t.detach().cpu().float().numpy().tobytes())},
)
def _sheet(frames: Tensor) -> Sheet:
    return sprite_sheet(frames)


def _still(picture: Tensor, title: str) -> dict[str, Any]:
    shape = tuple(picture.shape)
    if not (len(shape) == 2 or (len(shape) == 3 and shape[0] in {1, 3})) or not picture.numel():
        raise ValueError(f"reference must have shape (H, W) or (1 or 3, H, W), got {shape}")
    if not picture.isfinite().all():
        raise ValueError("reference must be finite, got inf or nan")
    if not title:
        raise ValueError("reference_title must say what the reference is, got ''")
    uri = style.png_uri(picture.detach().cpu().float())
    return {"uri": uri, "shape": list(shape[-2:]), "title": title}


def _json(value: float) -> float | None:
    # Six digits are more than a label or a pixel shows.
    return float(f"{value:.6g}") if math.isfinite(value) else None
