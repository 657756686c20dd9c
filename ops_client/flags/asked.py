"""What a process asks for: each name made ready at its first question, so that the next ones cost a dict look-up."""

from collections.abc import Callable
from dataclasses import dataclass

from ops_client.flags.compile import Snapshot
from ops_client.flags.context import Matcher
from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.evaluate import CompiledFlag
from ops_client.flags.usage import OTHERS, Usage


@dataclass(frozen=True, slots=True)
class Asked:
    """One name. `matcher` None: the caller's default is answered. Each answer is told to `count_on` or `count_off`."""

    name: str
    flag: CompiledFlag | None
    matcher: Matcher | None
    count_on: Callable[[], int]
    count_off: Callable[[], int]


class AskedFlags(dict[str, Asked]):
    """The names asked for since one snapshot came into force."""

    def __init__(self, snapshot: Snapshot, defaults: EnvironmentDefaults, usage: Usage) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._defaults = defaults
        self._usage = usage

    def __missing__(self, name: str) -> Asked:
        flag = self._snapshot.flags.get(name)
        counted = self._usage.counted_as(name, defined=name in self._snapshot.definitions)
        asked = Asked(
            counted,
            flag,
            flag.is_on if flag is not None else self._defaults.matcher(name),
            self._usage.counter(counted, "", True),
            self._usage.counter(counted, "", False),
        )
        if counted != OTHERS:
            self[name] = asked
        return asked
