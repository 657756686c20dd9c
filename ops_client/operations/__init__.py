"""Operations: tracked work, handlers for operators' commands, and heartbeats."""

from ops_client.operations.commands import CommandRejected, FreeCommand, RetryCommand
from ops_client.operations.tracker import TrackedOperation
from ops_client.operations.work import OperationLost

__all__ = ["CommandRejected", "FreeCommand", "OperationLost", "RetryCommand", "TrackedOperation"]
