"""Draw what `explainers.sampling.affine_grid.prove` has warped."""

from typing import TYPE_CHECKING

from figures import style

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.sampling.affine_grid import Proof

_LONGEST = 256
_SHOWN = {
    "theta": "torch",
    "theta_corners": "torch, align_corners",
    "opencv_inverse": "OpenCV",
    "pil": "PIL",
    "torchvision": "torchvision",
}


def warped(proof: "Proof") -> str:
    """Draw the input, and what each library makes of it by its own numbers."""
    titles = [_SHOWN[kind] for kind in proof.outputs if kind in _SHOWN]
    return style.panels(
        [
            style.Panel("Input", _small(proof.source)),
            *(
                style.Panel(_SHOWN[kind], _small(output))
                for kind, output in proof.outputs.items()
                if kind in _SHOWN
            ),
        ],
        alt=f"A card in grey with noise, and the same map of it by {', '.join(titles)}.",
        tallest=150,
        narrowest=110,
    )


def _small(image: "Tensor") -> "Tensor":
    """Leave out rows and columns of a picture that is larger than it is drawn."""
    step = -(-max(image.shape) // _LONGEST)
    return image[::step, ::step]
