"""Share prices: the LSTMs against last month's price, the R² illusion, trading with costs, verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.stock_forecast import StockForecastParams, demo, verdict
from app.network.studies.stock_forecast import (
    FIRMS,
    LAGS,
    Lane,
    judge,
    parts,
    prices,
    simple,
    trade,
)
from app.protocol import Metric, Scalar, Table
from tests.demos.playing import played

pytestmark = [pytest.mark.torch]


def trained(firm: str, lane: str, seed: int) -> Lane:
    """At the demo's defaults."""
    p = StockForecastParams()
    made = Lane(prices(firm).values, lane, width=p.window, hidden=p.hidden, lr=p.lr, steps=p.steps, seed=seed)
    for _ in made.train():
        pass
    return made


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_lstm_on_prices_loses_to_last_months_price(seed: int) -> None:
    """The bar, at the defaults (AAPL): an error several times that of persistence, which has a high R² itself."""
    made = trained("AAPL", "level", seed)
    judged = made.judged(0.0)
    assert judged.errors.rmse > 2 * judged.errors.persistence
    last = judge(made.y, made.future, simple(made.y)["last"], 0.0)
    assert last.r2 > 0.75
    assert judged.r2 < last.r2


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_lstm_on_returns_tells_last_months_price(seed: int) -> None:
    """It does not beat persistence by 2 %, its R² is no higher, and it resembles the past more than the target."""
    made = trained("AAPL", "return", seed)
    judged = made.judged(0.0)
    assert judged.errors.rmse > 0.98 * judged.errors.persistence
    last = judge(made.y, made.future, simple(made.y)["last"], 0.0)
    assert judged.r2 <= last.r2
    assert judged.correlations[LAGS.index(1)] > judged.correlations[LAGS.index(0)]
    assert judged.correlations[LAGS.index(1)] > 0.95


def test_where_it_wins_it_holds_the_share() -> None:
    """AMZN: a smaller error than last month's price, by forecasting a rise every month."""
    made = trained("AMZN", "return", 0)
    judged = made.judged(0.0)
    assert judged.errors.rmse < judged.errors.persistence
    assert judged.trade.gross[-1] == pytest.approx(judged.trade.held[-1])


def test_persistence_is_drawn_and_all_five_are_shown() -> None:
    events = list(played(demo.slug))
    assert any(isinstance(each, Scalar) and (each.panel, each.series) == ("price", "last") for each in events)
    (table,) = [each for each in events if isinstance(each, Table) and each.panel == "firms"]
    assert sorted(str(row[0]) for row in table.rows) == sorted(FIRMS)


def test_trading_counts_half_turns() -> None:
    last, actual = np.array([100.0, 110, 99, 99]), np.array([110.0, 99, 99, 198])
    forecast = np.array([101.0, 111, 98, 98])  # long, long, short, short
    done = trade(actual, last, forecast, 0.01)
    assert done.gross == pytest.approx(np.cumprod([1.1, 0.9, 1.0, 0.0]))
    assert done.net == pytest.approx(np.cumprod([1.1 - 0.01, 0.9, 1.0 - 0.02, 0.0]))
    assert done.held == pytest.approx(np.cumprod([1.1, 0.9, 1.0, 2.0]))


def test_a_simple_forecast_knows_the_past_only() -> None:
    y = prices("IBM").values
    other = y.copy()
    other[parts(len(y))[1] :] *= 3
    assert simple(y)["drift"][0] == simple(other)["drift"][0]
    assert simple(y)["last"][0] == y[parts(len(y))[1] - 1]


def test_a_perfect_forecast_is_judged_perfect() -> None:
    y = prices("MSFT").values
    places = np.arange(parts(len(y))[1], len(y))
    judged = judge(y, places, y[places], 0.0)
    assert judged.r2 == 1
    assert judged.correlations[LAGS.index(0)] == pytest.approx(1)
    assert judged.hits == 1
    assert judge(y, places, y[places - 1], 0.0).errors.ratio == 1


def test_the_data_are_whole() -> None:
    assert {firm: len(prices(firm).values) for firm in FIRMS} == {
        "AAPL": 123,
        "AMZN": 123,
        "GOOG": 68,
        "IBM": 123,
        "MSFT": 123,
    }
    assert prices("GOOG").start == pytest.approx(2004 + 7 / 12)


def test_the_shortest_series_runs_at_the_widest_window() -> None:
    events = list(demo.run(StockForecastParams(stock="GOOG", window=24, **demo.quick)))
    assert sum(isinstance(each, Metric) and bool(each.claim) for each in events) == len(demo.claims)


def test_verdict_rule() -> None:
    assert [verdict(k, 3) for k in range(4)] == ["fails", "depends", "depends", "holds"]


@pytest.mark.parametrize("given", [{"stock": "TSLA"}, {"cost": 2.1}, {"window": 25}, {"lane": "price"}])
def test_bounds_name_the_field(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as error:
        StockForecastParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == tuple(given)
