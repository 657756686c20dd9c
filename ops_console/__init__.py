"""The console: composition root, and what its apps share."""

__version__ = "0.1.0"

# Known to every process: a task that a page sends must go to this application's broker.
from ops_console.celery import app as celery_app

__all__ = ["__version__", "celery_app"]
