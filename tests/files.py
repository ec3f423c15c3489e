"""Make the files that readers upload, whole and broken."""

import io

import numpy as np
from PIL import Image


def png(width: int, height: int) -> bytes:
    """Return a PNG of a ramp."""
    return _picture(width, height, "PNG")


def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG of a ramp."""
    return _picture(width, height, "JPEG")


def _picture(width: int, height: int, form: str) -> bytes:
    buffer = io.BytesIO()
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    Image.fromarray(ramp).save(buffer, form)
    return buffer.getvalue()
