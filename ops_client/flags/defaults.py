"""`OPS_FLAG_<NAME>=on|off|<percent>`: the answer for a flag that the database does not define."""

import logging
import re
from collections.abc import Mapping
from decimal import Decimal

from ops_client.errors import InvalidInput
from ops_client.flags import fields
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.context import Context, Matcher
from ops_client.flags.rules import FlagDefinition, Rule

logger = logging.getLogger("ops_client")
PREFIX = "OPS_FLAG_"
_NOT_WORD = re.compile(r"[^A-Z0-9]+")


class EnvironmentDefaults:
    """The environment's flags, read once. A value that is neither on, off nor a percentage is logged and left out."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.values = {key: value for key, value in environment.items() if key.startswith(PREFIX)}
        definitions = [found for key, value in self.values.items() if (found := _definition(key, value))]
        self._flags = compile_snapshot(definitions, 0)

    def answer(self, name: str, context: Context, default: bool) -> bool:
        """What the environment says of a flag, else `default`."""
        return self._flags.is_enabled(variable(name), context, default) if self.values else default

    def matcher(self, name: str) -> Matcher | None:
        """What answers for a flag that the environment knows."""
        flag = self._flags.flags.get(variable(name)) if self.values else None
        return None if flag is None else flag.is_on


def variable(name: str) -> str:
    """The environment variable of a flag: `new-player` is read from OPS_FLAG_NEW_PLAYER."""
    return PREFIX + _NOT_WORD.sub("_", name.upper())


def _definition(key: str, value: str) -> FlagDefinition | None:
    word = value.strip().lower()
    if word in {"on", "off"}:
        return FlagDefinition(key, everyone=word == "on")
    try:
        percent: Decimal = fields.percentage(word)
    except InvalidInput:
        logger.warning("ops_client: %s is neither on, off nor a percentage from 0 to 100; it is ignored.", key)
        return None
    return FlagDefinition(key, rules=(Rule(name="percent", percent=percent),))
