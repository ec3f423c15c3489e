"""List every page once: navigation, home, tests, benchmark and README are made from this."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Page:
    """Describe one topic's page.

    Attributes:
        slug: Its address, and the name of its modules; each layer keeps them in the chapter's
            folder.
        title: As readers know it.
        question: The one question it answers.
        icon: A Material symbol.
        chapter: Title of its chapter; the folder is the same in lower case.
        terms: Torch's names that a reader may search for.
    """

    slug: str
    title: str
    question: str
    icon: str
    chapter: str
    terms: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The chapter's folder, the same in every layer."""
        return self.chapter.lower().replace(" ", "_")

    @property
    def file(self) -> Path:
        """The page's script."""
        return ROOT / "pages" / self.folder / f"{self.slug}.py"

    @property
    def topic(self) -> ModuleType:
        """The topic's explainer."""
        return importlib.import_module(f"explainers.{self.folder}.{self.slug}")

    @property
    def figures(self) -> ModuleType:
        """The topic's figures; a topic of lessons is drawn by the stage."""
        if hasattr(self.topic, "LESSONS"):
            return importlib.import_module("figures.stage_thumbnail")
        return importlib.import_module(f"figures.{self.folder}.{self.slug}")


PATH = MappingProxyType(
    {
        "Start here": {
            "Tensors": "Numbers in storage, seen through shape and stride.",
            "Autograd": "How gradients are recorded, and how they flow back.",
            "Modules": "What a network is made of, and what it registers.",
        },
        "Build a network and train it": {
            "Layers": "What each layer does to shapes and values.",
            "Losses": "What training listens to.",
            "Optimizers": "How a gradient becomes a step, and how large it is.",
            "Data": "From files to batches, in which order.",
            "Training": "The loop around it all, and what it forgets.",
        },
        "Make it train well": {
            "Initialization": "The first weights, so that signals live.",
            "Normalization": "Statistics of what, and when they move.",
            "Sequences": "Recurrence, attention, masks and padding.",
            "Precision": "Formats narrower than float32, and what they cannot hold.",
        },
        "Take it further": {
            "Saving": "What is in a file, and what is not.",
            "Distributed": "Several processes, one model.",
            "Export": "A program without Python.",
            "Sampling": "Pictures turned and resized: where each value reads.",
        },
    }
)
"""Every chapter there may be, in reading order, in stages: what it is about."""

_ORDER = tuple(chapter for stage in PATH.values() for chapter in stage)


def in_reading_order(*pages: Page) -> tuple[Page, ...]:
    """Return the pages by chapter, as `PATH` has them; in a chapter, as they are given.

    Raises:
        ValueError: A chapter is not on the path.
    """
    for page in pages:
        if page.chapter not in _ORDER:
            raise ValueError(f"chapter must be one of {', '.join(_ORDER)}, got {page.chapter}")
    return tuple(sorted(pages, key=lambda page: _ORDER.index(page.chapter)))


PAGES = in_reading_order(
    Page(
        slug="views",
        title="Views, strides and storage",
        question="When do two tensors share memory, and when does torch copy?",
        icon=":material/grid_view:",
        chapter="Tensors",
        terms=(
            "storage",
            "untyped_storage",
            "storage_offset",
            "data_ptr",
            "memory",
            "copy",
            "alias",
        ),
    ),
    Page(
        slug="making",
        title="Making tensors",
        question="What does a constructor take, and which dtype comes out?",
        icon=":material/add_box:",
        chapter="Tensors",
        terms=(
            "torch.tensor",
            "torch.Tensor",
            "FloatTensor",
            "LongTensor",
            "torch.empty",
            "new_empty",
            "torch.zeros",
            "torch.ones",
            "torch.full",
            "full_like",
            "zeros_like",
            "torch.eye",
            "torch.arange",
            "torch.linspace",
            "torch.logspace",
            "dtype",
            "type promotion",
            "uint8",
            "item",
            "tolist",
            "Tensor.to",
            "Module.to",
            "is_leaf",
            "F.one_hot",
            "scatter_",
            "gather",
            "use_deterministic_algorithms",
        ),
    ),
    Page(
        slug="inplace",
        title="In place, and who else sees it",
        question="Which names see a write, and when does torch refuse it?",
        icon=":material/edit:",
        chapter="Tensors",
        terms=(
            "add_",
            "clone",
            "alias",
            "version counter",
            "_version",
            "modified by an inplace operation",
            "overlapping memory",
            "single memory location",
            "detach",
            "data",
            "from_numpy",
            "as_tensor",
            "numpy",
            "bfloat16",
            "negative stride",
            "read-only",
            "permute",
            "HWC",
            "CHW",
            "BGR",
            "RGB",
            "cv2.imread",
            "ToTensor",
        ),
    ),
    Page(
        slug="masks",
        title="Masks, reductions, distances",
        question="Which cells count, and who gets the gradient?",
        icon=":material/filter_alt:",
        chapter="Tensors",
        terms=(
            "torch.gt",
            "bool",
            "mask",
            "masked_fill",
            "masked_select",
            "torch.where",
            "NaN gradient",
            "torch.max",
            "torch.argmax",
            "torch.amax",
            "torch.median",
            "keepdim",
            "dim",
            "ties",
            "NaN",
            "isnan",
            "torch.cdist",
            "pairwise distance",
            "broadcasting",
            "matmul",
            "Hadamard product",
        ),
    ),
    Page(
        slug="backward",
        title="The graph and backward",
        question="What does backward walk, which tensors keep a gradient, and what is freed?",
        icon=":material/account_tree:",
        chapter="Autograd",
        terms=(
            "autograd",
            "computation graph",
            "loss.backward",
            "torch.autograd",
            "chain rule",
            "leaf",
            "requires_grad",
        ),
    ),
    Page(
        slug="accumulation",
        title="Gradients add up",
        question="What does each backward leave in .grad, and what shortens it or takes it away?",
        icon=":material/stacks:",
        chapter="Autograd",
        terms=(
            "gradient accumulation",
            "zero_grad",
            "set_to_none",
            "micro-batch",
            "gradient clipping",
            "exploding gradient",
            "BPTT",
        ),
    ),
    Page(
        slug="cutting",
        title="Cutting the graph",
        question="What stops a gradient, and what lets a wrong one through?",
        icon=":material/content_cut:",
        chapter="Autograd",
        terms=(
            "no_grad",
            "inference_mode",
            "detach",
            "detach_",
            "stop gradient",
            "freeze",
            "in-place",
        ),
    ),
    Page(
        slug="functions",
        title="Your own Function",
        question="What must forward save, what must backward return, and who checks it?",
        icon=":material/function:",
        chapter="Autograd",
        terms=(
            "autograd.Function",
            "custom backward",
            "save_for_backward",
            "needs_input_grad",
            "gradcheck",
            "straight-through estimator",
        ),
    ),
    Page(
        slug="hooks",
        title="Hooks",
        question="Who looks on at a call and at backward, and what does one change by returning?",
        icon=":material/phishing:",
        chapter="Autograd",
        terms=(
            "register_hook",
            "register_forward_hook",
            "register_full_backward_hook",
            "activations",
            "feature maps",
            "prune",
        ),
    ),
    Page(
        slug="registration",
        title="What a module knows of",
        question="What do parameters(), state_dict() and to() find, and what do they never see?",
        icon=":material/inventory_2:",
        chapter="Modules",
        terms=(
            "nn.Module",
            "nn.Parameter",
            "parameters",
            "register_parameter",
            "buffer",
            "layers in a list",
            "weight tying",
        ),
    ),
    Page(
        slug="walking",
        title="Walking a model",
        question="In which order is a model walked, and what is saved and counted on the way?",
        icon=":material/footprint:",
        chapter="Modules",
        terms=(
            "nn.Module",
            "state_dict",
            "named_modules",
            "apply",
            "weight initialization",
            "best model",
            "load_state_dict",
            "model summary",
        ),
    ),
    Page(
        slug="modes",
        title="Modes and moves",
        question="What does eval() switch, what does to() change, and what does neither reach?",
        icon=":material/toggle_on:",
        chapter="Modules",
        terms=(
            "nn.Module",
            "train",
            "eval",
            "dropout",
            "half",
            "requires_grad_",
            "forward hook",
            "feature extraction",
        ),
    ),
    Page(
        slug="convolution",
        title="Convolution",
        question="What lies under the window, and what does no window read?",
        icon=":material/grid_on:",
        chapter="Layers",
        terms=(
            "nn.Conv1d",
            "nn.Conv2d",
            "F.conv1d",
            "F.conv2d",
            "cross-correlation",
            "kernel_size",
            "stride",
            "padding",
            "padding_mode",
            "same padding",
            "causal",
            "dilation",
            "atrous",
            "gridding",
            "receptive field",
            "output size",
            "groups",
            "depthwise",
            "filter2D",
        ),
    ),
    Page(
        slug="transposed",
        title="Transposed convolution and unfold",
        question="Where does each pixel go, and how large is the result?",
        icon=":material/approval:",
        chapter="Layers",
        terms=(
            "nn.ConvTranspose2d",
            "F.conv_transpose2d",
            "ConvTranspose1d",
            "deconvolution",
            "fractionally strided",
            "upsampling",
            "checkerboard",
            "output_padding",
            "output_size",
            "adjoint",
            "nn.Unfold",
            "nn.Fold",
            "F.unfold",
            "F.fold",
            "im2col",
            "col2im",
            "patches",
        ),
    ),
    Page(
        slug="pooling",
        title="Pooling",
        question="Which cells does a window read, and what is made of them?",
        icon=":material/zoom_in_map:",
        chapter="Layers",
        terms=(
            "max_pool2d",
            "MaxPool2d",
            "avg_pool2d",
            "AvgPool2d",
            "LPPool2d",
            "FractionalMaxPool2d",
            "AdaptiveAvgPool2d",
            "AdaptiveMaxPool2d",
            "ceil_mode",
            "count_include_pad",
            "return_indices",
            "global average pooling",
        ),
    ),
    Page(
        slug="embedding",
        title="Embedding and shapes",
        question="Which rows does an id read, and whose numbers does a row hold?",
        icon=":material/table_rows:",
        chapter="Layers",
        terms=(
            "nn.Embedding",
            "nn.EmbeddingBag",
            "padding_idx",
            "max_norm",
            "attention mask",
            "offsets",
            "LeNet",
            "nn.Flatten",
            "flatten",
            "view(-1, 400)",
            "mat1 and mat2 shapes cannot be multiplied",
            "index out of range in self",
        ),
    ),
    Page(
        slug="affine_grid",
        title="affine_grid and grid_sample",
        question="Which way does theta move a picture, and why does it come out wrong?",
        icon=":material/rotate_left:",
        chapter="Sampling",
        terms=(
            "F.affine_grid",
            "F.grid_sample",
            "theta",
            "align_corners",
            "padding_mode",
            "mode",
            "bilinear",
            "nearest",
            "bicubic",
            "reflection",
            "border",
            "rotation",
            "shear",
            "spatial transformer",
            "STN",
            "warpAffine",
        ),
    ),
    Page(
        slug="interpolate",
        title="interpolate",
        question="Where does each output value read, and what does it never see?",
        icon=":material/photo_size_select_large:",
        chapter="Sampling",
        terms=(
            "F.interpolate",
            "nn.Upsample",
            "size",
            "scale_factor",
            "mode",
            "align_corners",
            "antialias",
            "recompute_scale_factor",
            "nearest",
            "nearest-exact",
            "linear",
            "bilinear",
            "bicubic",
            "trilinear",
            "area",
            "lanczos",
            "resize",
            "upsample",
            "downsample",
            "cv2.resize",
        ),
    ),
    Page(
        slug="float_formats",
        title="Floating point formats",
        question="What can float16 and bfloat16 not hold, and at what cost?",
        icon=":material/decimal_increase:",
        chapter="Precision",
        terms=(
            "float16",
            "half",
            "bfloat16",
            "float32",
            "float64",
            "float8_e4m3fn",
            "float8_e5m2",
            "torch.finfo",
            "dtype",
            "eps",
            "subnormal",
            "overflow",
            "underflow",
            "rounding",
            "mantissa",
            "exponent",
            "allclose",
            "Adam eps",
        ),
    ),
    Page(
        slug="autocast",
        title="autocast",
        question="Which operation runs in which precision, and what does it buy?",
        icon=":material/compress:",
        chapter="Precision",
        terms=(
            "torch.autocast",
            "torch.amp",
            "torch.cuda.amp",
            "mixed precision",
            "AMP",
            "float16",
            "bfloat16",
            "half",
            "enabled",
            "cache_enabled",
            "custom_fwd",
            "custom_bwd",
            "dtype mismatch",
            "matmul",
            "overflow",
        ),
    ),
    Page(
        slug="grad_scaler",
        title="GradScaler",
        question="Why is the loss scaled, and when is a step left out?",
        icon=":material/expand:",
        chapter="Precision",
        terms=(
            "torch.amp.GradScaler",
            "torch.cuda.amp",
            "AMP",
            "mixed precision",
            "init_scale",
            "growth_factor",
            "backoff_factor",
            "growth_interval",
            "unscale_",
            "found_inf",
            "clip_grad_norm_",
            "loss scaling",
            "underflow",
            "overflow",
            "inf",
            "NaN",
            "float16",
            "bfloat16",
            "gradient accumulation",
        ),
    ),
    Page(
        slug="focal_loss",
        title="Focal loss against BCE",
        question="Which examples does the loss listen to, and which not?",
        icon=":material/center_focus_strong:",
        chapter="Losses",
        terms=(
            "sigmoid_focal_loss",
            "nn.BCELoss",
            "nn.BCEWithLogitsLoss",
            "F.binary_cross_entropy",
            "F.binary_cross_entropy_with_logits",
            "gamma",
            "alpha",
            "pos_weight",
            "reduction",
            "label smoothing",
            "logits",
            "sigmoid",
            "p_t",
            "imbalance",
            "prior bias",
            "RetinaNet",
            "calibration",
        ),
    ),
    Page(
        slug="state",
        title="What an optimizer holds",
        question="Which options, which memory, and which parameters?",
        icon=":material/memory:",
        chapter="Optimizers",
        terms=(
            "torch.optim",
            "Optimizer",
            "SGD",
            "Adam",
            "momentum",
            "checkpoint",
            "freeze",
        ),
    ),
    Page(
        slug="schedulers",
        title="Learning-rate schedulers",
        question="What learning rate does each step use?",
        icon=":material/trending_down:",
        chapter="Optimizers",
        terms=(
            "lr_scheduler",
            "LambdaLR",
            "MultiplicativeLR",
            "StepLR",
            "MultiStepLR",
            "ConstantLR",
            "LinearLR",
            "ExponentialLR",
            "PolynomialLR",
            "CosineAnnealingLR",
            "CosineAnnealingWarmRestarts",
            "CyclicLR",
            "OneCycleLR",
            "ReduceLROnPlateau",
            "SequentialLR",
            "ChainedScheduler",
            "last_epoch",
            "initial_lr",
            "get_last_lr",
            "optimizer.step",
            "warm-up",
            "momentum",
            "state_dict",
        ),
    ),
    Page(
        slug="initialization",
        title="Initialization",
        question="How large should the first weights be, so that signals and gradients live?",
        icon=":material/equalizer:",
        chapter="Initialization",
        terms=(
            "nn.init",
            "initialisation",
            "Xavier",
            "Glorot",
            "Kaiming",
            "He",
            "xavier_uniform_",
            "xavier_normal_",
            "kaiming_uniform_",
            "kaiming_normal_",
            "trunc_normal_",
            "orthogonal_",
            "dirac_",
            "calculate_gain",
            "fan_in",
            "fan_out",
            "nn.Linear",
            "apply",
            "reset_parameters",
            "dead ReLU",
            "saturation",
            "vanishing gradient",
            "SELU",
        ),
    ),
)
"""Every page, in reading order."""

HOME = ROOT / "pages" / "home" / "home.py"
PROOF = ROOT / "pages" / "home" / "proof.py"
SCRATCHPAD = Page(
    slug="scratchpad",
    title="Scratchpad",
    question="What does torch do with your own lines?",
    icon=":material/edit_note:",
    chapter="Home",
    terms=(
        "my own code",
        "try your own lines",
        "code editor",
        "write and run a program",
        "playground",
        "sandbox",
        "REPL",
    ),
)
"""The page on which readers write; no topic, so it is not among `PAGES`."""

CHAPTERS = tuple(dict.fromkeys(page.chapter for page in PAGES))
"""Every chapter, in reading order."""


def page(slug: str) -> Page:
    """Return the page of that slug; the scratchpad has one too.

    Raises:
        KeyError: There is none.
    """
    return {entry.slug: entry for entry in (*PAGES, SCRATCHPAD)}[slug]


def neighbours(slug: str) -> tuple[Page | None, Page | None]:
    """Return the pages before and after the page of that slug in reading order; None at the ends.

    Raises:
        KeyError: There is no such page on the path.
    """
    here = {entry.slug: place for place, entry in enumerate(PAGES)}[slug]
    return (
        PAGES[here - 1] if here else None,
        PAGES[here + 1] if here + 1 < len(PAGES) else None,
    )
