"""Pages that are the same for everybody are rendered once and answered before any framework runs.

A route says so by `keep(request)`; what depends on the learner arrives as fragments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.compression import Body

_LIMIT = 512  # pages; the site has about a hundred
Headers = list[tuple[bytes, bytes]]


@dataclass
class _Mark:
    keep: bool = False


def keep(request: Request) -> None:
    """Say that this answer is the same for everybody until the process ends."""
    mark = request.scope.get("mendao.page")
    if isinstance(mark, _Mark):
        mark.keep = True


class _Page:
    """One kept page with its headers for each encoding ready-made."""

    def __init__(self, headers: Headers, content: bytes) -> None:
        self._body = Body(content)
        self.etag = b'"' + hashlib.blake2b(content, digest_size=9).hexdigest().encode() + b'"'
        drop = (b"content-length", b"cache-control", b"vary", b"etag")
        self._common = [(key, value) for key, value in headers if key not in drop] + [
            (b"etag", self.etag),
            (b"cache-control", b"no-cache"),
            (b"vary", b"accept-encoding"),
        ]
        self._ready: dict[bytes | None, tuple[Message, Message]] = {}
        self._unchanged: Message = {"type": "http.response.start", "status": 304, "headers": self._common}

    def messages(self, accept: bytes, seen: bytes, head: bool) -> tuple[Message, Message]:
        if seen and self.etag in seen:
            return self._unchanged, {"type": "http.response.body", "body": b""}
        content, encoding = self._body.choose(accept)
        if encoding not in self._ready:
            headers = [*self._common, (b"content-length", str(len(content)).encode())]
            if encoding:
                headers.append((b"content-encoding", encoding))
            self._ready[encoding] = (
                {"type": "http.response.start", "status": 200, "headers": headers},
                {"type": "http.response.body", "body": content},
            )
        start, body = self._ready[encoding]
        return start, {"type": "http.response.body", "body": b""} if head else body


class PageCache:
    """ASGI middleware, outermost of all: it keeps whole answers, their security headers included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages: dict[str, _Page] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        page = self._pages.get(scope["path"])
        if page is None:
            await self._fill(scope, receive, send)
            return
        accept = seen = b""
        for key, value in scope["headers"]:
            if key == b"accept-encoding":
                accept = value
            elif key == b"if-none-match":
                seen = value
        start, body = page.messages(accept, seen, scope["method"] == "HEAD")
        await send(start)
        await send(body)

    async def _fill(self, scope: Scope, receive: Receive, send: Send) -> None:
        mark = _Mark()
        scope["mendao.page"] = mark
        start: Message | None = None
        parts: list[bytes] = []

        async def watch(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif mark.keep and message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, watch)
        if (
            mark.keep
            and start
            and start["status"] == 200
            and scope["method"] == "GET"
            and len(self._pages) < _LIMIT
        ):
            headers = [(bytes(key).lower(), bytes(value)) for key, value in start["headers"]]
            if not any(key == b"set-cookie" for key, _ in headers):
                self._pages[scope["path"]] = _Page(headers, b"".join(parts))
