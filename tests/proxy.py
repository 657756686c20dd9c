"""A TCP line to the test server that can die without a word, as lines do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Line:
    """Forwards every connection to a Unix socket, until `cut` lets those that there are hang, open at both ends.

    Connections made after that are forwarded again.
    """

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._generation = 0
        self._silent = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = [self._listener]
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._start(self._accept)

    def cut(self) -> None:
        """From now on nothing comes through on any connection that there is."""
        self._generation += 1

    def silence(self) -> None:
        """From now on every connection is accepted, and nothing comes through on any."""
        self._silent = True
        self.cut()

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._socket_path)
            self.connections += 1
            self._ends += [near, far]
            self._start(self._forward, near, far, self._generation)
            self._start(self._forward, far, near, self._generation)

    def _forward(self, source: socket.socket, target: socket.socket, generation: int) -> None:
        while data := source.recv(65536):
            # Taken in all the same when cut: whoever sent it believes that it arrived.
            if generation == self._generation and not self._silent:
                target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def _start(self, run: object, *arguments: object) -> None:
        def until_closed() -> None:
            with suppress(OSError):
                run(*arguments)  # type: ignore[operator]

        threading.Thread(target=until_closed, daemon=True).start()


@contextmanager
def tcp_line(socket_path: str) -> Iterator[Line]:
    line = Line(socket_path)
    try:
        yield line
    finally:
        line.close()
