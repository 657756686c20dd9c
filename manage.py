#!/usr/bin/env python
"""Django's command line for the console."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")
    from django.core.management import execute_from_command_line

    from ops_client.text import is_storable

    for number, argument in enumerate(sys.argv):
        if not is_storable(argument):
            # Bytes that are no UTF-8 become lone surrogates, which neither the database nor a terminal takes.
            sys.exit(f"Argument {number} is not UTF-8 text: {argument!a}")
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`); what is still in the buffer goes nowhere, without a complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
