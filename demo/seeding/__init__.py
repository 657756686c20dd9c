"""The rows of a podcast company that never was, the same on every run."""
