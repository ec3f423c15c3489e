"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import functools
import math
import threading
from collections.abc import Hashable

from torch import Tensor

from explainers import devices
from explainers.initialization.initialization import propagation, theory
from explainers.initialization.initialization.calls import (
    LONGEST,
    MOST_KEPT,
    RULE_FOR_MANY,
    Call,
    call,
    read_all,
    written_all,
)
from explainers.initialization.initialization.propagation import (
    DEPTH,
    KINDS,
    WIDTH,
    SignalTrace,
    Stack,
)
from explainers.initialization.initialization.schemes import (
    MODES,
    NONLINEARITIES,
    SCHEMES,
    TORCH_GAINS,
    bound,
    gain_of,
)
from explainers.parameters import Parameters, Preset, choice, flag, number, text

# Milliseconds that one change may take, measured on one core.
_BUDGET = 80.0
# That stacks kept for the next change may hold, of all readers together.
_KEPT_BYTES = 32 << 20


def _many(value: object) -> str:
    return written_all(read_all(value))


@dataclasses.dataclass(frozen=True)
class Initialization(Parameters):
    """Hold an initialiser, those kept beside it, and the network that they fill."""

    scheme: str = choice(
        "kaiming_normal",
        tuple(SCHEMES),
        label="scheme",
        help="How weights are drawn, by torch.nn.init's names.",
    )
    nonlinearity: str = choice(
        "relu",
        NONLINEARITIES,
        label="nonlinearity",
        help="After each layer; schemes get its recommended gain.",
    )
    own_gain: bool = flag(
        False,
        label="custom gain",
        help="Off: calculate_gain's; for gelu and silu, which it does not know, what keeps the "
        "variance before them at 1.",
    )
    gain: float = number(
        1.0,
        label="gain",
        help="Factor on the std.",
        minimum=0.05,
        maximum=3.0,
        step=0.05,
    )
    mode: str = choice(
        "fan_in",
        MODES,
        label="mode",
        help="The fan that kaiming divides by: fan_in keeps activations, fan_out gradients.",
    )
    std: float = number(
        0.1,
        label="std",
        help="Of the weights; constant's value.",
        minimum=1e-4,
        maximum=2.0,
        step=1e-4,
        log=True,
    )
    kept: str = text(
        "default; xavier_normal(gain=1)",
        label="kept",
        help="Other schemes to draw, semicolons between.",
        rule=RULE_FOR_MANY,
        read=_many,
        longest=MOST_KEPT * LONGEST,
    )
    depth: int = number(
        16,
        label="depth",
        help="Layers.",
        minimum=DEPTH.minimum,
        maximum=DEPTH.maximum,
        step=1,
    )
    width: int = number(
        128,
        label="width",
        help="Units of each layer; channels of a convolution.",
        minimum=WIDTH.minimum,
        maximum=WIDTH.maximum,
        step=16,
    )
    batch: int = number(
        64,
        label="batch",
        help="Inputs. Convolutions read batch / 64 pictures of 8x8.",
        minimum=16,
        maximum=1024,
        step=16,
    )
    kind: str = choice(
        "linear",
        KINDS,
        label="kind of layer",
        help="conv: 3x3. depthwise: one 3x3 kernel per channel. transposed: 4x4, stride 2; "
        "every second output pixel goes on.",
    )
    norm: str = choice(
        "none",
        theory.NORMS,
        label="normalization",
        help="Between layer and nonlinearity.",
        words=("none", "BatchNorm", "LayerNorm"),
    )
    bias: bool = flag(
        False,
        label="bias",
        help="As nn.Linear and nn.Conv2d draw theirs: uniform within 1/sqrt(fan_in).",
    )
    residual: bool = flag(
        False, label="residual", help="Each layer adds to its input: x + f(norm(W x))."
    )
    a: float = number(
        0.01,
        label="negative slope",
        help="Of leaky_relu; kaiming's a.",
        minimum=-1.0,
        maximum=1.0,
        step=0.01,
    )
    layer: int = number(
        12,
        label="histograms of layer",
        help="From 1; past the end, the last. The table's layer too.",
        minimum=1,
        maximum=DEPTH.maximum,
        step=1,
    )
    seed: int = number(
        0,
        label="seed",
        help="Of inputs, gradient and weights.",
        minimum=0,
        maximum=99,
        step=1,
    )

    def call(self) -> Call:
        """Return the scheme with the arguments that it takes."""
        return call(
            self.scheme,
            gain=self.gain if self.own_gain else None,
            mode=self.mode,
            std=self.std,
        )

    def calls(self) -> tuple[Call, ...]:
        """Return the scheme, then those kept that differ from it."""
        current = self.call()
        return (current, *(kept for kept in read_all(self.kept) if kept != current))

    def shown_layer(self) -> int:
        """Return the layer of the histograms, from 1."""
        return min(self.layer, self.depth)


PRESETS = (
    Preset(
        "ReLU, three ways",
        "No layer has a bias here. kaiming keeps the variance; xavier without relu's gain keeps "
        "about half of it a layer, torch's default weights about a sixth.",
        Initialization(),
    ),
    Preset(
        "tanh: small, right, large",
        "At std 0.01 signals fade; at std 1 four units in five saturate, yet the gradient "
        "explodes.",
        Initialization(
            scheme="xavier_normal",
            nonlinearity="tanh",
            kept="normal(std=0.01); normal(std=1)",
            depth=24,
        ),
    ),
    Preset(
        "SELU's two gains",
        "At torch's gain, 3/4, activations fade; at 1 they rest at 1.",
        Initialization(
            nonlinearity="selu", own_gain=True, gain=1.0, kept="kaiming_normal", depth=30
        ),
    ),
    Preset(
        "Depthwise fans",
        "torch counts 128 times too many outputs: xavier and fan_out collapse. fan_in "
        "drifts: nine weights a kernel leave much to chance.",
        Initialization(
            kind="depthwise",
            kept="kaiming_normal(mode=fan_out); xavier_normal",
            batch=128,
            depth=12,
            layer=6,
        ),
    ),
    Preset(
        "Batch norm",
        "Activations ignore the scheme; on their way back gradients grow by a fifth a layer.",
        Initialization(norm="batch", depth=24),
    ),
    Preset(
        "Residual sums",
        "Sums grow exponentially: each layer multiplies the variance by about 2.6 under "
        "kaiming, by 1.4 even under torch's default.",
        Initialization(residual=True, depth=24),
    ),
)

_PAGES = "https://docs.pytorch.org/docs/stable"
REFERENCES = (
    ("torch.nn.init", f"{_PAGES}/nn.init.html"),
    (
        "Glorot and Bengio, Understanding the difficulty of training deep feedforward neural "
        "networks, 2010",
        "https://proceedings.mlr.press/v9/glorot10a.html",
    ),
    ("He et al., Delving deep into rectifiers, 2015", "https://arxiv.org/abs/1502.01852"),
    (
        "Klambauer et al., Self-normalizing neural networks, 2017",
        "https://arxiv.org/abs/1706.02515",
    ),
    (
        "Yang et al., A mean field theory of batch normalization, 2019",
        "https://arxiv.org/abs/1902.08129",
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Hold one scheme and what was measured under it, or why it was refused.

    Attributes:
        call: The scheme.
        trace: What was measured; None where it is refused.
        problem: Why; empty where it is not.
    """

    call: Call
    trace: SignalTrace | None
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        current: The scheme that the controls hold.
        kept: Those kept beside it.
        gains: What the gain does to a plain stack of this depth and nonlinearity.
    """

    parameters: Initialization
    current: Entry
    kept: tuple[Entry, ...]
    gains: theory.GainCurve

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every scheme that was measured, the current one first."""
        return tuple(entry for entry in (self.current, *self.kept) if entry.trace)

    @property
    def problem(self) -> str:
        """Why schemes are refused; empty where none is."""
        return "; ".join(
            dict.fromkeys(
                f"{entry.call.scheme}: {entry.problem}"
                for entry in (self.current, *self.kept)
                if entry.problem
            )
        )

    def gain(self, entry: Entry) -> float | None:
        """Return the gain that a scheme has used; None where it takes none."""
        if "gain" not in SCHEMES[entry.call.scheme].arguments:
            return None
        if entry.call.gain is not None:
            return entry.call.gain
        return gain_of(self.parameters.nonlinearity, self.parameters.a)

    def bound(self, entry: Entry) -> float | None:
        """Return the largest size that a scheme lets a weight have; None where it has no bound."""
        return None if entry.trace is None else bound(entry.call.scheme, entry.trace.asked_std)

    @property
    def saturates(self) -> bool:
        """Whether the nonlinearity approaches a value that activations can be near."""
        return self.parameters.nonlinearity in propagation.SATURATING

    @property
    def sentence(self) -> str:
        """What becomes of the signal and its gradient under the current scheme, in words."""
        trace = self.current.trace
        if trace is None:
            return ""
        last, first = float(trace.forward_std[-1]), float(trace.backward_std[0])
        return (
            f"{self.current.call.label}, {trace.depth} layers"
            f"{' with bias' if self.parameters.bias else ' without bias'}: activations end at a "
            f"std of {_said(last)}{_foretold(trace.predicted_forward_std[-1])}, gradients reach "
            f"the input at {_said(first)}{_foretold(trace.predicted_backward_std[0])}."
            + (f" {trace.untold}" if trace.untold else "")
        )


def _foretold(value: Tensor) -> str:
    return "" if value.isnan() else f" (theory {_said(float(value))})"


def _said(value: float) -> str:
    return "no number" if math.isnan(value) else f"{value:.3g}"


def explain(parameters: Initialization, *, device: str = "cpu") -> View:
    """Compute what one setting shows.

    Args:
        parameters: The settings.
        device: Where torch computes.

    Returns:
        What was measured under every scheme. One that these settings refuse carries the reason.

    Raises:
        ValueError: The network is too large for a change to be quick, or `device` is not there.
    """
    devices.device(device)
    calls = parameters.calls()
    _afford(parameters, calls)
    current, *kept = (
        _entry(entry, parameters, device, None if index else parameters.shown_layer())
        for index, entry in enumerate(calls)
    )
    torchs = None
    if parameters.nonlinearity in TORCH_GAINS:
        torchs = gain_of(parameters.nonlinearity, parameters.a)
    gains = theory.gain_curve(parameters.nonlinearity, parameters.depth, parameters.a, torchs)
    return View(parameters, current, tuple(kept), gains)


def cost(kind: str, width: int, batch: int, scheme: str) -> float:
    """Return about how many milliseconds one layer of one scheme takes on one core."""
    weights = math.prod(propagation.weight_shape(kind, width))
    values = max(batch, propagation.SIDE**2 if kind != "linear" else 0) * width
    products = weights / width * values
    draw = {"trunc_normal": 2e-5, "orthogonal": 1.1e-7 * width}.get(scheme, 3e-6)
    return 0.2 + draw * weights + 4 * products / (1e8 if kind == "linear" else 5e7) + 7e-6 * values


def _afford(parameters: Initialization, calls: tuple[Call, ...]) -> None:
    """Refuse a network whose change would keep the reader waiting, and say what would not."""

    def depth_at(width: int) -> int:
        each = (cost(parameters.kind, width, parameters.batch, entry.scheme) for entry in calls)
        return int(_BUDGET / sum(each))

    kind, many = parameters.kind, f"{len(calls)} scheme{'s' if len(calls) > 1 else ''}"
    most = depth_at(parameters.width)
    if parameters.depth <= most:
        return
    why = f"for {many} of {kind} layers and batch {parameters.batch}, to be drawn in a moment"
    if most >= 1:
        raise ValueError(
            f"depth must be at most {most} at width {parameters.width} {why}, "
            f"got {parameters.depth}"
        )
    widest = max((w for w in range(16, 1025, 16) if depth_at(w) >= 1), default=16)
    raise ValueError(f"width must be at most {widest} {why}, got {parameters.width}")


def _entry(
    entry: Call, parameters: Initialization, device: str, histograms_of: int | None
) -> Entry:
    try:
        return Entry(
            entry,
            _measured(
                entry,
                parameters.nonlinearity,
                parameters.depth,
                parameters.width,
                parameters.batch,
                parameters.kind,
                parameters.norm,
                parameters.residual,
                parameters.bias,
                parameters.a,
                parameters.seed,
                device,
                histograms_of,
            ),
        )
    except ValueError as error:
        return Entry(entry, None, str(error))


class _Stacks:
    """Keep stacks of layers for the next change: a deeper one, or another layer's histograms.

    Who takes one has it alone; who comes meanwhile draws anew.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: dict[Hashable, Stack] = {}
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """About how much memory they hold."""
        return sum(stack.bytes for stack in self._kept.values())

    def take(self, key: Hashable) -> Stack | None:
        """Return the stack put there, which is then gone; None where there is none."""
        with self._lock:
            return self._kept.pop(key, None)

    def put(self, key: Hashable, stack: Stack) -> None:
        """Keep a stack, and let go those that were not taken for longest."""
        # Three schemes are on show at first, and a change wants all of them.
        if 3 * stack.bytes > self._most:
            return
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = stack
            while self.bytes > self._most:
                del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        """Let all go."""
        with self._lock:
            self._kept.clear()


_stacks = _Stacks(_KEPT_BYTES)


def forget() -> None:
    """Let go what is kept for the next change, so that it is drawn anew."""
    _measured.cache_clear()
    _stacks.clear()


# Kept schemes are not run again when another is chosen, nor any that another reader has just seen.
@functools.lru_cache(maxsize=128)
def _measured(
    entry: Call,
    nonlinearity: str,
    depth: int,
    width: int,
    batch: int,
    kind: str,
    norm: str,
    residual: bool,
    bias: bool,
    a: float,
    seed: int,
    device: str,
    histograms_of: int | None,
) -> SignalTrace:
    key = (entry, nonlinearity, width, batch, kind, norm, residual, bias, a, seed, device)
    stack = _stacks.take(key)
    if stack is None:
        stack = Stack(
            entry.scheme,
            nonlinearity,
            width=width,
            batch=batch,
            kind=kind,
            norm=norm,
            residual=residual,
            bias=bias,
            a=a,
            seed=seed,
            device=device,
            **entry.arguments,
        )
    trace = stack.trace(depth, histograms_of)
    _stacks.put(key, stack)
    return trace
