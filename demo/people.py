"""Who is asking: users by id or mail, remembered while the database is away."""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from demo.database import Database, DatabaseAway

FRESH_SECONDS = 10.0
KEPT = 5_000
COLUMNS = 'SELECT id::text, email, tier, first_name FROM public."user"'
BY_ID = COLUMNS + " WHERE id = %(key)s::uuid"
BY_MAIL = COLUMNS + " WHERE email = %(key)s"
# A random start in a random key: a sample that reads `limit` rows of the primary key.
SAMPLE = COLUMNS + " WHERE id >= gen_random_uuid() AND is_active ORDER BY id LIMIT %(limit)s"


@dataclass(frozen=True)
class Person:
    """A user of the podcast; `email` and `tier` are None where only the id could be known."""

    id: str
    email: str | None
    tier: str | None
    first_name: str | None

    def context(self) -> dict[str, str]:
        """The attributes that flag rules may ask for."""
        known = {"user_id": self.id, "email": self.email, "tier": self.tier}
        return {name: value for name, value in known.items() if value}


class People:
    """Finds users; a user seen before is found without the database as well."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: OrderedDict[str, tuple[float, Person | None]] = OrderedDict()

    def find(self, key: str) -> Person | None:
        """The user with this id or mail, None where there is none.

        With the database away: what was seen last, else a bare id, else DatabaseAway.
        """
        seen = self._seen.get(key)
        if seen and monotonic() - seen[0] < FRESH_SECONDS:
            return seen[1]
        try:
            return self._remember(key, self._read(key))
        except DatabaseAway:
            if seen:
                return self._remember(key, seen[1])
            if is_uuid(key):
                return Person(key, None, None, None)
            raise

    def sample(self, limit: int) -> list[Person]:
        return [Person(**row) for row in self._database.fetch(SAMPLE, {"limit": limit})]

    def _read(self, key: str) -> Person | None:
        rows = self._database.fetch(BY_ID if is_uuid(key) else BY_MAIL, {"key": key})
        return Person(**rows[0]) if rows else None

    def _remember(self, key: str, person: Person | None) -> Person | None:
        self._seen[key] = (monotonic(), person)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return person


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
