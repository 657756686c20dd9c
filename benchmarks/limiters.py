"""Who takes part in the quotas benchmark: each made in the process that asks, as its own documentation says.

The limit is one that nobody reaches, so that all do the same work; every one of them could be reached.
"""

import os
from collections.abc import Callable

LIMIT, WINDOW_SECONDS = 10_000_000, 60
RESOURCE = "bench_calls"

Decide = Callable[[str], bool]


def floor(database: str, valkey: str) -> Decide:
    """What no way over PostgreSQL can go below: one prepared statement that does nothing."""
    import psycopg

    connection = psycopg.connect(database, autocommit=True)
    return lambda user: connection.execute("SELECT 1", prepare=True).fetchone() is not None


def ours(database: str, valkey: str) -> Decide:
    """As a backend uses it, threads included."""
    from ops_client import OpsClient

    client = OpsClient(database, service="bench", snapshot_path=None).start()
    return lambda user: client.quotas.hit(RESOURCE, user, tier="pro").allowed


def statement(database: str, valkey: str) -> Decide:
    """Our statement alone, as the floor is asked: prepared, on a bare connection, nothing made of its answer."""
    import psycopg

    from ops_client.sql import statements

    connection, text = psycopg.connect(database, autocommit=True), statements()["quota_hit"].encode()
    asked = {"resource": RESOURCE, "tier": "pro", "cost": None}
    return lambda user: connection.execute(text, {**asked, "user_id": user}, prepare=True).fetchone() is not None


def unleased(database: str, valkey: str) -> Decide:
    """The same with every call asked of the database."""
    from ops_client import OpsClient
    from ops_client.quotas import permits

    permits.HOT_CALLS = 10**9
    client = OpsClient(database, service="bench", snapshot_path=None).start()
    return lambda user: client.quotas.hit(RESOURCE, user, tier="pro").allowed


def limits_sliding(database: str, valkey: str) -> Decide:
    from limits import RateLimitItemPerMinute
    from limits.storage import storage_from_string
    from limits.strategies import SlidingWindowCounterRateLimiter

    item, limiter = (
        RateLimitItemPerMinute(LIMIT),
        SlidingWindowCounterRateLimiter(storage_from_string(f"redis+{valkey}")),
    )
    return lambda user: limiter.hit(item, user)


def limits_moving(database: str, valkey: str) -> Decide:
    from limits import RateLimitItemPerMinute
    from limits.storage import storage_from_string
    from limits.strategies import MovingWindowRateLimiter

    item, limiter = RateLimitItemPerMinute(LIMIT), MovingWindowRateLimiter(storage_from_string(f"redis+{valkey}"))
    return lambda user: limiter.hit(item, user)


def ratelimit(database: str, valkey: str) -> Decide:
    """django-ratelimit on Django's own cache over Valkey."""
    import django
    from django.conf import settings

    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": valkey}
    settings.configure(CACHES={"default": cache}, USE_TZ=True)
    django.setup()
    from django.http import HttpRequest
    from django_ratelimit.core import is_ratelimited

    request = HttpRequest()

    def decide(user: str) -> bool:
        key = lambda group, asking: user  # noqa: E731 - its own way to name a key
        return not is_ratelimited(request, group="bench", key=key, rate=f"{LIMIT}/m", increment=True)

    return decide


def pyrate(database: str, valkey: str) -> Decide:
    """pyrate-limiter on PostgreSQL: a table a key, so that it can be asked for few keys alone."""
    from psycopg_pool import ConnectionPool
    from pyrate_limiter import Duration, Limiter, PostgresBucket, Rate

    pool: ConnectionPool = ConnectionPool(database, min_size=1, max_size=4, open=True)
    limiters: dict[str, Limiter] = {}

    def decide(user: str) -> bool:
        if user not in limiters:
            limiters[user] = Limiter(PostgresBucket(pool, f"bench_{user}", [Rate(LIMIT, Duration.MINUTE)]))
        return bool(limiters[user].try_acquire(user, blocking=False))

    return decide


MAKERS: dict[str, Callable[[str, str], Decide]] = {
    "floor": floor,
    "ours": ours,
    "ours, unleased": unleased,
    "ours, the statement": statement,
    "limits, sliding counter on Valkey": limits_sliding,
    "limits, moving window on Valkey": limits_moving,
    "django-ratelimit on Valkey": ratelimit,
    "pyrate-limiter on PostgreSQL": pyrate,
}
DISTRIBUTIONS = {"limits": "limits", "django-ratelimit": "django-ratelimit", "pyrate-limiter": "pyrate-limiter"}
FEW_KEYS_ONLY = frozenset({"pyrate-limiter on PostgreSQL"})


def servers() -> tuple[str, str]:
    """Where both are, for a superuser: peers make tables of their own."""
    from demo.dsn import connection_info

    return connection_info(os.environ["DATABASE_URL"]), os.environ["REDIS_URL"]
