"""What a server process has loaded stays for good: the garbage collector need not look through it again and again.

A full collection looks at some 200,000 objects of code and settings and takes a tenth of a second; nobody is answered
meanwhile.
"""

import gc
from importlib import import_module

from django.conf import settings


def settle() -> None:
    """Load the code of every page, and take all that is there out of the collector's sight. Once, before requests."""
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
