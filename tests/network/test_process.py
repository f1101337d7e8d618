"""What a process does once before it trains."""

from __future__ import annotations

import ctypes

import pytest
import torch

from app.network import prepare_process, warm

pytestmark = [pytest.mark.torch]


def test_one_thread() -> None:
    before = torch.get_num_threads()
    try:
        prepare_process()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_another_libc_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    prepare_process()


def test_warming_up_touches_every_cell_and_no_random_state() -> None:
    before = torch.get_rng_state()
    warm()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
