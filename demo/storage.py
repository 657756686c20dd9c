"""What a user has stored, as the limits count it: in bytes, and in seconds of audio that is kept."""

from collections.abc import Mapping

from demo.database import Database
from ops_client.client import OpsClient

BYTES, AUDIO = "storage_bytes", "audio_kept"
# At the quality in which recordings are kept: 100 MB an hour.
BYTES_A_SECOND = 27_778

# Everything counts by its size; a second of audio is a second of a main recording.
MEASURE = """
SELECT user_id::text, coalesce(sum(filesize), 0)::bigint AS storage_bytes,
       coalesce(sum(greatest(1, filesize / %(bytes_a_second)s)) FILTER (WHERE category = 'main_content'), 0)::bigint
           AS audio_kept
FROM public.mediaitem WHERE %(user_id)s::uuid IS NULL OR user_id = %(user_id)s::uuid
GROUP BY user_id
"""


def seconds_of(size_bytes: int) -> int:
    """How long a recording of this size is."""
    return max(1, size_bytes // BYTES_A_SECOND)


def measure_for(ops: OpsClient, database: Database) -> None:
    """Let the console ask what is really stored."""
    ops.quotas.measure(BYTES, lambda user_id: _measured(database, BYTES, user_id))
    ops.quotas.measure(AUDIO, lambda user_id: _measured(database, AUDIO, user_id))


def _measured(database: Database, resource: str, user_id: str | None) -> Mapping[str, int]:
    rows = database.fetch(MEASURE, {"bytes_a_second": BYTES_A_SECOND, "user_id": user_id})
    return {row["user_id"]: row[resource] for row in rows}
