"""Flags as files: written for another environment, read from one, or from another product."""

from flags.promotion.formats import own, unleash, waffle
from flags.promotion.importing import Outcome, Report, Result, run
from flags.promotion.writing import export, written

__all__ = ["Outcome", "Report", "Result", "export", "own", "run", "unleash", "waffle", "written"]
