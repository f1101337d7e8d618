"""What guards the pages: policy, origin, sizes, cookie, privacy, cache."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.web.security import BODY_LIMIT


def test_the_policy_stands_on_every_answer(client: Any) -> None:
    for path in ("/zh/", "/zh/nothing", "/api/questions", "/api/nothing", "/healthz"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    static = client.get("/zh/").text.split('src="/static/')[1].split('"')[0]
    answer = client.get(f"/static/{static}")
    assert "content-security-policy" in answer.headers
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
def test_unsafe_methods_need_the_same_origin(client: Any, headers: dict[str, str]) -> None:
    assert client.post("/api/items/07-a/attempts", json={"response": [1]}, headers=headers).status_code == 403
    assert client.post("/zh/items/07-a/attempts", data={"choice": "1"}, headers=headers).status_code == 403
    assert client.get("/api/export").json()["attempts"] == []


def test_the_same_origin_and_programs_are_let_in(client: Any) -> None:
    for headers in ({"origin": "http://testserver"}, {"sec-fetch-site": "same-origin"}, {}):
        assert (
            client.post("/api/items/07-a/attempts", json={"response": [1]}, headers=headers).status_code
            == 200
        )


def test_bodies_are_bounded(client: Any) -> None:
    big = client.post(
        "/api/items/07-a/attempts",
        content=b"x" * (BODY_LIMIT + 1),
        headers={"content-type": "application/json"},
    )
    assert big.status_code == 413
    assert "64" in big.json()["error"]["message"]

    def pieces() -> Any:
        for _ in range(20):
            yield b"x" * 8192

    assert client.post("/api/items/07-a/attempts", content=pieces()).status_code == 413


def test_the_cookie_is_signed_and_out_of_reach_of_scripts(client: Any) -> None:
    assert "set-cookie" not in client.get("/zh/").headers
    answer = client.post("/api/items/07-a/attempts", json={"response": [1]})
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "set-cookie" not in client.post("/api/items/07-a/attempts", json={"response": [1]}).headers


def test_learners_cannot_read_each_others_data(app: Any, client: Any) -> None:
    client.post("/zh/items/07-a/attempts", data={"choice": "1"})
    mine = client.cookies["mendao"]
    test_id = (
        client.post("/en/exam", data={"number": "2", "mode": "one"}, follow_redirects=False)
        .headers["location"]
        .rsplit("/", 1)[1]
    )
    other = TestClient(app, base_url="http://testserver")
    other.post("/api/items/07-b/attempts", json={"response": 3})
    assert [a["item_id"] for a in other.get("/api/export").json()["attempts"]] == ["07-b"]
    for path in (f"/en/exam/{test_id}", f"/en/exam/{test_id}/result"):
        assert other.get(path).status_code == 404
    assert other.post(f"/en/exam/{test_id}/answers").status_code == 404
    assert "答对了" not in other.get("/zh/questions/07-gradient-clipping?attempt=1").text
    forged = mine.split(".")[0] + "." + "A" * 27
    thief = TestClient(app, base_url="http://testserver", cookies={"mendao": forged})
    assert thief.get("/api/export").json()["attempts"] == []


def test_pages_for_everybody_are_cached_and_compressed(client: Any) -> None:
    first = client.get("/zh/questions/07-gradient-clipping", headers={"accept-encoding": "identity"})
    second = client.get("/zh/questions/07-gradient-clipping", headers={"accept-encoding": "identity"})
    assert first.text == second.text
    assert second.headers["etag"]
    assert (
        client.get(
            "/zh/questions/07-gradient-clipping", headers={"if-none-match": second.headers["etag"]}
        ).status_code
        == 304
    )
    small = client.get("/zh/questions/07-gradient-clipping", headers={"accept-encoding": "br"})
    assert small.headers["content-encoding"] == "br"
    assert int(small.headers["content-length"]) < len(first.content) / 3
    assert small.text == first.text


def test_a_cached_page_holds_nothing_of_the_learner(app: Any, client: Any) -> None:
    client.post("/api/items/07-a/attempts", json={"response": [1]})
    client.get("/zh/questions/")
    other = TestClient(app, base_url="http://testserver").get("/zh/questions/")
    assert "badge--right" not in other.text
    assert "set-cookie" not in other.headers


def test_a_bug_is_logged_and_told_without_a_traceback(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def boom(*_: Any) -> Any:
        raise RuntimeError("secret detail")

    quiet = TestClient(app, base_url="http://testserver", raise_server_exceptions=False)
    house = client.app._app._app._app.state.house
    monkeypatch.setattr(house.store, "alive", boom)
    with caplog.at_level(logging.ERROR):
        answer = quiet.get("/healthz")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert any("secret detail" in str(record.exc_info) for record in caplog.records)
