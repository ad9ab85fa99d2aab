"""The two-way map between a shop's ids (strings) and the codes 0 … n-1 used inside.

Codes carry no meaning. `Vocabulary.shuffled` numbers ids in a seeded random order of their first
appearance, so that no model can read the age or the name of a product out of its code, and a tie
broken by code is broken at random, the same way every time, whatever the products are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UNKNOWN = -1


@dataclass(frozen=True)
class Vocabulary:
    """Ids by code; `code[id]` and `ids[code]` undo each other.

    >>> v = Vocabulary.of(["p7", "p3"])
    >>> v.codes(["p3", "nope"]).tolist(), v.ids[0]
    ([1, -1], 'p7')
    """

    ids: tuple[str, ...]
    code: dict[str, int]

    @classmethod
    def of(cls, ids: Iterable[str]) -> Vocabulary:
        """The vocabulary numbering `ids` in the order given; they must be distinct."""
        listed = tuple(ids)
        code = {name: position for position, name in enumerate(listed)}
        if len(code) != len(listed):
            raise ValueError(f"{len(listed) - len(code)} ids appear twice")
        return cls(listed, code)

    @classmethod
    def shuffled(cls, first_seen: Sequence[str], seed: int) -> Vocabulary:
        """The vocabulary numbering `first_seen` (distinct ids) in an order drawn by `seed`."""
        order = np.random.default_rng(seed).permutation(len(first_seen))
        return cls.of(first_seen[position] for position in order)

    def __len__(self) -> int:
        return len(self.ids)

    def codes(self, ids: Iterable[str | None]) -> NDArray[np.int32]:
        """The code of each id, `UNKNOWN` (-1) where there is none."""
        get = self.code.get
        return np.fromiter(
            (UNKNOWN if name is None else get(name, UNKNOWN) for name in ids), dtype=np.int32
        )

    def encode(self, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """The code of each row of a string column, `UNKNOWN` for null and unknown ids."""
        if len(column) == 0:
            return np.empty(0, np.int32)
        encoded = pa.concat_arrays(column.chunks).dictionary_encode()
        of_word = np.append(self.codes(encoded.dictionary.to_pylist()), np.int32(UNKNOWN))
        words = encoded.indices.fill_null(len(of_word) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(of_word[words], np.int32)
