"""Logos: bytes of a PNG or JPEG, distrusted, measured before they are unpacked, and no larger than print needs."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import OrderedDict
from threading import Lock

import attrs
from PIL.Image import DecompressionBombError as _Bomb

from salespipeline.errors import RenderError

__all__ = ["HIGHEST", "WIDEST", "Logo", "logo"]

WIDEST, HIGHEST = 58.0, 20.0  # millimetres on paper
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000
DOTS = 300 / 25.4  # more than these a millimetre nobody sees on paper
KEPT = 16


@attrs.frozen(kw_only=True)
class Logo:
    """An image that is ready to be drawn: its bytes, and its size on paper in millimetres."""

    content: bytes
    width: float
    height: float


_kept: OrderedDict[bytes, Logo] = OrderedDict()
_lock = Lock()


def logo(content: bytes, document: str) -> Logo:
    """Return the logo in *content*; raises ``RenderError`` that names *document*. The last few are remembered."""
    digest = hashlib.sha256(content).digest()
    with _lock:
        found = _kept.get(digest)
        if found is not None:
            _kept.move_to_end(digest)
            return found
    try:
        found = _read(content)
    except (ValueError, OSError, SyntaxError, EOFError, OverflowError, MemoryError, Warning, _Bomb) as error:
        message = f"the logo of {document} cannot be drawn: {error}; give a PNG or JPEG in grey or RGB"
        raise RenderError(message, document=document, part="logo") from error
    with _lock:
        _kept[digest] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def _read(content: bytes) -> Logo:
    from PIL import Image

    if not 0 < len(content) <= MOST_BYTES:
        raise ValueError(f"it has {len(content):,} bytes, and 1 to {MOST_BYTES:,} are taken")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow only warns of a decompression bomb
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"it has {width:,} × {height:,} pixels, and at most {MOST_PIXELS:,} are taken")
            if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"):
                raise ValueError(f"its colours are {image.mode}")
            format = image.format
            image.load()
            clear = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
            plain = image.convert("RGBA" if clear else "RGB")
    scale = min(WIDEST / width, HIGHEST / height)
    size = (width * scale, height * scale)
    dots = (max(1, round(size[0] * DOTS)), max(1, round(size[1] * DOTS)))
    if dots[0] < width:
        plain = plain.resize(dots, Image.Resampling.LANCZOS, reducing_gap=3.0)
    elif format == "JPEG":
        return Logo(content=content, width=size[0], height=size[1])
    out = io.BytesIO()
    if format == "JPEG":
        plain.save(out, "JPEG", quality=90)
    else:
        plain.save(out, "PNG")
    return Logo(content=out.getvalue(), width=size[0], height=size[1])
