"""List what a reader's program may name: the only place where a name is let in.

Whatever is not here is refused. The lists are of names alone; what hides behind a name is asked of
torch when a program runs, and looked up by the type of the object that it is asked of.
"""

import builtins
import collections
import copy
import math
import re
import types
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


DTYPES = _names(
    "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 bool long float double half "
    "int short complex64 complex128 cfloat"
)
TORCH = DTYPES | _names(
    # making
    "tensor as_tensor arange zeros ones full eye linspace logspace rand randn randint randperm "
    "zeros_like ones_like full_like rand_like randn_like randint_like empty empty_like "
    "tril_indices triu_indices bernoulli multinomial normal Tensor FloatTensor LongTensor "
    "IntTensor DoubleTensor BoolTensor ShortTensor scalar_tensor complex polar "
    # shapes and places
    "cat concat stack hstack vstack dstack chunk split tensor_split where gather scatter "
    "scatter_add index_select index_fill index_add index_copy masked_select masked_fill "
    "masked_scatter take take_along_dim nonzero argwhere permute transpose t reshape squeeze "
    "unsqueeze flatten unflatten ravel broadcast_to broadcast_tensors broadcast_shapes movedim "
    "moveaxis swapaxes swapdims tile repeat_interleave roll rot90 flip fliplr flipud unbind "
    "select narrow diagonal diag diag_embed diagflat tril triu meshgrid block_diag "
    "cartesian_prod unsqueeze clone detach atleast_1d atleast_2d atleast_3d as_strided "
    "select_scatter slice_scatter diagonal_scatter view_as_real view_as_complex expand_copy "
    "resolve_conj "
    # arithmetic
    "abs absolute add sub subtract mul multiply div divide true_divide floor_divide remainder "
    "fmod neg negative exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square pow float_power "
    "sin cos tan asin acos atan atan2 sinh cosh tanh sigmoid relu softmax log_softmax "
    "logsumexp erf erfc clamp clip sign sgn ceil floor round trunc frac reciprocal maximum "
    "minimum fmax fmin lerp addmm addcmul addcdiv addmv baddbmm addbmm addr logaddexp hypot "
    "deg2rad rad2deg nan_to_num heaviside xlogy bitwise_and bitwise_or bitwise_xor bitwise_not "
    "bitwise_left_shift bitwise_right_shift logical_and logical_or logical_xor logical_not "
    "real imag angle conj copysign signbit positive "
    # reductions and orders
    "sum mean std var var_mean std_mean max min amax amin aminmax argmax argmin median mode "
    "quantile nanmean nansum prod any all norm dist cumsum cumprod cummax cummin diff sort "
    "argsort topk kthvalue unique unique_consecutive bincount histc count_nonzero searchsorted "
    "bucketize isin trace "
    # products
    "matmul mm bmm mv dot vdot inner outer einsum tensordot kron cross chain_matmul cdist "
    "cosine_similarity inverse det vander "
    # questions
    "allclose isclose equal isnan isinf isfinite isreal is_tensor is_floating_point is_complex "
    "is_grad_enabled is_inference_mode_enabled is_nonzero numel eq ne lt gt le ge finfo iinfo "
    "result_type promote_types can_cast get_default_dtype Size "
    # autograd, randomness, numbers
    "no_grad enable_grad inference_mode set_grad_enabled autocast manual_seed seed "
    "initial_seed Generator inf nan pi e newaxis strided contiguous_format channels_last "
    "preserve_format dropout conv1d conv2d layer_norm embedding"
)
LINALG = _names(
    "norm vector_norm matrix_norm inv det slogdet solve eigh eigvalsh svd svdvals qr cholesky "
    "matrix_rank cond pinv multi_dot cross matrix_power lstsq diagonal vecdot"
)
AUTOGRAD = _names("grad backward functional Function gradcheck")
FUNCTIONAL = _names("jacobian hessian vjp jvp hvp")
OPTIM = _names("SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam lr_scheduler")
SCHEDULERS = _names(
    "StepLR MultiStepLR ExponentialLR CosineAnnealingLR LinearLR ConstantLR LambdaLR "
    "OneCycleLR ReduceLROnPlateau CosineAnnealingWarmRestarts SequentialLR MultiplicativeLR "
    "PolynomialLR"
)
NN = _names(
    "Module Parameter Linear Bilinear Identity Sequential ModuleList ModuleDict ParameterList "
    "ParameterDict Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d MaxPool1d MaxPool2d "
    "AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool2d Flatten "
    "Unflatten Unfold Fold Dropout Dropout1d Dropout2d BatchNorm1d BatchNorm2d LayerNorm "
    "GroupNorm InstanceNorm1d InstanceNorm2d RMSNorm Embedding EmbeddingBag RNN LSTM GRU "
    "RNNCell LSTMCell GRUCell MultiheadAttention ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU "
    "SiLU Mish Sigmoid Tanh Softmax LogSoftmax Softplus Softsign Hardtanh Hardsigmoid "
    "Hardswish Tanhshrink Threshold GLU LogSigmoid ZeroPad2d ReflectionPad1d ReflectionPad2d "
    "ReplicationPad2d ConstantPad1d ConstantPad2d Upsample PixelShuffle CosineSimilarity "
    "PairwiseDistance MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss "
    "BCEWithLogitsLoss KLDivLoss MarginRankingLoss HingeEmbeddingLoss CosineEmbeddingLoss "
    "TripletMarginLoss MultiMarginLoss SoftMarginLoss PoissonNLLLoss GaussianNLLLoss "
    "functional init utils"
)
FN = _names(
    "relu relu6 leaky_relu elu selu celu gelu silu mish prelu sigmoid tanh softplus softsign "
    "hardtanh hardsigmoid hardswish threshold glu logsigmoid softmax log_softmax softmin "
    "tanhshrink cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss "
    "binary_cross_entropy binary_cross_entropy_with_logits kl_div margin_ranking_loss "
    "hinge_embedding_loss cosine_embedding_loss triplet_margin_loss multi_margin_loss "
    "soft_margin_loss poisson_nll_loss gaussian_nll_loss linear bilinear conv1d conv2d conv3d "
    "conv_transpose1d conv_transpose2d max_pool1d max_pool2d avg_pool1d avg_pool2d "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d dropout dropout1d dropout2d "
    "layer_norm batch_norm group_norm instance_norm rms_norm normalize one_hot pad interpolate "
    "embedding embedding_bag cosine_similarity pairwise_distance unfold fold "
    "scaled_dot_product_attention pixel_shuffle grid_sample affine_grid"
)
INIT = _names(
    "zeros_ ones_ constant_ eye_ uniform_ normal_ trunc_normal_ xavier_uniform_ xavier_normal_ "
    "kaiming_uniform_ kaiming_normal_ orthogonal_ calculate_gain dirac_"
)
UTILS = _names(
    "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters get_total_norm rnn"
)
SEQUENCES = _names("pad_sequence")

MATH = _names(
    "pi e tau inf nan sqrt exp log log2 log10 log1p expm1 sin cos tan asin acos atan atan2 "
    "sinh cosh tanh floor ceil trunc fabs isnan isinf isfinite isclose erf hypot degrees "
    "radians"
)

COPY = _names("deepcopy")
COLLECTIONS = _names("OrderedDict")

_BINARY = "add sub mul div floor_divide remainder fmod pow lerp addcmul addcdiv addmm addmv baddbmm"
_POINTWISE = [
    "abs",
    "neg",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "rsqrt",
    "square",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "sigmoid",
    "relu",
    "erf",
    "clamp",
    "clip",
    "sign",
    "ceil",
    "floor",
    "round",
    "trunc",
    "frac",
    "reciprocal",
    "clamp_min",
    "clamp_max",
    "nan_to_num",
    "logical_not",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_not",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "ne",
    "lt",
    "gt",
    "le",
    "ge",
    "masked_fill",
    "masked_scatter",
    "scatter",
    "scatter_add",
    "index_fill",
    "index_add",
    "index_copy",
    "index_put",
    "tril",
    "triu",
    "transpose",
    "t",
    "squeeze",
    "unsqueeze",
    "swapaxes",
    "cumsum",
    "cumprod",
    "atan2",
    "hypot",
]
TENSOR = _names(
    "data_ptr shape dtype grad data grad_fn requires_grad is_leaf T mT H mH ndim itemsize "
    "nbytes real imag layout device view reshape permute expand expand_as repeat tile "
    "contiguous clone detach detach_ item tolist size stride storage_offset numel nelement dim "
    "is_contiguous sum mean std var max min amax amin aminmax argmax argmin median mode "
    "quantile prod any all nansum nanmean backward requires_grad_ retain_grad retains_grad "
    "zero_ fill_ copy_ uniform_ normal_ random_ bernoulli_ exponential_ index_select gather "
    "masked_select nonzero argwhere unique unfold flatten unflatten ravel chunk split "
    "tensor_split unbind select narrow as_strided to type type_as float double half bfloat16 "
    "int long short bool cfloat register_hook equal allclose isclose sort argsort topk "
    "kthvalue matmul mm bmm mv dot inner outer softmax log_softmax logsumexp norm dist flip "
    "roll rot90 movedim moveaxis swapdims diagonal diag diag_embed repeat_interleave "
    "is_floating_point is_complex new_zeros new_ones new_tensor new_full new_empty "
    "element_size bincount histc view_as reshape_as where isnan isinf isfinite trace "
    "count_nonzero maximum minimum fmax fmin broadcast_to take take_along_dim scatter_reduce "
    "scatter_reduce_ bernoulli multinomial conj angle is_inference is_signed is_nonzero "
    "untyped_storage cummax cummin diff det inverse sum_to_size resolve_conj is_conj cpu "
    "fliplr flipud square_ fill_diagonal_ logaddexp is_set_to _version"
) | frozenset(f"{name}{end}" for name in (*_BINARY.split(), *_POINTWISE) for end in ("", "_"))

VERSION = "_version"
"""The one name with an underscore: how often a tensor was written."""

MODULE = _names(
    "weight bias training train eval parameters named_parameters state_dict load_state_dict "
    "zero_grad buffers named_buffers children named_children modules named_modules "
    "requires_grad_ in_features out_features in_channels out_channels append insert extend "
    "keys values items running_mean running_var num_batches_tracked double float half bfloat16 "
    "to type register_buffer register_parameter add_module normalized_shape kernel_size stride "
    "padding dilation groups embedding_dim num_embeddings padding_idx p eps momentum affine "
    "inplace num_features hidden_size input_size num_layers bidirectional batch_first "
    "negative_slope weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 weight_ih weight_hh "
    "bias_ih bias_hh in_proj_weight in_proj_bias out_proj num_heads embed_dim get_parameter "
    "get_buffer get_submodule register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook apply reduction flatten_parameters reset_parameters forward"
)
OWN = _names("training weight bias")
"""What may be set of a module of torch's own; of a reader's, whatever `nn.Module` does not use."""
METHODS = _names("forward extra_repr")
"""Methods that a class of a reader's may define though `nn.Module` has them."""
FUNCTION_METHODS = _names("forward backward setup_context")
"""Methods of a class of a reader's that derives from `torch.autograd.Function`, all static."""
DICTS = _names("dict OrderedDict")
"""What takes keywords of any name, and makes keys of them."""

BUILTINS = _names(
    "print len range list tuple int float bool complex abs round sum min max zip enumerate "
    "sorted reversed str dict set any all isinstance type divmod"
)
EXCEPTIONS = _names(
    "Exception RuntimeError ValueError TypeError IndexError KeyError AttributeError "
    "ZeroDivisionError AssertionError NameError OverflowError ArithmeticError LookupError "
    "NotImplementedError StopIteration"
)
MODULES = _names("torch nn F optim math")
"""Names that keep what they mean; all but `math` are there whether imported or not."""

KEYWORDS = _names(
    "dim dims axis keepdim keepdims dtype requires_grad start end step steps size fill_value "
    "base generator descending largest sorted stable bias stride padding dilation groups "
    "kernel_size padding_mode in_features out_features in_channels out_channels num_embeddings "
    "embedding_dim padding_idx num_features num_groups num_channels hidden_size input_size "
    "num_layers batch_first nonlinearity bidirectional embed_dim num_heads lr momentum "
    "dampening weight_decay betas eps rho nesterov alpha centered amsgrad maximize lr_decay "
    "set_to_none retain_graph create_graph inputs grad_outputs allow_unused is_grads_batched "
    "materialize_grads reduction weight pos_weight ignore_index label_smoothing num_classes p "
    "training inplace correction unbiased min max mode scale_factor align_corners "
    "return_inverse return_counts return_indices shifts k low high num_samples replacement sep "
    "beta value copy non_blocking memory_format gradient start_dim end_dim normalized_shape "
    "elementwise_affine affine track_running_stats negative_slope approximate diagonal "
    "diagonal1 offset dim1 dim2 dim0 repeats index src indices indexing minlength rtol atol "
    "equal_nan other mat1 mat2 input target margin threshold as_tuple reduce include_self "
    "accumulate exponent rounding_mode q interpolation bins ord full_matrices UPLO left upper "
    "reverse strict milestones gamma step_size T_max T_0 T_mult eta_min factor total_iters "
    "start_factor end_factor max_lr total_steps epochs steps_per_epoch pct_start lr_lambda "
    "last_epoch patience cooldown schedulers milestones power a b mean std gain fan "
    "nonlinearity normalize tensors split_size_or_sections chunks sections size_average "
    "output_size count_include_pad ceil_mode shape sizes attn_mask dropout dropout_p is_causal "
    "key query value need_weights average_attn_weights key_padding_mask add_zero_attn max_norm "
    "norm_type error_if_nonfinite clip_value padding_value parameters params vec hidden "
    "recurse prefix persistent remove_duplicate prepend append side right out_int32 "
    "test_elements delta quantile reverse enabled device_type cache_enabled memory layout x1 "
    "x2 anchor positive negative log_target tensor obj init num_parameters lambd "
    "upscale_factor swap full alpha raise_exception"
) - _names("layout memory")
"""Keywords of torch's functions; a reader's own functions bring their own."""

ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (Tensor, TENSOR),
    (nn.Module, MODULE),
    (
        torch.optim.Optimizer,
        _names("step zero_grad param_groups state state_dict load_state_dict add_param_group"),
    ),
    (torch.optim.lr_scheduler.LRScheduler, _names("step get_last_lr last_epoch state_dict")),
    (
        torch.autograd.function.FunctionCtx,
        _names(
            "name next_functions save_for_backward saved_tensors needs_input_grad mark_dirty "
            "mark_non_differentiable set_materialize_grads"
        ),
    ),
    (torch.autograd.graph.Node, _names("name next_functions")),
    (torch.UntypedStorage, _names("nbytes size")),
    (torch.Generator, _names("manual_seed initial_seed")),
    (torch.Size, _names("numel index count")),
    (torch.finfo, _names("max min eps tiny bits smallest_normal resolution dtype")),
    (torch.iinfo, _names("max min bits dtype")),
    (torch.dtype, _names("itemsize is_floating_point is_complex is_signed")),
    (torch.device, _names("type index")),
    (torch.utils.hooks.RemovableHandle, _names("remove")),
    (dict, _names("keys values items get pop update setdefault copy")),
    (list, _names("append pop index count insert reverse copy")),
    (
        tuple,
        _names(
            "index count values indices missing_keys unexpected_keys solution Q R U S Vh L "
            "eigenvalues eigenvectors sign logabsdet min max"
        ),
    ),
    (str, _names("join upper lower strip split startswith endswith removeprefix removesuffix")),
    (complex, _names("real imag conjugate")),
    (float, _names("is_integer")),
    (int, _names("bit_length")),
)
"""By type, the first that fits: names that may be asked of an object."""

CONTEXTS = _names("no_grad enable_grad inference_mode set_grad_enabled autocast")
"""What `with` takes, of torch."""

SPACES: Mapping[str, tuple[types.ModuleType, frozenset[str]]] = {
    "torch": (torch, TORCH | _names("nn optim autograd linalg")),
    "torch.nn": (nn, NN),
    "torch.nn.functional": (F, FN),
    "torch.nn.init": (nn.init, INIT),
    "torch.nn.utils": (nn.utils, UTILS),
    "torch.nn.utils.rnn": (nn.utils.rnn, SEQUENCES),
    "torch.optim": (torch.optim, OPTIM),
    "torch.optim.lr_scheduler": (torch.optim.lr_scheduler, SCHEDULERS),
    "torch.autograd": (torch.autograd, AUTOGRAD),
    "torch.autograd.functional": (torch.autograd.functional, FUNCTIONAL),
    "torch.linalg": (torch.linalg, LINALG),
    "math": (math, MATH),
    "copy": (copy, COPY),
    "collections": (collections, COLLECTIONS),
}
"""Modules by their name, and which of their names are there."""

ALL = frozenset().union(
    *(names for _, names in SPACES.values()), *(names for _, names in ATTRIBUTES)
)
"""Every name that may stand after a dot, whatever before it."""

IMPORTS: Mapping[str, tuple[str, str]] = {
    "import torch": ("torch", "torch"),
    "from torch import nn": ("nn", "torch.nn"),
    "import torch.nn as nn": ("nn", "torch.nn"),
    "import torch.nn.functional as F": ("F", "torch.nn.functional"),
    "from torch.nn import functional as F": ("F", "torch.nn.functional"),
    "from torch import optim": ("optim", "torch.optim"),
    "import torch.optim as optim": ("optim", "torch.optim"),
    "import torch.nn": ("torch", "torch"),
    "import math": ("math", "math"),
    "import copy": ("copy", "copy"),
    "from copy import deepcopy": ("deepcopy", "copy.deepcopy"),
    "from collections import OrderedDict": ("OrderedDict", "collections.OrderedDict"),
    "import torch.optim": ("torch", "torch"),
    "import torch.nn.functional": ("torch", "torch"),
}
"""Imports as they are written: the name that each sets, and the module, or what of one."""

FORMAT = re.compile(r"[<>^]?[+ ]?\d{0,2}(\.\d{1,2})?[a-zA-Z%]?")
"""What may stand behind the colon in an f-string."""

INSTEAD: Mapping[str, str] = {
    "numpy": "x.tolist() shows the values",
    "from_numpy": "torch.tensor([...]) makes a tensor of a list",
    "storage": "the stage shows every storage",
    "id": "the stage shows which names hold one object",
    "cuda": "the CPU computes here",
    "mps": "the CPU computes here",
    "device": "the CPU computes here",
    "open": "there are no files here",
    "save": "there are no files here; m.state_dict() shows what would be saved",
    "load": "there are no files here",
    "share_memory_": "a run is one process",
    "resize_": "x.reshape(...) and torch.cat say what the new cells hold",
    "set_": "x.data = y makes x use y's storage",
    "apply_": "write the loop, or a function of torch on the whole tensor",
    "map_": "write the loop, or a function of torch on the whole tensor",
    "lambda": "def gives a function a name",
    "map": "write [f(x) for x in row]",
    "filter": "write [x for x in row if f(x)]",
    "input": "write the value into the program",
    "eval": "write what it should compute",
    "exec": "write what it should run",
    "getattr": "write x.name",
    "setattr": "write x.name = value",
    "hasattr": "the stage shows what an object has",
    "vars": "the stage shows every name",
    "globals": "the stage shows every name",
    "locals": "the stage shows every name",
    "dir": "the stage shows what an object has",
    "super": "super().__init__() is what __init__ of a class may say",
    "object": "a class derives from nn.Module or torch.autograd.Function here",
    "import numpy": "torch.tensor([...]) makes a tensor of a list, x.tolist() a list of one",
    "import torchvision": "torch.nn has the layers to write a model of",
    "import weakref": "the stage shows which names hold one object",
    "format": 'f"{x:.2f}" writes a number with two digits',
    "compile": "the run is recorded line by line, which a compiled function is not",
    "jit": "the run is recorded line by line, which a scripted function is not",
    "sparse": "tensors are strided here",
    "to_sparse": "tensors are strided here",
    "out": "name the result: z = torch.add(x, y)",
    "set_default_dtype": "give dtype= where the tensor is made",
    "set_printoptions": "the stage shows every digit",
    "default_generator": "torch.manual_seed(0) seeds it",
    "pin_memory": "the CPU computes here",
    "pow": "write x ** n",
    "__call__": "write forward",
    "utils": "torch.nn.utils has clip_grad_norm_ and its like",
    "distributed": "a run is one process",
    "multiprocessing": "a run is one process",
    "version": "the foot of the page says which torch runs",
    "sort": "sorted(row) makes a sorted list",
    "extend": "row + other makes a longer list",
}
"""What to write in place of a name that people try."""

PYTHON = frozenset(vars(builtins))


def instead(name: str, otherwise: str) -> str:
    """Return what to write in place of a name."""
    return INSTEAD.get(name, otherwise)
