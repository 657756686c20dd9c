"""A worker that takes no work although work waits ends itself, and no other does."""

import pytest
import redis

from ops_console.worker_watch import PATIENCE_SECONDS, Watch


class Broker:
    """What a watch sees of its surroundings, on a clock of the test's own."""

    def __init__(self) -> None:
        self.tasks, self.busy, self.away, self.ended, self.now = 3, False, False, 0, 0.0
        self.watch = Watch(self.waiting, lambda: self.busy, self.end, lambda: self.now)

    def waiting(self) -> int:
        if self.away:
            raise redis.ConnectionError("no broker")
        return self.tasks

    def end(self) -> None:
        self.ended += 1

    def later(self, seconds: float) -> "Broker":
        self.now += seconds
        self.watch.look()
        return self


def test_work_that_waits_too_long_ends_the_worker() -> None:
    """Tasks wait, none has come, none is in hand: once the patience is over, and not before."""
    broker = Broker().later(PATIENCE_SECONDS - 1)
    assert broker.ended == 0
    assert broker.later(1).ended == 1


def test_a_task_that_comes_begins_the_patience_anew() -> None:
    """A worker that is given work is well."""
    broker = Broker().later(PATIENCE_SECONDS - 1)
    broker.watch.received(sender=None)
    assert broker.later(PATIENCE_SECONDS - 1).ended == 0


@pytest.mark.parametrize(("attribute", "value"), [("tasks", 0), ("busy", True), ("away", True)])
def test_nothing_to_do_too_much_to_do_or_no_broker_is_no_fault(attribute: str, value: object) -> None:
    """An empty queue, work in hand, or a broker that is away ends nobody; the patience begins anew when it is over."""
    broker = Broker()
    setattr(broker, attribute, value)
    assert broker.later(PATIENCE_SECONDS).ended == 0
    broker.tasks, broker.busy, broker.away = 3, False, False
    assert broker.later(PATIENCE_SECONDS - 1).ended == 0
    assert broker.later(1).ended == 1
