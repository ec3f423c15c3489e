"""Spell calls as a phone's width holds them."""

_COLUMNS = 43  # of code that a phone holds


def spelled(size: str, mode: str, *more: str, of: str = "x", then: str = "") -> str:
    """Return a call of `F.interpolate` as code, in lines that a narrow column holds."""
    arguments = [f'mode="{mode}"', *more]
    arguments = [f"{argument}, " for argument in arguments[:-1]] + [f"{arguments[-1]}){then}"]
    lines = [f"F.interpolate({of}, {size}, "]
    for argument in arguments:
        if len(lines[-1] + argument.rstrip()) > _COLUMNS:
            lines.append(" " * len("F.interpolate("))
        lines[-1] += argument
    return "\n".join(line.rstrip() for line in lines)
