"""The JSON API as others will call it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from app.content import Library
from app.protocol import Metric
from app.quiz.grading import shown_order


def post(client: Any, item: str, response: Any, **more: Any) -> Any:
    return client.post(f"/api/items/{item}/attempts", json={"response": response, **more})


def test_questions_in_both_languages(client: Any) -> None:
    for lang in ("zh", "en"):
        listed = client.get(f"/api/questions?lang={lang}").json()
        assert len(listed) == 30
        assert set(listed[0]) == {
            "number",
            "slug",
            "title",
            "topic",
            "level",
            "demo",
            "duplicate_of",
            "items",
        }
    assert client.get("/api/questions?lang=fr").status_code == 422


def test_a_question_holds_its_source_and_no_key(client: Any, library: Library) -> None:
    body = client.get("/api/questions/12-clipping-code?lang=zh").json()
    assert body["source"] == library.by_number[12].text["zh"].source
    assert body["review"]
    assert body["key_points"]
    assert len(body["follow_ups"]) == 3
    text = str(body["items"])
    for secret in ("right", "[x]", "ANSWER", "{{c", "feedback", "explanation"):
        assert secret not in text
    assert {item["kind"] for item in body["items"]} >= {
        "bug",
        "single",
        "numeric",
        "order",
        "predict",
        "free",
    }
    assert client.get("/api/questions/nothing").status_code == 404


def right(library: Library, item_id: str) -> Any:
    found = library.find(item_id)
    assert found is not None
    item = found[1]
    shown = shown_order(item)
    return {
        "single": lambda: [i for i, o in enumerate(item.options) if o.right],
        "bug": lambda: [i for i, o in enumerate(item.options) if o.right],
        "multi": lambda: [i for i, o in enumerate(item.options) if o.right],
        "order": lambda: [shown.index(i) for i in range(len(shown))],
        "cloze": lambda: [blank.alternatives[0] for blank in item.blanks],
        "numeric": lambda: item.numeric.value,  # type: ignore[union-attr]
        "free": lambda: {"text": "…", "confirmed": list(range(len(item.points)))},
        "predict": lambda: (
            [i for i, o in enumerate(item.options) if o.right] if item.options else item.numeric.value
        ),  # type: ignore[union-attr]
    }[item.kind]()


async def test_the_key_of_every_item_is_marked_right(app: Any, library: Library) -> None:
    # Hundreds of requests: in this thread they take a third of the time.
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for question in library.questions:
            for item in question.text["zh"].items:
                answer = await post(client, item.id, right(library, item.id))
                assert answer.status_code == 200, (item.id, answer.text)
                body = answer.json()
                assert set(body) >= {"score", "max_score", "correct", "feedback", "explanation", "rating"}
                assert (body["score"], body["correct"], body["rating"]) == (1.0, True, 3), item.id
        progress = (await client.get("/api/progress")).json()
    assert progress["answered"] == progress["items"] == progress["correct"]


def test_a_predict_item_is_marked_by_the_run(client: Any, engine_stub: Any) -> None:
    engine_stub.events = [Metric(name="log10_ratio", value=0.5)]
    body = post(client, "01-e", [1]).json()
    assert body["correct"] is False
    assert body["measured"] == 0.5
    assert post(client, "01-e", [0]).json()["correct"] is True


def test_an_idempotency_key_stores_once(client: Any) -> None:
    first = post(client, "07-a", [1], idempotency_key="once")
    again = post(client, "07-a", [1], idempotency_key="once")
    assert first.json() == again.json()
    assert len(client.get("/api/export").json()["attempts"]) == 1
    assert post(client, "07-a", [0], idempotency_key="once").status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "response"),
        ({"response": [0], "confidence": 101}, "confidence"),
        ({"response": [0], "other": 1}, "other"),
        ({"response": [9]}, "response"),
        ({"response": "x"}, "response"),
        ({"response": [0], "idempotency_key": "k" * 65}, "idempotency_key"),
    ],
)
def test_bad_input_names_the_field_in_the_readers_language(client: Any, body: Any, field: str) -> None:
    for lang in ("zh", "en"):
        answer = client.post(f"/api/items/07-a/attempts?lang={lang}", json=body)
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["field"] == field
        assert any("一" <= char <= "鿿" for char in error["message"]) == (lang == "zh")


def test_errors_under_api_are_json(client: Any) -> None:
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("POST", "/api/items/99-z/attempts", 404),
        ("DELETE", "/api/questions", 405),
        ("GET", "/api/runs/" + "0" * 24 + "/events", 404),
        ("DELETE", "/api/runs/" + "0" * 24, 404),
        ("POST", "/api/demos/nothing/runs", 404),
    ):
        answer = client.request(method, path, json={"response": [0]} if "items" in path else {})
        assert answer.status_code == status, path
        assert answer.json()["error"]["code"]
    broken = client.post(
        "/api/items/07-a/attempts", content="{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 422
    assert broken.json()["error"]["code"] == "bad-json"


def test_demos_and_their_params(client: Any) -> None:
    listed = client.get("/api/demos?lang=en").json()
    assert {"gate-stepper", "gradient-flow", "temporal-order", "clip-lab"} <= {
        demo["slug"] for demo in listed
    }
    for demo in listed:
        assert demo["params_schema"]["properties"]["seed"]["title"] == "Seed"
        assert demo["questions"]


def test_a_run_is_begun_joined_and_cancelled(client: Any) -> None:
    begun = client.post("/api/demos/gradient-flow/runs", json={"params": {"T": 10}})
    assert begun.status_code == 201
    body = begun.json()
    assert body["events_url"] == f"/api/runs/{body['run_id']}/events"
    assert not body["shared"]
    assert client.post("/api/demos/gradient-flow/runs", json={"params": {"T": 10}}).json()["shared"]
    stream = client.get(body["events_url"])
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert b"event: finished" in stream.content
    assert client.delete(f"/api/runs/{body['run_id']}").status_code == 204


@pytest.mark.parametrize(
    ("params", "field", "bound"),
    [
        ({"T": 101}, "T", 100),
        ({"T": 1}, "T", 2),
        ({"cell": "cnn"}, "cell", None),
        ({"depth": 3}, "depth", None),
        ({"scale": "x"}, "scale", None),
    ],
)
def test_params_that_are_off_are_refused_with_field_and_bound(
    client: Any, params: Any, field: str, bound: Any
) -> None:
    answer = client.post("/api/demos/gradient-flow/runs", json={"params": params})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == field
    if bound is not None:
        assert error["bound"] == bound
        assert str(bound) in error["message"]


def test_too_many_runs_are_told_when_to_come_back(client: Any) -> None:
    answers = [client.post("/api/demos/gradient-flow/runs", json={"params": {"seed": n}}) for n in range(8)]
    assert [answer.status_code for answer in answers[:6]] == [201] * 6
    assert answers[6].status_code == 429
    assert int(answers[6].headers["retry-after"]) > 0


def test_export_and_import_take_everything_along(app: Any, client: Any) -> None:
    from starlette.testclient import TestClient

    post(client, "07-a", [1])
    post(client, "07-b", 3)
    everything = client.get("/api/export").json()
    other = TestClient(app, base_url="http://testserver")
    assert other.get("/api/export").json()["attempts"] == []
    assert other.post("/api/import", json=everything).json() == {"added": 2, "skipped": 0}
    assert other.post("/api/import", json=everything).json() == {"added": 0, "skipped": 2}
    assert other.get("/api/export").json()["attempts"] == everything["attempts"]
    bad = other.post("/api/import", json={"attempts": [{"item_id": "07-a"}]})
    assert bad.status_code == 422
    assert bad.json()["error"]["field"].startswith("attempts.0.")


def test_health(client: Any, engine_stub: Any) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    engine_stub.ready = False
    assert client.get("/readyz").status_code == 503
