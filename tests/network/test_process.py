"""What a process does once before it trains."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import torch

from app.config import ROOT
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


def test_no_first_step_imports_the_compiler_or_its_algebra() -> None:
    """They would take three seconds of every start of a worker and of the command line."""
    code = (
        "import sys; from app.network import warm; from app.demos import catalogue; warm()\n"
        "demo = catalogue()['regularisation']  # which has a training loop of its own\n"
        "for _ in demo.run(demo.params.model_validate(demo.quick)): pass\n"
        "sys.exit(bool({'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
