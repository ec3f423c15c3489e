"""Say what the runs of several mistakes share."""


def warned(said: str) -> str:
    """Return whether torch has warned, by what it said."""
    return "torch warns" if said else "torch does not warn"


def too_small(ratio: float) -> str:
    """Return by how much what should be `ratio` times as large is too small: times, or percent."""
    if ratio >= 1.95:
        return f"about {times(ratio)} times"
    return f"{100 * (1 - 1 / ratio):.2g} %"


def times(ratio: float) -> str:
    """Return a ratio as it stands before "times": two digits, without a power of ten if large."""
    return f"{float(f'{ratio:.2g}'):,.0f}" if ratio >= 100 else f"{ratio:.2g}"
