"""Whether a port is free, asked before anything is started."""

import errno
import os
import socket

from embedded.errors import StartError

HOST = "127.0.0.1"


def check_free(port: int, option: str) -> None:
    """Raises StartError naming the option that chooses another port when this one cannot be had."""
    with socket.socket() as attempt:
        # As web servers do: a connection that has just been closed does not keep the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError as error:
            raise StartError(f"Port {port} {_reason(error)}. Choose another one with {option}.") from error


def check_different(port: int, backend_port: int) -> None:
    """Raises StartError when both programs are to have the same port."""
    if port == backend_port:
        raise StartError(f"--port and --backend-port are both {port}: give them two different ones.")


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is taken by another program"
    return f"cannot be used ({os.strerror(error.errno or 0)})"
