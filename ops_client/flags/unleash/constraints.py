"""Unleash's constraints in our words. What neither of the two can follow is refused."""

from ipaddress import ip_network

from ops_client.errors import InvalidInput
from ops_client.flags.operators import text_test
from ops_client.flags.rules import constraint_from_json
from ops_client.flags.unleash.document import entry, items, written
from ops_client.flags.unleash.names import field

Constraint = dict[str, object]

_OF_SEVERAL = frozenset({"IN", "NOT_IN", "STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS", "IN_CIDR"})
_OF_ONE = frozenset(
    {"REGEX", "DATE_AFTER", "DATE_BEFORE"}
    | {f"{kind}_{than}" for kind in ("NUM", "SEMVER") for than in ("EQ", "GT", "GTE", "LT", "LTE")}
)


def constraint(raw: object) -> Constraint:
    """One constraint. Raises InvalidInput, naming the field, where it cannot be followed."""
    given = entry(raw, "constraints")
    operator, name = given.get("operator"), given.get("contextName")
    if not isinstance(name, str):
        raise InvalidInput("contextName", "is text")
    if not isinstance(operator, str):
        raise InvalidInput("operator", "is text")
    if operator in _OF_SEVERAL:
        values = items(given, "values", "values")
    elif operator in _OF_ONE:
        values = [_value(given.get("value"), operator)]
    else:
        raise InvalidInput("operator", f"Unleash has none that is called {operator!r}")
    made: Constraint = {"field": field(name), "operator": operator, "values": values}
    made = among(made) if operator == "IN_CIDR" else made
    # Our own read versions and times in more spellings than Unleash does.
    made |= {"strict": True} if operator.startswith(("SEMVER_", "DATE_")) else {}
    made |= written({"inverted": given.get("inverted"), "case_insensitive": given.get("caseInsensitive")})
    text_test(constraint_from_json(made))
    return made


def among(of: Constraint) -> Constraint:
    """A constraint on addresses. Of its values those that are no network hold for nobody, as in Unleash."""
    values = of["values"]
    networks = [value for value in values if _is_network(value)] if isinstance(values, list) else []
    return {**of, "operator": "CIDR" if networks else "IN", "values": networks}


def _value(value: object, operator: str) -> object:
    if value is None:
        raise InvalidInput("value", f"{operator} compares with exactly one")
    return value


def _is_network(value: object) -> bool:
    try:
        ip_network(str(value), strict=False)
    except ValueError:
        return False
    return True
