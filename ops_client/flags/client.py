"""Asking for flags: a dict look-up and a closure, from the newest snapshot that this process has."""

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from ops_client.background import Job
from ops_client.flags.asked import Asked, AskedFlags
from ops_client.flags.buckets import USER_ID
from ops_client.flags.changes import Watcher
from ops_client.flags.compile import EMPTY, Snapshot, snapshot_from_rows
from ops_client.flags.context import Context
from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.evaluate import CompiledFlag, Decision
from ops_client.flags.explain import Explanation, Reason, by_default
from ops_client.flags.presence import Presence
from ops_client.flags.rules import segments_from_rows
from ops_client.flags.usage import Usage
from ops_client.flags.variants import DISABLED, Variant
from ops_client.part import Part, Runtime
from ops_client.store import Row
from ops_client.text import replace_unstorable

logger = logging.getLogger("ops_client")
USAGE_SECONDS = 15.0
PRESENCE_SECONDS = 60.0
NOTHING: Context = {}


class FlagClient(Part):
    """`client.flags`. Answers from memory; the database is never asked on the way.

    Every answer is counted, by flag, variant and result, and who was asked about is noted (`user_id`, and the fields
    that rules read); both are sent in the background.
    """

    statements = ("flags", "segments")

    def __init__(self, runtime: Runtime, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(runtime)
        self.defaults = EnvironmentDefaults(environment)
        self._snapshot: Snapshot = EMPTY
        self._watchers: tuple[Watcher, ...] = ()
        self._begin_counting()

    def is_enabled(self, name: str, context: Context | None = None, default: bool = False) -> bool:
        """Is the flag on for this context (`user_id`, `tier`, any field that rules use)?

        A flag that is not defined, or archived, answers what `OPS_FLAG_<NAME>` says, else `default`. Never raises.
        """
        if self._asleep:
            self._wake()
        asked = self._asked[name]
        if context:
            answer = default if asked.matcher is None else asked.matcher(context)
            try:
                # As `Presence.note` asks first; asked here, it costs no call.
                if self._presence.sightings.fields.get(context.get(USER_ID), 0) < len(context):
                    self._presence.note(context)
            except Exception:  # noqa: BLE001, S110 - a context may hold anything
                pass
        else:
            answer = default if asked.matcher is None else asked.matcher(NOTHING)
        if answer:
            asked.count_on()
        else:
            asked.count_off()
        return answer

    def variant(self, name: str, context: Context | None = None, default: Variant = DISABLED) -> Variant:
        """The variant that this context is given, with its payload; `default` where there is none.

        `feature_enabled` of the answer always tells whether the flag is on. Never raises.
        """
        asked = self._at_hand(name)
        if asked.flag is None:
            return replace(default, feature_enabled=self.is_enabled(name, context, default.feature_enabled))
        found = self._decide(asked.flag, asked.name, context).variant
        return found if found.enabled else replace(default, feature_enabled=found.feature_enabled)

    def decide(self, name: str, context: Context | None = None) -> Decision | None:
        """The variant of this context with the rule that let it in; None for a flag that is not in force."""
        asked = self._at_hand(name)
        if asked.flag is None:
            self.is_enabled(name, context)
            return None
        return self._decide(asked.flag, asked.name, context)

    def explain(self, name: str, context: Context | None = None, default: bool = False) -> Explanation:
        """Why `is_enabled` answers as it does, with everything that it asks on the way. Not counted as a question."""
        found = self.snapshot.explain(name, context or NOTHING, default)
        matcher = self.defaults.matcher(name)
        if matcher is not None and found.reason in {Reason.UNDEFINED, Reason.ARCHIVED}:
            return by_default(name, matcher(context or NOTHING), Reason.ENVIRONMENT)
        return found

    @property
    def snapshot(self) -> Snapshot:
        """The definitions in force, with their revision."""
        if self._asleep:
            self._wake()
        return self._snapshot

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        before, segments = self._snapshot, segments_from_rows(tables["segments"])
        self._snapshot = snapshot_from_rows(tables["flags"], revision, segments, before)
        self._asked = AskedFlags(self._snapshot, self.defaults, self._usage)
        for watcher in self._watchers:
            try:
                watcher.changed(before, self._snapshot)
            except Exception:
                # The backend's own code: it must not keep this process on an old configuration.
                logger.exception("ops_client: a watcher of flags failed")

    def watch(self, watcher: Watcher) -> None:
        """Call it after every new snapshot, until `unwatch`. It must not raise."""
        self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Stop calling it."""
        self._watchers = tuple(each for each in self._watchers if each is not watcher)

    def standing(self, source: str, reachable: bool) -> None:
        for watcher in self._watchers:
            try:
                watcher.standing(source, reachable)
            except Exception:
                logger.exception("ops_client: a watcher of flags failed")

    def problems(self) -> list[dict[str, str]]:
        return [
            {"flag": problem.flag, "rule": problem.rule, "message": problem.message}
            for problem in self._snapshot.problems
        ]

    def environment(self) -> dict[str, str]:
        """The OPS_FLAG_* of this process, for its report."""
        return {
            replace_unstorable(name[:100]): replace_unstorable(value[:100])
            for name, value in self.defaults.values.items()
        }

    def dropped(self) -> dict[str, int]:
        return {"flag_usage": self._usage.dropped, "flag_presence": self._presence.dropped}

    def jobs(self) -> list[Job]:
        return [
            Job("flag_usage", USAGE_SECONDS, self._send_usage, at_close=True),
            Job("flag_presence", PRESENCE_SECONDS, self._send_presence, at_close=True),
        ]

    def after_fork(self) -> None:
        self._begin_counting()

    def _begin_counting(self) -> None:
        self._asleep = True
        self._usage = Usage(self.runtime.clock)
        self._presence = Presence(self.runtime.clock)
        self._asked = AskedFlags(self._snapshot, self.defaults, self._usage)

    def _at_hand(self, name: str) -> Asked:
        if self._asleep:
            self._wake()
        return self._asked[name]

    def _decide(self, flag: CompiledFlag, counted_as: str, context: Context | None) -> Decision:
        found = flag.decide(context or NOTHING)
        variant = found.variant
        self._usage.counter(counted_as, variant.name if variant.enabled else "", variant.feature_enabled)()
        if context:
            with suppress(Exception):  # a context may hold anything
                self._presence.note(context)
        return found

    def _send_usage(self) -> None:
        self._usage.send(self.runtime.store, self.runtime.service)

    def _send_presence(self) -> None:
        self._presence.read_fields(self._snapshot.fields)
        self._presence.send(self.runtime.store, self.runtime.service)

    def _wake(self) -> None:
        # Awake only once it has loaded: a second thread must wait for the first one, not answer from nothing.
        self.runtime.wake()
        self._asleep = False
