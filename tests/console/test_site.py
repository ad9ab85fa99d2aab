"""`shelfwise serve` serves the API, the console and the storefront, and prints where."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

COMMAND = "from shelfwise.cli import main; main()"


@pytest.mark.slow
def test_serve_prints_addresses_that_answer(shop: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", str(shop), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(3)]
        assert [name for name, _ in said] == ["Console", "Storefront", "API"]
        for _, address in said:
            assert _status(address) == 200
    finally:
        process.kill()
        process.communicate()


def _status(address: str) -> int:
    """The status, once the server has loaded its models."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return httpx.get(address, timeout=30).status_code
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(address)
