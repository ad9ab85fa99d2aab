"""Runs the API under uvicorn: one process, or a few workers behind one port.

`serve` turns the running command into the server: it binds the port, then executes a fresh Python.
So the command itself tells of a port in use, the numeric libraries read the thread settings of a
server (measured: two spinning BLAS threads made a 1.4 ms product take 9.5 ms), and what the command
had in memory, say after training, is free.
"""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import uvicorn
from uvicorn.supervisors import Multiprocess

from shelfwise.core.errors import BadInputError, ShelfwiseError
from shelfwise.serving.metrics import FOLDER_VARIABLE
from shelfwise.store.bundles import open_bundle

SHOP_VARIABLE: Final = "SHELFWISE_SHOP"
"""Tells the workers which shop they serve."""
OVERRIDES_VARIABLE: Final = "SHELFWISE_OVERRIDES"
"""Settings of the command line, as a JSON list of `section.key=value`."""
SHOP_APPLICATION: Final = "shelfwise.serving.worker:create"
_THREADS: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_LOG: Final = logging.getLogger("shelfwise.serving")


@dataclass(frozen=True)
class Listen:
    """Where the server listens and how many processes answer."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes any free port."""
    workers: int = 1


def bind(listen: Listen) -> socket.socket:
    """The listening socket; raises `ShelfwiseError` when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise BadInputError(
            f"'{listen.host}' is not an address of this machine: {error}.",
            remedy="Choose another with --host, for example 127.0.0.1.",
        ) from None
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise _not_bound(listen, error) from None
    return bound


def serve(
    shop: Path,
    listen: Listen,
    overrides: Sequence[str] = (),
    *,
    application: str = SHOP_APPLICATION,
    announce: Callable[[str], None] | None = None,
) -> NoReturn:
    """Becomes the server of a shop; raises `ShelfwiseError` when it cannot.

    `overrides` are settings as `Shop.open` takes them. `announce` is told the server's address as
    soon as it is bound.
    """
    open_bundle(shop / "models")
    bound = bind(listen)
    if announce is not None:
        announce(_url(*bound.getsockname()[:2]))
    variables = {SHOP_VARIABLE: str(shop.absolute()), OVERRIDES_VARIABLE: json.dumps(overrides)}
    become(application, bound, listen.workers, variables)


def become(
    application: str, bound: socket.socket, workers: int, variables: Mapping[str, str]
) -> NoReturn:
    """Replaces this process's program by the server, which inherits the listening socket.

    `application` is as for `run`; it finds `variables` in its environment.
    """
    bound.set_inheritable(True)
    numbers = [str(bound.fileno()), str(workers)]
    command = [sys.executable, "-m", "shelfwise.serving", application, *numbers]
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**server_environment(os.environ), **variables}
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter and module


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables a server's process is started with: one thread for each numeric library.

    >>> server_environment({"OMP_NUM_THREADS": "2"})["OMP_NUM_THREADS"]
    '2'
    """
    return dict.fromkeys(_THREADS, "1") | dict(environment)


def run(application: str, bound: socket.socket, workers: int = 1) -> bool:
    """Serves until it is told to stop, answering what is in flight first; false if it never ran.

    `application` names a function without arguments that gives the application, as `module:name`.
    """
    config = uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=10,
        timeout_worker_healthcheck=120,
    )
    host, port = bound.getsockname()[:2]
    said: dict[str, str | int] = {
        "url": _url(host, port),
        "workers": workers,
        "pid": os.getpid(),
    }
    _say("starting", said)
    ran = _run_here(config, bound) if workers == 1 else _run_workers(config, bound)
    _say("stopped", said)
    return ran


def stop_with_parent() -> None:
    """Makes a worker stop when the process that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _run_here(config: uvicorn.Config, bound: socket.socket) -> bool:
    server = uvicorn.Server(config)
    # uvicorn raises the signal that stopped it once more when all is closed: it has done its work.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        server.run([bound])
    except SystemExit:  # uvicorn's word that the application did not start; it has logged why
        return False
    return server.started


def _run_workers(config: uvicorn.Config, bound: socket.socket) -> bool:
    with tempfile.TemporaryDirectory(prefix="shelfwise-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        Multiprocess(config, [bound]).run()
    return True


def log_to_stderr() -> None:
    """Log lines as JSON objects on stderr; they hold nothing about persons or products."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # not every malformed request
    _LOG.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """One JSON object a record, with the stack trace of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {"time": round(record.created, 3), "level": record.levelname, "log": record.name}
        said |= {"event": record.getMessage()} | getattr(record, "said", {})
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def _say(event: str, said: Mapping[str, str | int]) -> None:
    _LOG.info(event, extra={"said": dict(said)})


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _not_bound(listen: Listen, error: OSError) -> ShelfwiseError:
    if error.errno == errno.EADDRINUSE:
        return ShelfwiseError(
            f"Port {listen.port} is in use.", remedy="Choose another with --port."
        )
    if error.errno == errno.EACCES:
        return ShelfwiseError(
            f"You may not listen on port {listen.port}.",
            remedy="Choose one above 1023 with --port.",
        )
    return ShelfwiseError(
        f"Cannot listen on {listen.host}, port {listen.port}: {error.strerror}.",
        remedy="Choose another address with --host.",
    )
