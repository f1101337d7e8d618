"""Guards in front of every route: headers, same origin for unsafe methods, bounded bodies."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.errors import Problem

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
SAFE = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT = 64 * 1024
IMPORT_LIMIT = 4 * 1024 * 1024


class Guard:
    """Pure ASGI middleware: adds HEADERS, refuses foreign origins (403) and large bodies (413)."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Scope, Problem], ASGIApp]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        if scope["method"] in SAFE:
            await self._app(scope, receive, guarded)
            return
        headers = dict(scope["headers"])
        if _foreign(headers):
            await self._refuse(scope, Problem(403, "cross-origin"))(scope, receive, guarded)
            return
        limit = IMPORT_LIMIT if scope["path"] == "/api/import" else BODY_LIMIT
        body = await _body_within(limit, headers, receive)
        if body is None:
            await self._refuse(scope, Problem(413, "too-large", limit=limit // 1024))(scope, receive, guarded)
            return

        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, guarded)


def _foreign(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser says that another site sent this. No browser, no ambient cookie: allowed."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    return urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1")


async def _body_within(limit: int, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """The whole body, or None as soon as it is over the limit (by its word or by its bytes)."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > limit:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)
