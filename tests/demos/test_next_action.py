"""Next action: the LSTM near the ceiling, the right simple model level with it; own sessions."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.next_action import NextActionParams, all_some_none, demo
from app.network.studies import actions
from app.network.train import generator
from app.protocol import Bilingual, Metric, Table

pytestmark = [pytest.mark.torch]


def metrics(**given: object) -> dict[str, Metric]:
    events = demo.run(NextActionParams.model_validate(given))
    return {event.name: event for event in events if isinstance(event, Metric)}


def value(found: dict[str, Metric], name: str) -> float:
    number = found[name].value
    assert number is not None
    return number


def test_the_lstm_comes_near_the_ceiling_and_the_right_counting_is_level() -> None:
    """The bar, with the defaults' three seeds at fewer sessions and steps."""
    found = metrics(sessions=1500, steps=200)
    assert [found[name].verdict for name in ("hr1_lstm / hr1_oracle", "hr1_right − hr1_lstm")] == [
        "holds"
    ] * 2
    assert found["hr1_lstm − hr1_markov2"].verdict == "holds"
    order = ["hr1_popularity", "hr1_markov1", "hr1_markov2", "hr1_lstm", "hr1_oracle"]
    values = [value(found, name) for name in order]
    assert values == sorted(values)
    assert value(found, "after_checkout_lstm") > value(found, "after_checkout_markov2") + 0.1


def test_in_a_world_of_two_steps_the_second_order_model_is_level() -> None:
    found = metrics(world="order2", sessions=1500, steps=200, seeds=2)
    assert found["hr1_lstm − hr1_markov2"].verdict == "fails"
    assert abs(value(found, "hr1_markov2") - value(found, "hr1_lstm")) < 0.03
    assert found["hr1_lstm / hr1_oracle"].verdict == "holds"


def test_shuffled_training_sessions_teach_little() -> None:
    found = metrics(order="shuffled", steps=60, seeds=1)
    assert found["hr1_lstm / hr1_oracle"].verdict == "fails"
    assert value(found, "hr1_lstm") < value(found, "hr1_oracle") - 0.2


def test_the_ceiling_is_the_chains_own() -> None:
    """No counted model beats it by more than luck, and the draws follow the table."""
    table = actions.chain("long", 0)
    assert np.allclose(table.sum(-1), 1.0, atol=1e-6)
    drawn = actions.sessions(table, 3000, 20, generator(0, 1)).numpy()
    assert drawn[:, 0].max() < actions.ENTRIES <= drawn[:, 1:].min()
    paid = np.argwhere(drawn[:, :-1] == actions.ENTRIES + actions.CHECKOUT)
    obeyed = [drawn[n, t + 1] - actions.ENTRIES == actions.AFTER[drawn[n, 0]] for n, t in paid]
    assert np.mean(obeyed) == pytest.approx(actions.OBEYED, abs=0.01)


def test_ranks_by_hand() -> None:
    """True actions rank 1 and 3, the latter after a checkout; a tie counts against the model."""
    chances = np.full((1, 2, actions.ACTIONS), 0.0)
    chances[0, 0, 4], chances[0, 1, :3] = 1.0, (0.3, 0.3, 0.3)
    tokens = np.array([[0, 3 + 4, 3 + 1]])
    found = actions.score(chances, tokens)
    assert (found.hr1, found.hr3, found.after) == (0.5, 1.0, 0.0)
    assert found.mrr == pytest.approx((1 + 1 / 3) / 2)


@pytest.mark.parametrize("text", ["广告，商品，结算", "AD > item, checkout", "ad→item→checkout"])
def test_own_session_in_either_language(text: str) -> None:
    assert len(NextActionParams(session=text).session.split()) == 3


@pytest.mark.parametrize("text", ["", "ad", "item cart", "ad ad", "ad flying", "ad " + "item " * 40])
def test_own_session_is_checked(text: str) -> None:
    with pytest.raises(ValidationError, match=r"session"):
        NextActionParams(session=text)


def test_the_whole_is_bounded() -> None:
    with pytest.raises(ValidationError, match="T × steps × seeds"):
        NextActionParams(T=40, steps=800, seeds=5)


def test_own_session_is_answered_by_every_model() -> None:
    params = NextActionParams.model_validate({**demo.quick, "session": "friend item checkout"})
    own = [e for e in demo.run(params) if isinstance(e, Table) and e.panel == "own"][-1]
    assert len(own.rows) == len(actions.MODELS)
    assert own.rows[-1][1] == Bilingual(
        "分享 0.95", "share 0.95"
    )  # the ceiling knows what friends' guests do


def test_verdicts() -> None:
    assert [all_some_none(k, 3) for k in (3, 1, 0)] == ["holds", "depends", "fails"]
