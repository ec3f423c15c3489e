"""Make torch's own layers without the global generator: they name none when they draw."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_DRAWS = (Tensor.uniform_, Tensor.normal_, torch.randn, torch.rand)


class _Seeded(TorchFunctionMode):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        # nn.init's own functions come with generator=None; what they draw with is seen too.
        if func in _DRAWS or "generator" in kwargs:
            kwargs["generator"] = kwargs.get("generator") or self._generator
        return func(*args, **kwargs)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from one generator whatever is drawn inside without naming one.

    Args:
        seed: Of the generator.
    """
    with _Seeded(torch.Generator().manual_seed(seed)):
        yield
