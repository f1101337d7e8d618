"""Who is asking: a signed cookie, made when something has to be remembered and not before."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mendao"
_YEARS_TWO = 2 * 365 * 24 * 3600


class Identity:
    """The learner of one request."""

    def __init__(self, known: str | None) -> None:
        self.known = known
        self.made: str | None = None

    def need(self) -> str:
        """The learner's id; a newcomer gets one, and with the answer the cookie."""
        if self.known is None and self.made is None:
            self.made = secrets.token_hex(16)
        return self.known or self.made or ""


class Learners:
    """Pure ASGI middleware that reads the cookie and sets it where a learner was made."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._signer = Signer(key, salt="mendao.learner")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = Identity(self._read(scope))
        scope["mendao.learner"] = identity

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and identity.made:
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"set-cookie", self._cookie(identity.made, scope)),
                ]
            await send(message)

        await self._app(scope, receive, with_cookie)

    def _read(self, scope: Scope) -> str | None:
        for key, value in scope["headers"]:
            if key == b"cookie":
                try:
                    morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
                    if morsel:
                        return self._signer.unsign(morsel.value).decode("ascii")
                except (CookieError, BadSignature, UnicodeDecodeError):
                    continue  # a cookie we did not sign names nobody
        return None

    def _cookie(self, learner: str, scope: Scope) -> bytes:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        value = self._signer.sign(learner).decode("ascii")
        return f"{COOKIE}={value}; Path=/; Max-Age={_YEARS_TWO}; HttpOnly; SameSite=Lax{secure}".encode()


def identity(request: Request) -> Identity:
    """The request's learner, for routes."""
    found = request.scope["mendao.learner"]
    assert isinstance(found, Identity)
    return found
