"""Draw the player: a computed run, frame by frame, beside the curves of its numbers."""

import math
from typing import Any

import streamlit as st
from torch import Tensor

from figures import style
from figures.player import Film, Sheet, sprite_sheet
from ui.component import Component

__all__ = ["player", "player_data"]

MOST_FPS = 60

_PLAYER = Component("torch_loupe_player", "bar", "player", kind=("player", "Player"))


def player(drawn: Film, *, key: str) -> None:
    """Show a run that is already computed, to be played, stepped through and scrubbed.

    It starts at frame 0, does not play by itself, and asks for no rerun. Steps count from 0. A
    reader who prefers reduced motion gets two steps per second.

    Args:
        drawn: What to show.
        key: Name of the player, unique on its page. The step outlives new data of the same length.

    Raises:
        ValueError: As `player_data`.
    """
    data = player_data(drawn)
    # Its code comes with it: a page shows it only when asked to, and no change draws it again.
    with st.container(gap=None):
        _PLAYER.send(key)
        _PLAYER.draw(data, key=key)


def player_data(drawn: Film) -> dict[str, Any]:
    """Pack a run for the browser.

    Returns:
        ``sheet`` with ``uri``, ``rows``, ``count`` and ``shape``; ``curves``, where a value that
        JSON lacks is None; ``reference``, None or ``uri``, ``shape`` and ``title``; the rest as
        given.

    Raises:
        ValueError: Lengths disagree, a picture has a wrong shape or is not finite, ``fps`` is out
            of bounds, or there is a reference without a title.
    """
    if not 1 <= drawn.fps <= MOST_FPS:
        raise ValueError(f"fps must be from 1 to {MOST_FPS}, got {drawn.fps}")
    sheet = _sheet(drawn.frames)
    lengths = {"captions": len(drawn.captions)}
    lengths |= {f"curve {curve.name!r}": len(curve.values) for curve in drawn.curves}
    for name, length in lengths.items():
        if length != sheet.count:
            raise ValueError(f"{name} must have one entry per frame, {sheet.count}, got {length}")
    still = drawn.reference
    return {
        "sheet": {
            "uri": sheet.uri,
            "rows": sheet.rows,
            "count": sheet.count,
            "shape": list(sheet.shape),
        },
        "captions": list(drawn.captions),
        "curves": [
            {"name": curve.name, "log": curve.log, "values": [*map(_json, curve.values)]}
            for curve in drawn.curves
        ],
        "reference": None if still is None else _still(still, drawn.reference_title),
        "alt": drawn.alt,
        "title": drawn.title,
        "step_name": drawn.step_name,
        "fps": drawn.fps,
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
