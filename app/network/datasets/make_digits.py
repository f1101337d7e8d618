"""Make digits.npz: 1,797 handwritten digits of 8 × 8 from scikit-learn. Run by hand, never by the app.

In a throw-away environment, not in the project's own:
    python -m venv /tmp/digits && /tmp/digits/bin/pip install scikit-learn==1.9.1
    /tmp/digits/bin/python app/network/datasets/make_digits.py

images (1797, 8, 8) and labels (1797,), both uint8, grey values 0 … 16, in the order of the original file: it runs
from writer to writer, so that a cut in this order separates writers. Licence: digits.LICENCE.txt.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def main() -> None:
    from sklearn.datasets import load_digits  # type: ignore[import-not-found] # only in that environment

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    assert images.shape == (1797, 8, 8)
    assert images.max() == 16
    np.savez_compressed(Path(__file__).with_name("digits.npz"), images=images, labels=labels)


if __name__ == "__main__":
    main()
