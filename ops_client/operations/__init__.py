"""Operations: tracked work, taking up what operators command, and telling that work is alive."""

from ops_client.operations.commands import CommandRejected, FreeCommand, RetryCommand
from ops_client.operations.tracker import TrackedOperation
from ops_client.operations.work import OperationLost

__all__ = ["CommandRejected", "FreeCommand", "OperationLost", "RetryCommand", "TrackedOperation"]
