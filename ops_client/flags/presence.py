"""Who was seen: whom flags were asked about, with the few attributes that rules read. The console's previews use it."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from ops_client.batches import ROWS_AT_ONCE, write_each
from ops_client.clock import Clock
from ops_client.errors import StoreUnavailable
from ops_client.flags.buckets import USER_ID
from ops_client.flags.context import CURRENT_TIME, HOSTNAME, Context, text
from ops_client.store import Store
from ops_client.text import replace_unstorable

MOST_USERS = 10_000
LONGEST_VALUE = 200
MOST_VALUES = 50
# JSON's readers agree on numbers below it; others are kept as text.
LARGEST_NUMBER = 2**53
# Kept so long while the database is unreachable: they are written as seen at the moment of writing.
KEPT_SECONDS = 3600.0
TIER = "tier"
# The time is not the user's, and the user is the row.
_NOT_KEPT = {USER_ID, CURRENT_TIME, HOSTNAME}


class Sightings:
    """Users of one interval. `fields` tells how much is known of each, so that a fuller context is looked at again."""

    __slots__ = ("attributes", "fields")

    def __init__(self) -> None:
        # A context without a user is never worth a look.
        self.fields: dict[object, float] = {None: float("inf"), "": float("inf")}
        self.attributes: dict[str, dict[str, object]] = {}


class Presence:
    """The users that one process saw and has not written yet. `dropped`: beyond what is kept, or refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sending = threading.Lock()
        self._sent_at = clock.monotonic()
        self.kept_fields: frozenset[str] = frozenset({TIER})
        self.sightings = Sightings()
        self.dropped = 0

    def note(self, context: Context) -> None:
        """Keep who this is. May raise for what a context holds."""
        sightings = self.sightings
        user = context.get(USER_ID)
        if sightings.fields.get(user, 0) >= len(context):
            return  # of whom nothing new is told
        name = text(user)
        known = sightings.attributes.get(name)
        if known is None and (len(sightings.attributes) >= MOST_USERS or len(name) > LONGEST_VALUE):
            self.dropped += 1
            return
        sightings.attributes[name] = {**(known or {}), **attributes_of(context, self.kept_fields)}
        sightings.fields[user] = len(context)

    def read_fields(self, fields: Iterable[str]) -> None:
        """From now on, keep these attributes."""
        self.kept_fields = frozenset(fields) - _NOT_KEPT | {TIER}

    def send(self, store: Store, service: str) -> None:
        """Write who was seen. Raises StoreUnavailable; who was not written is kept for a while."""
        with self._sending:
            self._send(store, service)

    def _send(self, store: Store, service: str) -> None:
        sightings, self.sightings = self.sightings, Sightings()
        waiting = dict(sightings.attributes)

        def write(few: Sequence[str]) -> None:
            _write(store, service, {name: sightings.attributes[name] for name in few})
            for name in few:
                del waiting[name]

        try:
            self.dropped += write_each(list(waiting), write, "users seen", ROWS_AT_ONCE)
        except StoreUnavailable:
            self._keep(waiting)
            raise
        self._sent_at = self._clock.monotonic()

    def _keep(self, waiting: Mapping[str, dict[str, object]]) -> None:
        if self._clock.monotonic() - self._sent_at >= KEPT_SECONDS:
            self._sent_at = self._clock.monotonic()
            self.dropped += len(waiting)
            return
        newer = self.sightings.attributes
        older = {name: kept for name, kept in waiting.items() if name not in newer}
        newer.update(islice(older.items(), max(MOST_USERS - len(newer), 0)))
        self.dropped += len(older.keys() - newer.keys())


def attributes_of(context: Context, fields: Iterable[str]) -> dict[str, object]:
    """The fields that are kept, as JSON. One that is too long is left out: cut, it would be compared wrongly."""
    found: dict[str, object] = {}
    for field in fields:
        value = context.get(field)
        if value is not None and (kept := _kept(value)) is not None:
            found[_stored(field)] = kept
    return found


def _kept(value: object) -> Any:
    if isinstance(value, int | float) and abs(value) < LARGEST_NUMBER:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        texts = [_kept_text(each) for each in islice(value, MOST_VALUES)]
        return [each for each in texts if each is not None]
    return _kept_text(value)


def _kept_text(value: object) -> str | None:
    said = text(value)
    return _stored(said) if len(said) <= LONGEST_VALUE else None


def _write(store: Store, service: str, people: Mapping[str, dict[str, object]]) -> None:
    rows = {_stored(name): attributes for name, attributes in people.items()}
    seen = [{"user_id": name, "attributes": rows[name]} for name in sorted(rows)]
    store.execute("note_flag_presence", service=service, seen=seen)


def _stored(name: str) -> str:
    return str(replace_unstorable(name[:LONGEST_VALUE]))
