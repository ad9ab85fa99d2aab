"""Prints what each installed library takes on the disk, largest first.

python docs/sizes.py
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions


def main() -> None:
    """A line for each library: megabytes, name, version; then the sum."""
    sized = sorted(
        ((_megabytes(one), one.metadata["Name"], one.version) for one in distributions()),
        reverse=True,
    )
    for megabytes, name, version in sized:
        sys.stdout.write(f"{megabytes:9.1f} MB  {name} {version}\n")
    sys.stdout.write(f"{sum(size for size, _, _ in sized):9.1f} MB  all of it\n")


def _megabytes(one: Distribution) -> float:
    """The size of the library's files as recorded at installation."""
    return sum(file.size or 0 for file in one.files or ()) / 1e6


if __name__ == "__main__":
    main()
