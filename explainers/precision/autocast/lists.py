"""Say what torch's documentation lists for autocast, and which dtypes autocast takes."""

import enum
from collections.abc import Mapping

import torch

from explainers.precision.formats import floating

DTYPES = ("float16", "bfloat16")
DOCUMENTATION = "https://docs.pytorch.org/docs/stable/amp.html"
OP_REFERENCE = {
    "cpu": f"{DOCUMENTATION}#cpu-op-specific-behavior",
    "cuda": f"{DOCUMENTATION}#cuda-op-specific-behavior",
}
REFERENCES: tuple[tuple[str, str], ...] = (
    ("torch docs: Autocast Op Reference", f"{DOCUMENTATION}#autocast-op-reference"),
    (
        "torch docs: Automatic Mixed Precision examples",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, arXiv:1710.03740",
        "https://arxiv.org/abs/1710.03740",
    ),
)


class Listed(enum.StrEnum):
    """Say on which of torch's lists an operation stands."""

    LOWER = "lower precision"
    FLOAT32 = "float32"
    WIDEST = "widest input"
    UNLISTED = "not listed"


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The operations of the documentation's lists, as far as a name of torch or of F stands for them.
LISTS: Mapping[str, Mapping[Listed, frozenset[str]]] = {
    "cpu": {
        Listed.LOWER: _names(
            "conv1d conv2d conv3d bmm mm linalg_vecdot baddbmm addmm addbmm linear matmul "
            "conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d prelu "
            "scaled_dot_product_attention"
        ),
        Listed.FLOAT32: _names(
            "avg_pool3d binary_cross_entropy grid_sample polar prod quantile nanquantile stft "
            "cdist trace cholesky_inverse cholesky_solve inverse lu_solve orgqr ormqr pinverse "
            "max_pool3d max_unpool2d max_unpool3d adaptive_avg_pool3d mse_loss "
            "cosine_embedding_loss nll_loss hinge_embedding_loss poisson_nll_loss cross_entropy "
            "l1_loss huber_loss margin_ranking_loss soft_margin_loss triplet_margin_loss "
            "multi_margin_loss ctc_loss kl_div multilabel_margin_loss "
            "binary_cross_entropy_with_logits geqrf qr svd triangular_solve "
            "fractional_max_pool2d fractional_max_pool3d adaptive_max_pool3d"
        ),
        Listed.WIDEST: _names("cat stack index_copy"),
    },
    "cuda": {
        Listed.LOWER: _names(
            "addbmm addmm addmv addr baddbmm bmm multi_dot conv1d conv2d conv3d conv_transpose1d "
            "conv_transpose2d conv_transpose3d linear matmul mm mv prelu"
        ),
        Listed.FLOAT32: _names(
            "pow acos asin binary_cross_entropy_with_logits cosh cosine_embedding_loss cdist "
            "cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 group_norm "
            "hinge_embedding_loss kl_div l1_loss layer_norm log log_softmax log10 log1p log2 "
            "margin_ranking_loss mse_loss multilabel_margin_loss multi_margin_loss nll_loss norm "
            "normalize pdist poisson_nll_loss prod reciprocal rsqrt sinh smooth_l1_loss "
            "soft_margin_loss softmax softmin softplus sum renorm tan triplet_margin_loss"
        ),
        Listed.WIDEST: _names(
            "addcdiv addcmul atan2 bilinear cross dot grid_sample index_put scatter_add tensordot"
        ),
    },
}


def lower_precision(dtype: str | torch.dtype) -> torch.dtype:
    """Return the dtype that autocast is to use.

    Raises:
        ValueError: Autocast takes no such dtype.
    """
    return floating(dtype, among=DTYPES).dtype


def short(dtype: torch.dtype) -> str:
    """Return a dtype's name without ``torch.``."""
    return str(dtype).removeprefix("torch.")


def raised(error: Exception) -> str:
    """Return an error's class and the first line of what it says."""
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"
