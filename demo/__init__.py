"""A small podcast backend that runs on ops_client, with faults that can be dialled."""

__version__ = "1.0.0"
