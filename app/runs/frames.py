"""A run's events as server-sent events: final bytes, made once, in the worker."""

from __future__ import annotations

import re

from app.protocol import AnyEvent, decode, encode, event_type

_TIME = re.compile(rb',"t":[0-9.]+\}\n\n$')
_HEAD = re.compile(rb"^id: (\d+)\nevent: (\w+)\ndata: ")


def frame(number: int, event: AnyEvent, seconds: float) -> bytes:
    """The event as `id`, `event` and `data`; the data is the event's JSON with `t`, seconds into the run."""
    return b'id: %d\nevent: %s\ndata: %s,"t":%.3f}\n\n' % (
        number,
        event_type(event).encode(),
        encode(event)[:-1],
        seconds,
    )


def notice(name: str, data: bytes) -> bytes:
    """Something that is no part of the run: it carries no id."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def kind(data: bytes) -> str:
    """The event's type, read off a frame."""
    found = _HEAD.match(data)
    return found[2].decode() if found else ""


def same(one: bytes, other: bytes) -> bool:
    """Whether two frames say the same, the clock apart."""
    return _TIME.sub(b"", one) == _TIME.sub(b"", other)


def event_of(data: bytes) -> AnyEvent:
    """The event back from a frame."""
    head = _HEAD.match(data)
    assert head is not None
    return decode(_TIME.sub(b"}", data[head.end() :]))
