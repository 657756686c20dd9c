"""Operations: tracked work, taking up what operators command, and telling that work is alive."""

from ops_client.operations.commands import CommandRejected, RetryCommand
from ops_client.operations.tracker import TrackedOperation
from ops_client.operations.work import OperationLost

__all__ = ["CommandRejected", "OperationLost", "RetryCommand", "TrackedOperation"]
