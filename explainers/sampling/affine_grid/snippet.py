"""Write the code that reproduces a view, and its data."""

import io

import torch

from explainers.sampling.affine_grid.view import THETA_FIELDS, AffineGrid, View


def snippet(parameters: AffineGrid, *, file: str = "", device: str = "cpu") -> str:
    """Return runnable code that makes ``output`` exactly as the page shows it.

    Args:
        parameters: The settings of the view.
        file: Name of the picture's file; empty for the project's own picture of the settings.
        device: Where torch computes.

    Returns:
        Python source that needs torch, numpy and Pillow, and the picture beside it.
    """
    by_hand = parameters.by_hand
    size = "height, width"
    if parameters.height or parameters.width:
        size = f"{parameters.height or 'height'}, {parameters.width or 'width'}"
    lines = [
        "" if by_hand else "import math\n",
        "import numpy as np",
        "import torch",
        "import torch.nn.functional as F",
        "from PIL import Image",
        "",
        "# The picture is offered for download beside this code; any other will do.",
        f'picture = np.array(Image.open("{file or parameters.picture + ".png"}").convert("RGB"))',
        "picture = torch.from_numpy(picture).permute(2, 0, 1) / 255  # (C, H, W) in [0, 1]",
        "channels, height, width = picture.shape",
        "",
        *(_theta_by_hand(parameters) if by_hand else _theta_from_motion(parameters)),
        "",
        f'device = "{device}"',
        "grid = F.affine_grid(",
        f"    theta[None].to(device), [1, channels, {size}], "
        f"align_corners={parameters.align_corners}",
        ")",
        "output = F.grid_sample(",
        "    picture[None].to(device),",
        "    grid,",
        f'    mode="{parameters.mode}",',
        f'    padding_mode="{parameters.padding_mode}",',
        f"    align_corners={parameters.align_corners},",
        ")[0].cpu()",
        "print(theta)",
        "print(output.shape, output.mean())",
        "",
    ]
    return "\n".join(lines).lstrip("\n")


def table(view: View) -> str:
    """Return CSV text: for each output pixel the position it reads and the value it gets.

    Columns: row, column (of the output), x, y (normalised), channel_0 and so on.
    """
    channels, height, width = view.warp.output.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    values = torch.cat(
        [
            torch.stack([rows, columns], dim=-1).reshape(-1, 2).double(),
            view.warp.grid.reshape(-1, 2).double(),
            view.warp.output.reshape(channels, -1).T.double(),
        ],
        dim=1,
    ).tolist()
    text = io.StringIO()
    names = ["row", "column", "x", "y", *(f"channel_{index}" for index in range(channels))]
    text.write(",".join(names) + "\n")
    for row, column, *rest in values:
        text.write(f"{row:.0f},{column:.0f}," + ",".join(f"{value:.7g}" for value in rest) + "\n")
    return text.getvalue()


def _theta_by_hand(parameters: AffineGrid) -> list[str]:
    numbers = [f"{getattr(parameters, name):g}" for name in THETA_FIELDS]
    numbers = [text if "." in text else f"{text}.0" for text in numbers]
    return [
        "# Output position to input position, normalised, x right and y down.",
        f"theta = torch.tensor([[{', '.join(numbers[:3])}], [{', '.join(numbers[3:])}]])",
    ]


def _theta_from_motion(parameters: AffineGrid) -> list[str]:
    # Of the output: a turn is one where it is seen.
    width, height = (str(getattr(parameters, side) or side) for side in ("width", "height"))
    aspect = "1.0"
    if parameters.keep_aspect:
        aspect = f"{width} / {height}"
        if parameters.align_corners and "1" not in (width, height):
            between = f"({width} - 1) / ({height} - 1)"
            known = width.isdigit() and height.isdigit()
            aspect = between if known else f"{between} if min({width}, {height}) > 1 else {aspect}"
    return [
        "# What the picture should do on screen, x right and y down: scale, lean, turn, move.",
        f"turn = math.radians({parameters.degrees:g})  # counter-clockwise",
        f"lean = math.tan(math.radians({parameters.shear:g}))  # top edge to the right",
        f"scale = np.diag([{parameters.scale_x:g}, {parameters.scale_y:g}])",
        f"move = np.array([{parameters.translate_x:g}, {parameters.translate_y:g}])",
        f"aspect = {aspect}",
        "square = np.diag([aspect, 1.0])  # both axes in one unit",
        "rotate = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])",
        "shear = np.array([[1.0, -lean], [0.0, 1.0]])",
        "motion = np.linalg.inv(square) @ rotate @ shear @ square @ scale",
        "",
        "# affine_grid wants the way back: where each output pixel reads.",
        "back = np.linalg.inv(motion)",
        "theta = torch.from_numpy(np.column_stack([back, -back @ move])).float()",
    ]
