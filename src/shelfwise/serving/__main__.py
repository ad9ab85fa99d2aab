"""`python -m shelfwise.serving APPLICATION DESCRIPTOR WORKERS`: what `server.serve` starts.

The descriptor is that of a listening socket, inherited from the process that was here before.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from shelfwise.core.errors import ShelfwiseError
from shelfwise.serving.server import log_to_stderr, run


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when the server was told to stop, 1 when it could not run."""
    application, descriptor, workers = arguments
    log_to_stderr()
    try:
        ran = run(application, socket.socket(fileno=int(descriptor)), int(workers))
    except ShelfwiseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
