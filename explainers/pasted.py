"""Read what people paste from their code or their console: numbers, lists, names.

Nothing here is evaluated: text is cut at its brackets and commas, and each piece is one number or
is refused by name, with what to write instead.
"""

import re

_SIGNS = {
    "−": "-",  # the true minus sign
    "、": ",",
    "【": "[",
    "】": "]",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    # Spaces that look like one: no-break, figure, thin, narrow, ideographic; and none at all.
    "\u00a0": " ",
    "\u2007": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\u3000": " ",
    "\u200b": "",
    "\ufeff": "",
}
# Punctuation alone: in a formula Python reads full-width letters and digits as plain ones, which
# is a way around a rule of names.
_FULL_WIDTH = {
    chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum()
}
_DIGITS = str.maketrans({chr(0xFF10 + digit): str(digit) for digit in range(10)})
_ASCII = str.maketrans(_FULL_WIDTH | _SIGNS)

_DECIMAL = r"[+-]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"({_DECIMAL})(?:/({_DECIMAL}))?|[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}(?:\.[0-9]+)?")
_ASSIGNED = re.compile(r"[A-Za-z_][\w.]*\s*=(?!=)\s*")
_CALL = re.compile(r"((?:[A-Za-z_]\w*\s*\.\s*)*([A-Za-z_]\w*))\s*\(")
_KEYWORD = re.compile(r"\s*[A-Za-z_]\w*\s*=")
_DTYPE = re.compile(r"\s*(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\s*$|\s*['\"]\w*['\"]\s*$")
_AFTER = re.compile(
    r"(?:\.(?:cuda|cpu|to|float|double|half|bfloat16|long|int|clone|detach|requires_grad_|numpy"
    r"|tolist|contiguous)\([^()]*\))*;?"
)
_HOLDERS = frozenset(
    ("tensor", "as_tensor", "from_numpy", "Parameter", "array", "asarray", "list", "tuple")
)
_SIZERS = frozenset(("Tensor", "FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor"))
_OPEN = {"(": ")", "[": "]"}
_MOST_NESTED = 8


def plain(text: str) -> str:
    """Return text with full-width punctuation, the true minus and odd spaces as in ASCII.

    Letters and digits stay what they are: 3² is not 32.
    """
    return text.translate(_ASCII)


def shortest(value: float) -> str:
    """Return a finite number as short as it comes back whole: 3, 0.1, 1.3636363636363635."""
    short = f"{value:.6g}"
    return short if float(short) == value else repr(float(value))


def number(text: str) -> float:
    """Return the one number that `text` spells, as in code: ``1e-3``, ``1/3``, ``lr=0.1``.

    Thousands are read where no decimal comma could be meant: ``1,000,000``, but not ``1,500``.

    Raises:
        ValueError: It is no number; the message names the piece.
    """
    whole = plain(text).translate(_DIGITS).strip().removesuffix(",").rstrip()
    whole = _ASSIGNED.sub("", whole, count=1) if _ASSIGNED.match(whole) else whole
    if _THOUSANDS.fullmatch(whole):
        return float(whole.replace(",", ""))
    table = rows(whole)
    if len(table) != 1 or len(table[0]) != 1:
        raise ValueError(f"{_quoted(whole)} is several numbers")
    return table[0][0]


def rows(text: str, *, lines: bool = False) -> tuple[tuple[float, ...], ...]:
    """Return the rows of numbers that `text` spells.

    Read are brackets and parentheses, commas or spaces between numbers, semicolons between rows,
    ``tensor([...], device='cuda:0', dtype=...)`` and ``array([...])``, an assignment in front,
    a trailing comma, fractions.

    Args:
        text: What was typed or pasted.
        lines: Whether a new line outside of brackets begins a new row.

    Raises:
        ValueError: The message names the piece that cannot be read, and what to write instead.
    """
    whole = plain(text).translate(_DIGITS).strip().removeprefix("Parameter containing:").strip()
    if "..." in whole or "…" in whole:
        raise ValueError('"..." stands for numbers that are left out: paste them all')
    if match := _ASSIGNED.match(whole):
        whole = whole[match.end() :].strip()
    nested = 0
    while (match := _CALL.match(whole)) and nested < _MOST_NESTED:
        whole = _held(whole, match)
        nested += 1
    return _table(whole, lines=lines, nested=0)


def name(text: str) -> str:
    """Return a function's bare name: ``relu`` for ``torch.nn.functional.relu(x)``."""
    whole = plain(text).strip().removesuffix(";").rstrip()
    if match := _ASSIGNED.match(whole):
        whole = whole[match.end() :]
    bare = whole.partition("(")[0].strip()
    return bare.rpartition(".")[2].strip() or bare


def _held(text: str, call: re.Match[str]) -> str:
    """Return what a call such as ``torch.tensor(...)`` holds, without its keyword arguments."""
    called, last = call.group(1), call.group(2)
    if last not in _HOLDERS | _SIZERS:
        raise ValueError(f"{_quoted(called + '(…)')} is not run here: paste the numbers it gives")
    end = _closing(text, call.end() - 1)
    after = text[end + 1 :].strip()
    if not _AFTER.fullmatch(after):
        raise ValueError(f"{_quoted(after)} is not run here: paste the numbers it gives")
    inside = _cut(text[call.end() : end], ",")
    held = [part for part in inside if part.strip() and not _KEYWORD.match(part)]
    bracketed = bool(held) and held[0].strip()[:1] in ("[", "(")
    if last in _SIZERS and not bracketed:
        raise ValueError(f"{_quoted(text[: end + 1])} is a size and no numbers: write [3] for 3")
    rest = held[1:]
    if not held or any(not _DTYPE.match(part) for part in rest):
        raise ValueError(f"{_quoted(text[: end + 1])} must hold one list of numbers")
    return held[0].strip()


def _table(text: str, *, lines: bool, nested: int) -> tuple[tuple[float, ...], ...]:
    text = text.strip()
    if nested > _MOST_NESTED:
        raise ValueError("brackets stand too deep: two are enough")
    if text[:1] in _OPEN and _closing(text, 0) == len(text) - 1:
        return _table(text[1:-1], lines=False, nested=nested + 1)
    if not any(sign in text for sign in "()[]"):
        return _flat(text, lines=lines)
    table = []
    for part in _cut(text, ",;\n"):
        if not (piece := part.strip()):
            continue
        if piece[0] not in _OPEN or _closing(piece, 0) != len(piece) - 1:
            raise ValueError(f"{_quoted(piece)} is neither one number nor one row in brackets")
        inner = _table(piece, lines=False, nested=nested + 1)
        if len(inner) != 1:
            raise ValueError(f"{_quoted(piece)} has rows within a row: paste a table of two axes")
        table.append(inner[0])
    return tuple(table)


def _flat(text: str, *, lines: bool) -> tuple[tuple[float, ...], ...]:
    """Return the rows of text without brackets."""
    if lines:
        parts = [line for line in text.split("\n") if line.strip()]
        text = ";".join(part.rstrip().removesuffix(";") for part in parts)
    elif "," in text:
        # A line that ends without a comma ends its number all the same.
        text = re.sub(r",?[ \t]*\n\s*", ", ", text)
    return tuple(_row(part) for part in text.split(";"))


def _row(text: str) -> tuple[float, ...]:
    text = re.sub(r"\s*/\s*", "/", text.strip())
    text = text.removesuffix(",").rstrip()
    pieces = text.split(",") if "," in text else text.split() or [""]
    if any(re.fullmatch(r"0[0-9]+", piece) for piece in pieces):
        raise ValueError(f"{_quoted(text)} looks like thousands: write 1000 for 1,000")
    return tuple(_number(piece.strip()) for piece in pieces)


def _number(piece: str) -> float:
    if not piece:
        raise ValueError("a number is missing: write one between two commas, and before the first")
    match = _NUMBER.fullmatch(piece)
    if match is None or "__" in piece or "_." in piece:
        raise ValueError(f"{_quoted(piece)} is no number: write it as 0.5, 1e-3 or 1/3")
    if match.group(1) is None:
        return float(piece)
    try:
        top = float(match.group(1))
        return top if match.group(2) is None else top / float(match.group(2))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{_quoted(piece)} is no number: write it as 0.5, 1e-3 or 1/3") from None


def _cut(text: str, separators: str) -> list[str]:
    """Return the parts of `text` between separators that stand in no bracket."""
    parts, start, depth = [], 0, 0
    for at, sign in enumerate(text):
        if sign in "([{<":
            depth += 1
        elif sign in ")]}>":
            depth -= 1
            if depth < 0:
                raise ValueError(f"{_quoted(text[start : at + 1])} closes a bracket never opened")
        elif sign in separators and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _closing(text: str, start: int) -> int:
    """Return where the bracket at `start` closes."""
    stack = []
    for at in range(start, len(text)):
        sign = text[at]
        if sign in _OPEN:
            stack.append(_OPEN[sign])
        elif sign in ")]":
            if stack.pop() != sign:
                raise ValueError(f"{_quoted(text[at:])} closes another bracket than was opened")
            if not stack:
                return at
    raise ValueError(f"{_quoted(text[start:])} opens a bracket that nothing closes")


def _quoted(piece: str) -> str:
    return f'"{piece if len(piece) <= 24 else piece[:23] + "…"}"'
