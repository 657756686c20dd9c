"""Beat's scheduler, which says what is wrong with its file before it starts."""

import logging
import os
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from ops_console.logs import log_uncaught

logger = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    """Keeps when each task ran last in a file. Without it every restart would run every task again."""

    def setup_schedule(self) -> Any:
        log_uncaught()
        if fault := file_fault(self.schedule_filename):
            logger.critical(fault)
            raise SystemExit(1)
        return super().setup_schedule()


def file_fault(path: str) -> str:
    """Why beat could not keep its file there; "" where it can."""
    directory = Path(path).absolute().parent
    if not directory.is_dir():
        return (
            f"Beat's schedule cannot be kept: the directory {directory} does not exist. Make it, or set BEAT_SCHEDULE."
        )
    if not os.access(directory, os.W_OK):
        return f"Beat's schedule cannot be kept: {directory} is not writable for this user."
    if Path(path).is_dir():
        return f"Beat's schedule cannot be kept: {path} is a directory. Set BEAT_SCHEDULE to a file in it."
    return ""
