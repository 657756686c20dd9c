"""Logs as JSON lines with the request's id, by structlog; one shape for Django, Celery and our own records."""

import logging.config
import re
import sys
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from ops_client.telemetry.scrub import scrubbed_text

_LINK = re.compile(r"(/access/link/)[^/\s\"']+")
_SERVER_LOGS = ("uvicorn", "uvicorn.access", "gunicorn.error", "gunicorn.access", "django.server")


def without_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log must not hold one-time links, passwords of addresses, nor tokens."""
    for key, value in event.items():
        event[key] = _redacted(value)
    return event


class WithoutSecrets(logging.Filter):
    """The same for records of a server, whichever handler it writes them with."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _redacted(record.msg)
        if isinstance(record.args, dict):
            # gunicorn's: a mapping that answers unknown names with "-".
            for key, value in record.args.items():
                record.args[key] = _redacted(value)
        elif record.args:
            record.args = tuple(map(_redacted, record.args))
        return True


def _redacted(value: Any) -> Any:
    return _LINK.sub(r"\1...", scrubbed_text(value)) if isinstance(value, str) else value


def log_uncaught() -> None:
    """In a server process: what nobody caught becomes one record, not the lines that Python prints."""
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda raised: _uncaught(raised.exc_type, raised.exc_value, raised.exc_traceback)
    sys.unraisablehook = lambda raised: _uncaught(raised.exc_type, raised.exc_value, raised.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger(__name__).critical("Uncaught %s", kind.__name__, exc_info=(kind, error or kind(), traceback))


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_secrets,
]


def config(level: str) -> dict[str, Any]:
    """The dictionary for `logging.config`: everything to standard error, one JSON object a line."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        # The web server configures these for itself, as plain text: one record a line, and so many a traceback. The
        # filter stays if it configures them again.
        "loggers": {name: {"handlers": [], "propagate": True, "filters": ["without_secrets"]} for name in _SERVER_LOGS},
        "filters": {"without_secrets": {"()": WithoutSecrets}},
    }


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: the standard library's loggers and structlog's, on the same handler."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
