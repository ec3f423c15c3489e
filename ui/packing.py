"""Write a program into an address, and read one back that may be anybody's.

The text goes through raw DEFLATE (RFC 1951) and base64 for addresses (RFC 4648, section 5) without
padding. Reading is bounded: no more is unpacked than a program may have, whatever a link claims.
"""

import base64
import binascii
import zlib

from explainers.parameters import shown

__all__ = ["LONGEST", "MOST_BYTES", "packed", "unpacked"]

LONGEST = 6_000
"""Characters of a packed program: servers in front of this one take addresses of some 8,000."""
MOST_BYTES = 16_000
"""Bytes of a program, in UTF-8."""

_RAW = -15  # zlib's word for: no header, no checksum


def packed(source: str) -> str:
    """Return a program as an address holds it: letters, digits, ``-`` and ``_``.

    Raises:
        ValueError: It is longer than a link may be, or holds half a character (a lone surrogate).
    """
    try:
        text = source.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"program must be whole characters, got half of one at {error.start + 1}"
        ) from None
    press = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    found = base64.urlsafe_b64encode(press.compress(text) + press.flush()).rstrip(b"=").decode()
    if len(text) > MOST_BYTES or len(found) > LONGEST:
        raise ValueError(
            f"program must fit a link of {LONGEST:,} characters, got one of {len(found):,}"
        )
    return found


def unpacked(text: str) -> str:
    """Return the program that an address holds.

    Raises:
        ValueError: It is no packed program, or one too long; the sentence is for the reader.
    """
    if len(text) > LONGEST:
        raise ValueError(f"program must be at most {LONGEST:,} characters, got {len(text):,}")
    try:
        # Without `validate` what is no letter of base64 is passed over.
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
        press = zlib.decompressobj(_RAW)
        found = press.decompress(data, MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise ValueError(f"program must be at most {MOST_BYTES:,} bytes, got more")
        if not press.eof or press.unused_data:
            raise zlib.error
        return found.decode()
    except (binascii.Error, UnicodeError, zlib.error):
        raise ValueError(
            f"program must be a link that this page has made, whole, got {shown(text)}"
        ) from None
