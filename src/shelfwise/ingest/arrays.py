"""Small Arrow steps shared by the cleaning rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

T = TypeVar("T")


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def mask_of(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """A boolean column as a NumPy mask; null counts as false."""
    return np.asarray(flat(column).fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def parse_distinct(values: pa.Array, parse: Callable[[str], T]) -> list[T | None]:
    """`parse` of each text, called once for each distinct one; null stays None."""
    encoded = values.dictionary_encode()
    parsed = [parse(text) for text in encoded.dictionary.to_pylist()]
    return [None if i is None else parsed[i] for i in encoded.indices.to_pylist()]


def replace_where(values: pa.Array, where: NDArray[np.bool_], new: list[str | None]) -> pa.Array:
    """`values` with those at `where` replaced, in order, by `new`."""
    return pc.replace_with_mask(values, pa.array(where), pa.array(new, values.type))


def as_strings(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as text; whole numbers that were stored as reals lose their `.0`.

    >>> as_strings(pa.array([17850.0, None])).to_pylist()
    ['17850', None]
    """
    values = flat(column)
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_floating(values.type):
        numbers = values.fill_null(0.0).to_numpy()
        if bool(np.all(np.isfinite(numbers) & (np.rint(numbers) == numbers))):
            return values.cast(pa.int64()).cast(pa.string())
    return values.cast(pa.string())
