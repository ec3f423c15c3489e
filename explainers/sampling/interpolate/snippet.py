"""Write the code that reproduces a view, and its data."""

import io

import torch

from explainers.sampling.interpolate.sampling import is_small, sample_positions
from explainers.sampling.interpolate.view import Interpolate, View, typed_numbers

_VOLUME = (
    'z, y, x = torch.meshgrid(*(torch.arange(float(n)) for n in (4, 12, 12)), indexing="ij")',
    "image = (9 * (z - 1.5) ** 2 + (y - 5.5) ** 2 + (x - 5.5) ** 2 < 30).float()",
    "image[0, 1:4, 1:4] = 0.6",
    "image = image[None]  # (C, D, H, W)",
)


def snippet(parameters: Interpolate, *, file: str = "", device: str = "cpu") -> str:
    """Return runnable code that makes ``output`` exactly as the page shows it.

    Args:
        parameters: The settings of the view.
        file: Name of the picture's file; empty for the project's own picture of the settings.
        device: Where torch computes.

    Returns:
        Python source that needs torch, and for a picture numpy, Pillow and the file beside it.
    """
    arguments = parameters.arguments()
    lines = ["import torch", "import torch.nn.functional as F", ""]
    if parameters.input == "picture":
        lines = ["import numpy as np", *lines[:2], "from PIL import Image", ""]
    lines += [
        *_input(parameters, file),
        "",
        "output = F.interpolate(",
        f'    image[None].to("{device}"),',
        *(
            f"    {name}={value!r},".replace("'", '"')
            for name, value in arguments.items()
            if value is not None and (name, value) != ("antialias", False)
        ),
        ")[0].cpu()",
        "print(output.shape)",
        "print(output)",
        "",
    ]
    return "\n".join(lines)


def table(view: View) -> str:
    """Return CSV text: for each output value its index, where it reads, and what it holds.

    Columns: the index along each axis, the position read along each axis in input pixels, and
    channel_0 and so on. The header alone where the call was refused.
    """
    axes = view.source.dim() - 1
    names = ("depth", "row", "column")[3 - axes :]
    channels = view.source.shape[0]
    text = io.StringIO()
    text.write(
        ",".join(
            [
                *names,
                *(f"reads_{name}" for name in names),
                *(f"channel_{index}" for index in range(channels)),
            ]
        )
        + "\n"
    )
    if view.output is None:
        return text.getvalue()
    parameters = view.parameters
    out = view.output.shape[1:]
    reads = []
    for axis, (in_size, out_size) in enumerate(zip(view.source.shape[1:], out, strict=True)):
        fixed = parameters.input == "row" and axis == 0
        reads.append(
            sample_positions(
                in_size,
                out_size,
                mode=parameters.mode,
                align_corners=parameters.align_corners == "True",
                scale_factor=None if fixed else parameters.used_scale,
                antialias=parameters.antialias,
                axes=axes,
                small=is_small(out),
            )
        )
    indices = torch.cartesian_prod(*(torch.arange(side) for side in out)).reshape(-1, axes)
    positions = torch.cartesian_prod(*reads).reshape(-1, axes)
    values = view.output.reshape(channels, -1).T
    for index, position, value in zip(
        indices.tolist(), positions.tolist(), values.double().tolist(), strict=True
    ):
        text.write(
            ",".join(
                [
                    *(str(number) for number in index),
                    *(f"{number:.7g}" for number in position),
                    *(f"{number:.7g}" for number in value),
                ]
            )
            + "\n"
        )
    return text.getvalue()


def _input(parameters: Interpolate, file: str) -> list[str]:
    match parameters.input:
        case "picture":
            name = file or f"{parameters.picture}.png"
            return [
                "# The picture is offered for download beside this code; any other will do.",
                f'image = np.array(Image.open("{name}").convert("RGB"))',
                "image = torch.from_numpy(image).permute(2, 0, 1) / 255  # (C, H, W) in [0, 1]",
            ]
        case "volume":
            return list(_VOLUME)
    name, shape = ("table", "(C, H, W)")
    if parameters.input != "table":
        name, shape = ("samples", "(C, L)" if parameters.input == "signal" else "(C, H, W)")
    # As typed: in float32 they would show digits that nobody wrote.
    rows = [list(row) for row in typed_numbers(name).table(getattr(parameters, name))]
    values = rows if parameters.input == "signal" else [rows]
    return [f"image = torch.tensor({values!r})  # {shape}"]
