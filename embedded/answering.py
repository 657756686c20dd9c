"""Whether a web server answers."""

import http.client
from contextlib import closing

from embedded.ports import HOST

ANSWER_SECONDS = 5


def answers_ok(port: int, path: str) -> bool:
    """Whether a GET is answered with 200 now."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
