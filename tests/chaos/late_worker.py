"""A backend's process for tests: `python -m tests.chaos.late_worker DSN old|new`, which says as JSON what it came to.

`old` works on the operation `one` until a line comes, and then ends it; `new` takes up one retry of it.
"""

import json
import sys
import threading

from ops_client import OpsClient
from ops_client.operations import OperationLost, RetryCommand

KIND, ID = "show_notes", "one"


def old(client: OpsClient) -> None:
    try:
        with client.operations.track(KIND, ID, payload={"episode": "e1"}) as operation:
            say({"working": operation.attempt})
            sys.stdin.readline()
            operation.progress(1, "written by the old one")
        say({"finished": operation.version})
    except OperationLost as lost:
        say({"lost": lost.status, "version": lost.version})


def new(client: OpsClient) -> None:
    done = threading.Event()

    def again(command: RetryCommand) -> None:
        with client.operations.track(KIND, command.operation_id, version=command.version) as operation:
            operation.progress(0.5, "written by the new one")
        say({"finished": operation.version, "payload": dict(command.payload)})
        done.set()

    client.operations.on_command(KIND, retry=again)
    done.wait()


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    with OpsClient(sys.argv[1], service="notes-worker", snapshot_path=None) as ops:
        {"old": old, "new": new}[sys.argv[2]](ops)
