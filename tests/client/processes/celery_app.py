"""A backend's Celery worker: one client, made and already asked before the pool is forked."""

import os
import time

from celery import Celery
from celery.signals import worker_process_shutdown

from ops_client import OpsClient

QUEUE = f"backend-{os.environ.get('BACKEND_QUEUE', '')}"
REDIS = os.environ["REDIS_URL"].replace("unix://", "redis+socket://", 1)

app = Celery("backend", broker=REDIS, backend=REDIS)
app.conf.update(task_default_queue=QUEUE, result_expires=60, worker_hijack_root_logger=False)

if "BACKEND_QUEUE" in os.environ:
    ops = OpsClient(service="prefork", poll_seconds=0.2, snapshot_path=None)
    before_fork = (os.getpid(), ops.flags.is_enabled("x"))

    @worker_process_shutdown.connect  # type: ignore[untyped-decorator]
    def close(**_: object) -> None:
        """A pool process ends by `os._exit`, which runs no exit functions."""
        ops.close()


@app.task(name="answer")  # type: ignore[untyped-decorator]
def answer() -> tuple[int, bool, int]:
    """This process, what it says of the flag, and the process that was asked before the fork."""
    time.sleep(0.05)  # busy for a moment, so that several at once reach several processes
    return os.getpid(), ops.flags.is_enabled("x"), before_fork[0]
