"""The small pieces of training: seeded streams, the gradient's norm, one step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from app.network import train
from app.network.train import generator, gradient_norm, linear, measured_steps, optimiser, update

pytestmark = [pytest.mark.torch]


def drawn(*seed: int) -> list[float]:
    return torch.rand(4, generator=generator(*seed)).tolist()


def test_a_stream_is_decided_by_its_parts_and_their_order() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert drawn(3, 99) == drawn(3, 99)
    assert torch.equal(torch.get_rng_state(), before)
    streams = [(0,), (1,), (0, 0), (0, 1), (1, 0), (3, 99), (99, 3), (0, 0, 0), (9999, 100), (2**40, 7)]
    assert len({tuple(drawn(*seed)) for seed in streams}) == len(streams)


def test_streams_of_near_seeds_do_not_meet() -> None:
    seeds = {generator(seed, purpose).initial_seed() for seed in range(200) for purpose in range(120)}
    assert len(seeds) == 200 * 120


def test_a_linear_layer_is_drawn_from_its_source_in_pytorchs_range() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same = linear(16, 400, generator(1)), linear(16, 400, generator(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, same.weight)
    assert torch.equal(one.bias, same.bias)
    assert one.weight.shape == (400, 16)
    assert 0.24 < float(one.weight.detach().abs().max()) <= 0.25
    assert not torch.equal(one.weight, linear(16, 400, generator(2)).weight)


def parameters(*gradients: list[float]) -> list[Tensor]:
    found = []
    for gradient in gradients:
        each = torch.zeros(len(gradient), requires_grad=True)
        each.grad = torch.tensor(gradient)
        found.append(each)
    return found


def test_the_norm_is_that_of_all_gradients_as_one_vector() -> None:
    assert gradient_norm(parameters([3.0], [0.0, 4.0])) == pytest.approx(5)
    assert gradient_norm([*parameters([2.0]), torch.zeros(3, requires_grad=True)]) == pytest.approx(2)
    assert gradient_norm([torch.zeros(3, requires_grad=True)]) == 0
    assert gradient_norm([]) == 0


@pytest.mark.parametrize(("clip", "length"), [(0.0, 10.0), (2.0, 2.0), (50.0, 10.0)])
def test_a_step_clips_to_the_norm_and_tells_the_norm_before(clip: float, length: float) -> None:
    """Plain SGD at rate 1: the weights move by the treated gradient."""
    weight = torch.zeros(2, requires_grad=True)
    weight.grad = torch.tensor([100.0, 100.0])  # left over from before: not to be added to
    loss = (weight * torch.tensor([6.0, -8.0])).sum()
    norm = update(loss, optimiser("sgd", [weight], 1.0), [weight], clip=clip)
    assert norm == pytest.approx(10)
    direction = torch.tensor([-0.6, 0.8])
    assert torch.allclose(weight.detach(), direction * length, atol=1e-5)


@pytest.mark.parametrize(
    ("total", "most", "wanted"),
    [
        (300, 3, {100, 200, 300}),
        (10, 40, {5, 10}),
        (23, 40, {6, 12, 17, 23}),
        (3, 40, {3}),
        (1, 1, {1}),
    ],
)
def test_quality_is_measured_evenly_and_at_the_end(total: int, most: int, wanted: set[int]) -> None:
    assert measured_steps(total, most) == wanted


def test_adam_is_fused_and_sgd_is_plain() -> None:
    weight = [nn.Parameter(torch.zeros(2))]
    adam = optimiser("adam", weight, 0.01)
    assert isinstance(adam, torch.optim.Adam)
    assert adam.defaults["fused"] is True
    assert adam.defaults["lr"] == 0.01
    sgd = optimiser("sgd", weight, 0.5)
    assert isinstance(sgd, torch.optim.SGD)
    assert sgd.defaults["momentum"] == 0


@pytest.mark.parametrize(
    ("kind", "lr", "message"),
    [
        ("rmsprop", 0.1, "kind must be adam or sgd, not 'rmsprop'"),
        ("adam", 0.0, "lr must be above 0 and at most 1000, not 0.0"),
        ("sgd", 1001.0, "lr must be above 0 and at most 1000"),
        ("sgd", float("nan"), "lr must be above 0"),
    ],
)
def test_an_argument_that_is_off_is_named(kind: str, lr: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimiser(kind, [torch.zeros(1, requires_grad=True)], lr)  # type: ignore[arg-type]


def loss_of(weights: list[Tensor], step: int) -> Tensor:
    """The second weight joins at step 2, and at step 3 the first one rests: its gradient is missing then."""
    first, second = weights
    return (first**3).sum() if step < 2 else (second**2).sum() if step == 3 else (first * second[0, 0]).sum()


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_a_step_moves_the_weights_as_pytorchs_own_step_does(kind: str) -> None:
    """Bit for bit; also where a weight has no gradient at first, as a word vector of none of the batches."""
    ours, theirs = ([torch.tensor([1.0, -2.0, 3.0]), torch.tensor([[0.5, -1.5]])] for _ in range(2))
    one, other = (
        optimiser(kind, [each.requires_grad_() for each in weights], 0.1)  # type: ignore[arg-type]
        for weights in (ours, theirs)
    )
    for step in range(6):
        update(loss_of(ours, step), one, ours)
        other.zero_grad()
        loss_of(theirs, step).backward()  # type: ignore[no-untyped-call]
        other.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), step
    assert ours[0].tolist() != [1.0, -2.0, 3.0]
    assert ours[1].tolist() != [[0.5, -1.5]]


@pytest.mark.parametrize("other", [torch.float32, torch.float64])
def test_adam_goes_straight_to_its_kernel_where_that_takes_all_weights(other: torch.dtype) -> None:
    """Bit for bit what PyTorch's step gives, also with one of its own steps in between."""
    ours, theirs = ([torch.ones(3), torch.ones(2, dtype=other)] for _ in range(2))
    adam = optimiser("adam", [each.requires_grad_() for each in ours], 0.1)
    plain = torch.optim.Adam([each.requires_grad_() for each in theirs], lr=0.1, fused=True)
    for step in range(5):
        for weights, made in ((ours, adam), (theirs, plain)):
            made.zero_grad()
            ((weights[0] ** 2).sum() + (weights[1] ** 4).sum()).backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                straight = made is adam and step != 2 and train._adam(made)
            assert straight == (made is adam and step not in (0, 2) and other is torch.float32)
            if not straight:
                made.step()
        assert all(torch.equal(one, another) for one, another in zip(ours, theirs, strict=True)), step


@pytest.mark.parametrize("kind", ["groups", "decoupled", "amsgrad", "uphill", "unfused", "decay"])
def test_another_adam_stays_what_it_is(kind: str) -> None:
    """Weight decay is in the kernel; all else is left to PyTorch's own step."""

    def made(weights: list[Tensor]) -> torch.optim.Optimizer:
        first, second = (each.requires_grad_() for each in weights)
        if kind == "groups":
            groups = [{"params": [first], "weight_decay": 0.5}, {"params": [second]}]
            return torch.optim.AdamW(groups, lr=0.1, fused=True)
        options = {
            "decoupled": {"decoupled_weight_decay": True, "weight_decay": 0.5}, "amsgrad": {"amsgrad": True},
            "uphill": {"maximize": True}, "unfused": {"fused": False}, "decay": {"weight_decay": 0.5},
        }  # fmt: skip
        return torch.optim.Adam([first, second], **{"lr": 0.1, "fused": True, **options[kind]})  # type: ignore[arg-type]

    ours, theirs = ([torch.tensor([1.0, -2.0]), torch.tensor([3.0])] for _ in range(2))
    one, other = made(ours), made(theirs)
    for step in range(4):
        for weights, each in ((ours, one), (theirs, other)):
            each.zero_grad()
            ((weights[0] ** 2).sum() * (2 - step) + (weights[1] ** 4).sum()).backward()  # type: ignore[no-untyped-call]
            if each is other:
                each.step()
            else:
                train.advance(each)
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), step


def test_clipping_is_pytorchs_bit_for_bit() -> None:
    source = generator(4)
    for scale, clip in ((1.0, 0.1), (1e-4, 1.0), (1e30, 1.0), (float("nan"), 1.0), (0.0, 1.0)):
        gradients = [
            scale * torch.randn(shape, generator=source) for shape in ((48, 16), (48,), (4, 16), (1,))
        ]
        ours, theirs = ([each.clone() for each in gradients] for _ in range(2))
        weights = [torch.zeros_like(each, requires_grad=True) for each in theirs]
        for weight, gradient in zip(weights, theirs, strict=True):
            weight.grad = gradient
        wanted = float(nn.utils.clip_grad_norm_(weights, clip))
        assert train._clip(ours, clip) == pytest.approx(wanted, abs=0, rel=0, nan_ok=True)
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
    assert train._clip([], 1.0) == 0
