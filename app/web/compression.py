"""Bodies in the encodings a browser takes; made once and kept by their owner."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cached_property

import brotli


@dataclass
class Body:
    """One body and, made when first asked for, its compressed forms."""

    plain: bytes
    compressible: bool = True
    quality: int = 9

    @cached_property
    def brotli(self) -> bytes:
        return bytes(brotli.compress(self.plain, quality=self.quality))

    @cached_property
    def gzip(self) -> bytes:
        return gzip.compress(self.plain, 6, mtime=0)

    def choose(self, accept: bytes) -> tuple[bytes, bytes | None]:
        """(bytes, content encoding or None) for an Accept-Encoding header."""
        if self.compressible and len(self.plain) > 512:
            if b"br" in accept:
                return self.brotli, b"br"
            if b"gzip" in accept:
                return self.gzip, b"gzip"
        return self.plain, None
