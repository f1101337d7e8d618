"""Static files from memory, under one digest of the whole tree: /static/<digest>/css/main.css

The digest is a folder, so modules and stylesheets name each other by relative paths, and every
answer may be kept for ever by the browser.
"""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from starlette.types import Receive, Scope, Send

from app.web.compression import Body

_ALREADY_COMPRESSED = {".woff2", ".png", ".jpg", ".webp"}
_TYPES = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class Assets:
    """All files under `root`, read once."""

    def __init__(self, root: Path) -> None:
        names = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
        self._bodies = {
            path.relative_to(root).as_posix(): Body(
                path.read_bytes(), compressible=path.suffix not in _ALREADY_COMPRESSED
            )
            for path in names
        }
        seen = hashlib.blake2b(digest_size=6)
        for name, body in self._bodies.items():
            seen.update(name.encode() + b"\0" + body.plain)
        self.digest = seen.hexdigest()

    def url(self, path: str) -> str:
        """The address of a file; raises KeyError for one that is not there, so that no page links to nothing."""
        if path not in self._bodies:
            raise KeyError(f"static/{path} is missing (is set-up done?)")
        return f"/static/{self.digest}/{path}"

    def __contains__(self, path: str) -> bool:
        return path in self._bodies

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        inside = scope["path"][len(scope.get("root_path", "")) :].lstrip("/")
        digest, _, name = inside.partition("/")
        body = self._bodies.get(name) if digest == self.digest else None
        if body is None or scope["method"] not in ("GET", "HEAD"):
            status = 404 if body is None else 405
            await send(
                {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]}
            )
            await send({"type": "http.response.body", "body": b""})
            return
        accept = next((value for key, value in scope["headers"] if key == b"accept-encoding"), b"")
        content, encoding = body.choose(accept)
        suffix = Path(name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"vary", b"accept-encoding"),
        ]
        if encoding:
            headers.append((b"content-encoding", encoding))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content if scope["method"] == "GET" else b""})
