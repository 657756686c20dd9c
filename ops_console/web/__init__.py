"""What every app's views share: pages and fragments, toasts, paging, CSV and answers to failures."""

from ops_console.web.confirming import Question, ask
from ops_console.web.export import csv_response
from ops_console.web.failures import failure
from ops_console.web.keyset import Key, Keyset, Page
from ops_console.web.pages import go, is_fragment, page
from ops_console.web.panels import Panel, panel_reader
from ops_console.web.tabs import Tab, tabs
from ops_console.web.toasts import NO_CHANGES, Toast, done, toast
from ops_console.web.untouched import RowForm

__all__ = [
    "NO_CHANGES",
    "Key",
    "Keyset",
    "Page",
    "Panel",
    "Question",
    "RowForm",
    "Tab",
    "Toast",
    "ask",
    "csv_response",
    "done",
    "failure",
    "go",
    "is_fragment",
    "page",
    "panel_reader",
    "tabs",
    "toast",
]
