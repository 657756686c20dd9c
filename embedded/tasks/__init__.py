"""One module per `dev.py` command; each has `run(arguments) -> int`, the exit code."""
