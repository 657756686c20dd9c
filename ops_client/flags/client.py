"""Asking for flags: a dict look-up and a closure, from the newest snapshot that this process has."""

import os
from collections.abc import Mapping
from dataclasses import replace

from ops_client.flags.changes import Watcher
from ops_client.flags.compile import EMPTY, Snapshot, compile_snapshot
from ops_client.flags.context import Context
from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.evaluate import Decision
from ops_client.flags.explain import Explanation, Reason, by_default
from ops_client.flags.rules import definition_from_row, segments_from_rows
from ops_client.flags.variants import DISABLED, ON_WITHOUT, Variant
from ops_client.part import Part, Runtime
from ops_client.store import Row


class FlagClient(Part):
    """`client.flags`. Answers from memory; the database is never asked on the way."""

    statements = ("flags", "segments")

    def __init__(self, runtime: Runtime, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(runtime)
        self._snapshot: Snapshot = EMPTY
        self._defaults = EnvironmentDefaults(environment)
        self._asleep = True
        self._watchers: tuple[Watcher, ...] = ()

    def is_enabled(self, name: str, context: Context | None = None, default: bool = False) -> bool:
        """Is the flag on for this context (`user_id`, `tier`, any field that rules use)?

        A flag that is not defined, or archived, answers what `OPS_FLAG_<NAME>` says, else `default`. Never raises.
        """
        if self._asleep:
            self._wake()
        flag = self._snapshot.flags.get(name)
        if flag is not None:
            return flag.is_on(context or {})
        return self._defaults.answer(name, context or {}, default)

    def variant(self, name: str, context: Context | None = None, default: Variant = DISABLED) -> Variant:
        """The variant that this context is given, with its payload; `default` where there is none.

        `feature_enabled` of the answer always tells whether the flag is on. Never raises.
        """
        if self._asleep:
            self._wake()
        flag = self._snapshot.flags.get(name)
        if flag is not None:
            found = flag.variant(context or {})
        else:
            found = ON_WITHOUT if self._defaults.answer(name, context or {}, False) else DISABLED
        return found if found.enabled else replace(default, feature_enabled=found.feature_enabled)

    def decide(self, name: str, context: Context | None = None) -> Decision | None:
        """The variant of this context with the rule that let it in; None for a flag that is not in force."""
        if self._asleep:
            self._wake()
        flag = self._snapshot.flags.get(name)
        return None if flag is None else flag.decide(context or {})

    def explain(self, name: str, context: Context | None = None, default: bool = False) -> Explanation:
        """Why `is_enabled` answers as it does, with everything that it asks on the way. Not counted as a question."""
        found = self.snapshot.explain(name, context or {}, default)
        if found.reason in {Reason.UNDEFINED, Reason.ARCHIVED} and self._defaults.defines(name):
            return by_default(name, self._defaults.answer(name, context or {}, default), Reason.ENVIRONMENT)
        return found

    @property
    def snapshot(self) -> Snapshot:
        """The definitions in force, with their revision."""
        if self._asleep:
            self._wake()
        return self._snapshot

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        definitions = [definition_from_row(row) for row in tables["flags"]]
        before = self._snapshot
        self._snapshot = compile_snapshot(definitions, revision, segments_from_rows(tables["segments"]))
        for watcher in self._watchers:
            watcher.changed(before, self._snapshot)

    def watch(self, watcher: Watcher) -> None:
        """Tell it of every new snapshot, until `unwatch`. It must not raise."""
        self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Tell it no more."""
        self._watchers = tuple(each for each in self._watchers if each is not watcher)

    def standing(self, source: str, reachable: bool) -> None:
        for watcher in self._watchers:
            watcher.standing(source, reachable)

    def problems(self) -> list[dict[str, str]]:
        return [
            {"flag": problem.flag, "rule": problem.rule, "message": problem.message}
            for problem in self._snapshot.problems
        ]

    def after_fork(self) -> None:
        self._asleep = True

    def _wake(self) -> None:
        # Awake only once it has loaded: a second thread must wait for the first one, not answer from nothing.
        self.runtime.wake()
        self._asleep = False
