"""Run the mistakes people make with `F.affine_grid` and `F.grid_sample`, and what each costs."""

from explainers.sampling.affine_grid.mistakes.conventions import (
    FlagTable,
    Libraries,
    LibraryTurn,
    MixedFlags,
    Padding,
    PaddingRuler,
    SameAngle,
    libraries,
    mixed_flags,
    padding_ruler,
)
from explainers.sampling.affine_grid.mistakes.mapping import (
    Direction,
    NotSquare,
    Order,
    PictureMistake,
    XBeforeY,
    direction,
    not_square,
    order,
    question,
    x_before_y,
)
from explainers.sampling.affine_grid.mistakes.measuring import bar_angle
from explainers.sampling.affine_grid.mistakes.repeating import (
    FullTurn,
    Remains,
    SmallTurns,
    full_turn,
)

__all__ = [
    "Direction",
    "FlagTable",
    "FullTurn",
    "Libraries",
    "LibraryTurn",
    "MixedFlags",
    "NotSquare",
    "Order",
    "Padding",
    "PaddingRuler",
    "PictureMistake",
    "Remains",
    "SameAngle",
    "SmallTurns",
    "XBeforeY",
    "bar_angle",
    "direction",
    "full_turn",
    "libraries",
    "mixed_flags",
    "not_square",
    "order",
    "padding_ruler",
    "question",
    "x_before_y",
]
