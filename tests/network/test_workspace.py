"""The fast path: what of torch's private names it rests on, that it is taken, and what happens where it is not."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from app.network import LSTMCellReference, TracedLSTM, fused, workspace
from app.network.train import generator
from app.network.workspace import Shape
from tests.network.by_hand import without_onednn

pytestmark = [pytest.mark.torch]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing told yet, and no verdict about a shape that a broken layout left behind."""
    monkeypatch.setattr(fused, "_told", [])
    fused.agrees.cache_clear()
    yield
    fused.agrees.cache_clear()


def made(hidden: int = 12, inputs: int = 5, batch: int = 3, steps: int = 6) -> tuple[TracedLSTM, Tensor]:
    layer = TracedLSTM(inputs, hidden, generator=generator(1))
    return layer, torch.randn(batch, steps, inputs, generator=generator(2))


def worst(layer: TracedLSTM, x: Tensor, trace: Any) -> float:
    _, wanted = LSTMCellReference.of(layer.lstm)(x)
    return max(
        float((getattr(trace, name) - getattr(wanted, name)).detach().abs().max()) for name in "ifgoch"
    )


class Counter:
    """A function that counts its calls."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter(fused.after_the_fact)
    monkeypatch.setattr(fused, "after_the_fact", counter)
    return counter


def test_torch_has_the_private_names() -> None:
    """The contract with the pinned torch: this test says first what a new version has changed."""
    lstm = nn.LSTM(5, 12, batch_first=True)
    output, _ = lstm(torch.randn(3, 6, 5))
    node = workspace.node_of(output)
    assert node is not None
    assert node.name() == "MkldnnRnnLayerBackward0"
    raw = node._saved_result3
    assert raw.dtype in (torch.uint8, torch.float32)
    assert raw.numel() * raw.element_size() >= 4 * 3 * 6 * 4 * 12
    schema = torch.ops.aten.mkldnn_rnn_layer.default._schema
    assert len(schema.returns) == 4
    assert [argument.name for argument in schema.arguments][:7] == [
        "input", "weight0", "weight1", "weight2", "weight3", "hx_", "cx_",
    ]  # fmt: skip


def test_the_operator_returns_the_workspace_that_the_node_keeps() -> None:
    layer, x = made()
    zeros = torch.zeros(3, 12)
    weights = workspace.Weights(*layer.lstm.all_weights[0])
    output, _, c_n, raw = workspace.run_openly(x, zeros, zeros, weights)
    kept = workspace.behind(layer.lstm(x)[0])
    assert raw is not None
    assert kept is not None
    shape = Shape(3, 6, 5, 12)
    for mine, theirs in zip(workspace.read(raw, shape, c_n), workspace.read(kept, shape, c_n), strict=True):  # type: ignore[arg-type]
        assert torch.equal(mine, theirs)
    assert float((output - layer.lstm(x)[0]).detach().abs().max()) <= 1e-6


def test_there_is_no_node_where_another_kernel_runs() -> None:
    layer, x = made()
    with torch.no_grad():
        assert workspace.node_of(layer.lstm(x)[0]) is None
    assert workspace.behind(layer.lstm.double()(x.double())[0]) is None
    assert workspace.behind(nn.GRU(5, 12, batch_first=True)(x)[0]) is None
    assert workspace.behind(torch.zeros(1)) is None


@pytest.mark.parametrize("hidden", [1, 3, 4, 16, 63, 64, 65, 128])
@pytest.mark.parametrize("inputs", [1, 64, 200])
@pytest.mark.parametrize("openly", [True, False])
def test_the_layout_is_known_for_every_shape(hidden: int, inputs: int, openly: bool) -> None:
    """Rows are padded to 16, and off 256: sizes on both sides of each edge."""
    for batch, steps in ((1, 1), (1, 9), (7, 1), (5, 23)):
        assert fused.agrees(Shape(batch, steps, inputs, hidden), openly)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_fast_path_is_taken(slow: Counter, grad: bool, layers: int) -> None:
    layer = TracedLSTM(5, 12, layers, generator=generator(1))
    x = torch.randn(3, 6, 5, generator=generator(2))
    with torch.set_grad_enabled(grad):
        layer(x)
        assert slow.calls == layers  # the sizes are checked once; the second layer reads H inputs
        layer(x[:2])
        assert slow.calls == layers  # who does not look needs no more
        _ = layer(x)[2].f
        assert slow.calls == 2 * layers  # this very shape, when it is read
        _ = layer(x, lengths=[6, 6, 6])[2].f
    assert slow.calls == 2 * layers


@pytest.mark.parametrize("grad", [True, False])
def test_a_padded_batch_takes_it_too(slow: Counter, grad: bool) -> None:
    layer, x = made()
    with torch.set_grad_enabled(grad):
        for lengths in ([6, 2, 4], [1, 6, 3]):
            _ = layer(x, lengths=lengths)[2].f
    assert slow.calls == 2  # the sizes, and this shape


def test_frozen_weights_take_it_too(slow: Counter) -> None:
    layer, x = made()
    for weight in layer.parameters():
        weight.requires_grad_(False)
    layer(x)
    layer(x)
    assert slow.calls == 1


@pytest.mark.parametrize("how", ["float64", "no oneDNN"])
def test_elsewhere_the_gates_are_recomputed(slow: Counter, how: str) -> None:
    layer, x = made()
    if how == "float64":
        layer, x = layer.double(), x.double()
    with without_onednn() if how == "no oneDNN" else contextlib.nullcontext():
        _, _, trace = layer(x)
    assert slow.calls == 1
    assert worst(layer, x, trace) <= 1e-6


@pytest.mark.parametrize("grad", [True, False])
def test_an_unknown_layout_is_noticed_told_once_and_still_right(
    slow: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, grad: bool
) -> None:
    monkeypatch.setattr(workspace, "_row", lambda n: n + 1)
    layer, x = made()
    with caplog.at_level(logging.WARNING, "mendao.network"), torch.set_grad_enabled(grad):
        for _ in range(3):
            _, _, trace = layer(x)
            assert worst(layer, x, trace) <= 1e-6
        layer(x[:, :4])
    assert slow.calls == 1 + 4  # the sizes checked once, four passes recomputed
    assert len([each for each in caplog.records if each.name == "mendao.network"]) == 1
    assert "recomputing" in caplog.text


@pytest.fixture
def partly_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that is as expected for the probe of the sizes, and not at shapes of three sequences."""
    monkeypatch.setattr(fused, "agrees", functools.cache(lambda shape, _openly: shape.batch != 3))


@pytest.mark.usefixtures("partly_known")
@pytest.mark.parametrize("grad", [True, False])
def test_a_shape_that_is_off_when_it_is_read_is_recomputed_and_told(
    slow: Counter, caplog: pytest.LogCaptureFixture, grad: bool
) -> None:
    layer, x = made()
    with torch.set_grad_enabled(grad):
        _, _, trace = layer(x)
    assert slow.calls == 0
    assert worst(layer, x, trace) <= 1e-6
    assert slow.calls == len(caplog.records) == 1


@pytest.mark.usefixtures("partly_known")
@pytest.mark.parametrize("changed", ["weights", "input"])
def test_it_is_an_error_where_what_it_was_computed_from_has_changed(changed: str) -> None:
    layer, x = made()
    output, _, trace = layer(x)
    with torch.no_grad():
        (x if changed == "input" else layer.lstm.weight_hh_l0).add_(1.0)
    with pytest.raises(RuntimeError, match="before the update"):
        _ = trace.f
    assert trace.parts[0].h.shape == output.shape


@pytest.mark.parametrize("error", [RuntimeError, AttributeError, TypeError])
def test_a_torch_without_the_operator_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    def missing(*_: object) -> None:
        raise error("no such operator")

    monkeypatch.setattr(workspace, "run_openly", missing)
    layer, x = made()
    with torch.no_grad():
        output, _, trace = layer(x)
        assert torch.equal(output, layer.lstm(x)[0])
    assert worst(layer, x, trace) <= 1e-6
    assert len(caplog.records) == 1


def test_a_node_without_its_workspace_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layer, x = made()
    layer(x)  # the shape is trusted
    monkeypatch.setattr(workspace, "behind", lambda _: None)
    _, _, trace = layer(x)
    assert worst(layer, x, trace) <= 1e-6
    assert len(caplog.records) == 1


def test_nothing_is_told_where_no_workspace_is_expected(caplog: pytest.LogCaptureFixture) -> None:
    layer, x = made()
    layer.double()(x.double())
    assert caplog.records == []


@pytest.mark.parametrize("size", [0, 10, 3 * 6 * 48])
def test_a_workspace_too_small_is_not_read(size: int) -> None:
    assert not workspace.holds(torch.zeros(size), Shape(3, 6, 5, 12))


@pytest.mark.parametrize(
    "raw", [torch.zeros(10**5, dtype=torch.float64), torch.zeros(10**5 + 1, dtype=torch.uint8)]
)
def test_a_workspace_of_another_kind_is_not_read(raw: Tensor) -> None:
    assert not workspace.holds(raw, Shape(3, 6, 5, 12))


def test_a_cell_that_has_counted_far_is_still_trusted() -> None:
    """At this shape the probe's cells reach beyond 5, where float32 itself is off by more than 2e-6."""
    assert fused.agrees(Shape(256, 30, 2, 20), openly=False)
