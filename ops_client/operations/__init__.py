"""Operations: taking up what operators command, and telling that work is alive."""

from ops_client.operations.commands import CommandRejected, RetryCommand

__all__ = ["CommandRejected", "RetryCommand"]
