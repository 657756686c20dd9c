"""What each operator asks of a value. Every test takes text and answers; text that cannot be read is a no."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import re2
from semver import Version

from ops_client.errors import InvalidInput
from ops_client.flags.fields import moment
from ops_client.flags.rules import Constraint

TextTest = Callable[[str], bool]
Parser = Callable[[str], Any]

_EPOCH = re.compile(r"-?[0-9]{9,17}(\.[0-9]{1,9})?")
_EPOCH_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MILLISECONDS = 10**11
_LONGEST_PARSED = 256  # no address or version is longer, and the caches below must stay small


def text_test(constraint: Constraint) -> TextTest:
    """The test of one constraint, not inverted. Raises InvalidInput where the constraint makes no sense."""
    build = OPERATORS.get(constraint.operator)
    if build is None:
        raise InvalidInput("operator", f"this version does not know {constraint.operator!r}")
    return build(constraint)


def number(value: str) -> Decimal | None:
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


def version(value: str) -> Version | None:
    """A version in any usual spelling: a leading v is ignored, and missing parts are 0 (`v2`, `2.0`)."""
    return _version(value[1:] if value[:1] in ("v", "V") else value, True) if len(value) <= _LONGEST_PARSED else None


def strict_version(value: str) -> Version | None:
    """A version as Semantic Versioning 2.0.0 writes it."""
    return _version(value, False) if len(value) <= _LONGEST_PARSED else None


def instant(value: str) -> datetime | None:
    """A time: ISO 8601 (a date is its beginning, without a zone it is UTC), or a number of at least nine digits.

    That counts seconds since 1970; from twelve digits on, milliseconds.
    """
    if not _EPOCH.fullmatch(value):
        return moment(value)
    count = Decimal(value)
    seconds = count / 1000 if abs(count) >= _FIRST_MILLISECONDS else count
    try:
        return _EPOCH_BEGAN + timedelta(seconds=float(seconds))
    except OverflowError:
        return None


def address(value: str) -> IPv4Address | IPv6Address | None:
    """An address; IPv4 that comes mapped into IPv6 is read as IPv4."""
    return _address(value) if len(value) <= _LONGEST_PARSED else None


@lru_cache(1024)
def _version(value: str, may_lack_parts: bool) -> Version | None:
    try:
        return Version.parse(value, optional_minor_and_patch=may_lack_parts)
    except ValueError:
        return None


@lru_cache(1024)
def _address(value: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(value)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _member(constraint: Constraint) -> TextTest:
    if not constraint.case_insensitive:
        return frozenset(constraint.values).__contains__
    # Lower, here and below, as Unleash does: casefold would also take ß for ss.
    folded = frozenset(value.lower() for value in constraint.values)
    return lambda value: value.lower() in folded


def _prefix(constraint: Constraint) -> TextTest:
    values = _required(constraint)
    return _folding(constraint, lambda value: value.startswith(values))


def _suffix(constraint: Constraint) -> TextTest:
    values = _required(constraint)
    return _folding(constraint, lambda value: value.endswith(values))


def _part(constraint: Constraint) -> TextTest:
    values = _required(constraint)
    return _folding(constraint, lambda value: any(part in value for part in values))


def _regex(constraint: Constraint) -> TextTest:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not constraint.case_insensitive
    try:
        patterns = [re2.compile(pattern, options) for pattern in _required(constraint, fold=False)]
    except re2.error as error:
        # RE2's error message is bytes.
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise InvalidInput("values", f"is not a pattern that RE2 can read: {reason}") from error
    except UnicodeEncodeError as error:
        raise InvalidInput("values", "is not a pattern that RE2 can read: half a surrogate pair") from error

    def test(value: str) -> bool:
        try:
            return any(pattern.search(value) for pattern in patterns)
        except UnicodeEncodeError:
            return False

    return test


def _network(constraint: Constraint) -> TextTest:
    try:
        networks = [ip_network(value, strict=False) for value in _required(constraint, fold=False)]
    except ValueError as error:
        raise InvalidInput("values", f"{error}; write networks as 10.0.0.0/8 or 2001:db8::/32") from error

    def test(value: str) -> bool:
        found = address(value)
        return found is not None and any(found in network for network in networks)

    return test


def _ordered(
    parse_any: Parser, parse_strict: Parser, compare: Callable[[Any, Any], bool], what: str
) -> Callable[[Constraint], TextTest]:
    def build(constraint: Constraint) -> TextTest:
        parse = parse_strict if constraint.strict else parse_any
        limit = parse(constraint.values[0]) if len(constraint.values) == 1 else None
        if limit is None:
            raise InvalidInput("values", f"{constraint.operator} compares with exactly one {what}")

        def test(value: str) -> bool:
            parsed = parse(value)
            return parsed is not None and compare(parsed, limit)

        return test

    return build


def _required(constraint: Constraint, fold: bool = True) -> tuple[str, ...]:
    if not constraint.values:
        raise InvalidInput("values", f"{constraint.operator} needs at least one value")
    if fold and constraint.case_insensitive:
        return tuple(value.lower() for value in constraint.values)
    return constraint.values


def _folding(constraint: Constraint, test: TextTest) -> TextTest:
    if not constraint.case_insensitive:
        return test
    return lambda value: test(value.lower())


OPERATORS: dict[str, Callable[[Constraint], TextTest]] = {
    "IN": _member,
    "NOT_IN": _member,
    "STR_STARTS_WITH": _prefix,
    "STR_ENDS_WITH": _suffix,
    "STR_CONTAINS": _part,
    "REGEX": _regex,
    "CIDR": _network,
    "DATE_AFTER": _ordered(instant, moment, operator.gt, "date as ISO 8601"),
    "DATE_BEFORE": _ordered(instant, moment, operator.lt, "date as ISO 8601"),
}
for _suffix_name, _compare in (
    ("EQ", operator.eq),
    ("GT", operator.gt),
    ("GTE", operator.ge),
    ("LT", operator.lt),
    ("LTE", operator.le),
):
    OPERATORS[f"NUM_{_suffix_name}"] = _ordered(number, number, _compare, "number")
    OPERATORS[f"SEMVER_{_suffix_name}"] = _ordered(version, strict_version, _compare, "semantic version such as 2.1.0")
