"""Hold one call of each operation; the code that a reader takes away repeats this file."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

# --- taken away from here ---

# Their inputs must stay below 1: probabilities, and positions in a picture.
BELOW_1 = ("binary_cross_entropy", "grid_sample")

# a and b are 4x4. Where an operation takes several tensors, it gets both, so that they can differ.
OPS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "matmul": torch.matmul,
    "mm": torch.mm,
    "bmm": lambda a, b: torch.bmm(a[None], b[None]),
    "addmm": lambda a, b: torch.addmm(a, a, b),
    "baddbmm": lambda a, b: torch.baddbmm(a[None], a[None], b[None]),
    "mv": lambda a, b: torch.mv(a, b[0]),
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", a, b),
    "linear": F.linear,
    "conv2d": lambda a, b: F.conv2d(a[None, None], b[None, None, :3, :3]),
    "conv_transpose2d": lambda a, b: F.conv_transpose2d(a[None, None], b[None, None, :3, :3]),
    "scaled_dot_product_attention": lambda a, b: F.scaled_dot_product_attention(
        a[None], b[None], b[None]
    ),
    "prelu": lambda a, b: F.prelu(a, b[0, :1]),
    "relu": lambda a, _: F.relu(a),
    "gelu": lambda a, _: F.gelu(a),
    "sigmoid": lambda a, _: torch.sigmoid(a),
    "tanh": lambda a, _: torch.tanh(a),
    "softmax": lambda a, _: torch.softmax(a, 0),
    "log_softmax": lambda a, _: torch.log_softmax(a, 0),
    "layer_norm": lambda a, _: F.layer_norm(a, (4,)),
    "group_norm": lambda a, _: F.group_norm(a[None], 2),
    "batch_norm": lambda a, _: F.batch_norm(a, None, None, training=True),
    "sum": lambda a, _: torch.sum(a),
    "mean": lambda a, _: torch.mean(a),
    "prod": lambda a, _: torch.prod(a),
    "cumsum": lambda a, _: torch.cumsum(a, 0),
    "norm": lambda a, _: torch.norm(a),
    "exp": lambda a, _: torch.exp(a),
    "log": lambda a, _: torch.log(a),
    "pow": lambda a, _: torch.pow(a, 2),
    "rsqrt": lambda a, _: torch.rsqrt(a),
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "kl_div": lambda a, b: F.kl_div(a, b, reduction="sum"),
    "cross_entropy": lambda a, _: F.cross_entropy(a, torch.arange(len(a), device=a.device)),
    "nll_loss": lambda a, _: F.nll_loss(a, torch.arange(len(a), device=a.device)),
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "add": torch.add,
    "mul": torch.mul,
    "cat": lambda a, b: torch.cat([a, b]),
    "stack": lambda a, b: torch.stack([a, b]),
    "dot": lambda a, b: torch.dot(a[0], b[0]),
    "atan2": torch.atan2,
    "addcmul": lambda a, b: torch.addcmul(a, a, b),
    "cdist": torch.cdist,
    "grid_sample": lambda a, b: F.grid_sample(
        a[None, None], b[None, :, None, :2], align_corners=False
    ),
    "interpolate": lambda a, _: F.interpolate(a[None, None], scale_factor=2.0, mode="bilinear"),
    "max_pool2d": lambda a, _: F.max_pool2d(a[None, None], 2),
}
