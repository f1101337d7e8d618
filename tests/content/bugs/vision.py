"""Images and video: questions 10, 11 and 24."""

from __future__ import annotations

import torch
from torch import nn

from tests.content.bugs import Run, bug


@bug("10-g", "nn.LSTM(28, 64)", "nn.LSTM(28, 64, batch_first=True)")
def only_the_last_row_counts(run: Run) -> bool:
    """As stated: the first 27 rows set to zero change nothing, an earlier image of the batch does."""

    def last(images):
        torch.manual_seed(0)
        return run(nn=nn, images=images, head=nn.Linear(64, 10)).y[:, -1]

    images = torch.rand(4, 1, 28, 28)
    blank, other = images.clone(), images.clone()
    blank[:, :, :27] = 0
    other[0] = torch.rand(1, 28, 28)
    unread = torch.equal(last(images), last(blank))
    mixed = not torch.allclose(last(images)[1], last(other)[1])
    assert unread == mixed
    return unread


@bug("11-b", "f.view(T, B, -1).transpose(0, 1)", "f.view(B, T, -1)")
def frames_of_samples_are_mixed(run: Run) -> bool:
    """Whether another sample's frames change what is made of the first."""
    cnn = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    lstm = nn.LSTM(8, 5, batch_first=True)
    x = torch.randn(2, 3, 1, 4, 4)
    other = x.clone()
    other[1] = torch.randn(3, 1, 4, 4)
    one, two = (run(x=given, cnn=cnn, lstm=lstm).y for given in (x, other))
    assert one.shape == (2, 3, 5), "the shape is right"
    return not torch.allclose(one[0], two[0])


@bug("24-d", "kernel_size=3", "kernel_size=3, padding=1")
def the_gates_are_smaller_than_the_state(run: Run) -> bool:
    names = {"x": torch.randn(1, 2, 16, 16), "h": torch.zeros(1, 3, 16, 16), "c": torch.zeros(1, 3, 16, 16)}
    after, error, line = run.stopping(RuntimeError, nn=nn, torch=torch, c_in=2, c_h=3, **names)
    if error is None:
        assert after.h.shape == after.c.shape == (1, 3, 16, 16)
        return False
    assert "(14)" in str(error)
    assert "(16)" in str(error)
    assert line == 4
    return True
