"""Find the devices torch can compute on here."""

import functools

import torch

from explainers.parameters import shown


@functools.cache
def available() -> tuple[str, ...]:
    """Return the names of the devices that are there: ``cpu``, then CUDA ones, then ``mps``."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return tuple(names)


def device(name: str | torch.device) -> torch.device:
    """Return the device of that name.

    Raises:
        ValueError: This machine has no such device.
    """
    name = str(name)
    if name == "cuda" and "cuda:0" in available():
        name = "cuda:0"
    if name not in available():
        raise ValueError(f"device must be one of {', '.join(available())}, got {shown(name)}")
    return torch.device(name)


def title(name: str) -> str:
    """Return a device's name for people: a GPU's model stands beside its index."""
    if name.startswith("cuda"):
        return f"{name} ({torch.cuda.get_device_name(name)})"
    return name
