"""What an API token may be used for. Each scope names a part of the console, and reading or changing it."""

from collections.abc import Iterable

from ops_console.access.roles import Role, reaches
from ops_console.errors import InvalidInput

SCOPES = {
    "flags:read": "Read flags, segments and their usage; ask why",
    "flags:write": "Change flags and segments",
    "operations:read": "Read operations and actions",
    "operations:write": "Retry, fail and resolve operations",
    "quotas:read": "Read quotas and usage",
    "quotas:write": "Change overrides and, as an admin, policies",
    "breakers:read": "Read circuit breakers",
    "breakers:write": "Force breakers open or closed",
    "audit:read": "Read the audit",
    "system:read": "Read which processes run",
    "system:write": "Remove processes that will not come back",
}


def role_of(scope: str) -> Role:
    """The least role that a token with this scope acts as."""
    return Role.OPERATOR if scope.endswith(":write") else Role.VIEWER


def checked(scopes: Iterable[str], role: str) -> list[str]:
    """The scopes in their order, each once. Raises InvalidInput for none, an unknown one, or one beyond the role."""
    chosen = set(scopes)
    unknown = sorted(chosen - set(SCOPES))
    if unknown or not chosen:
        said = f"There is no scope {unknown[0]}." if unknown else "Choose at least one scope."
        raise InvalidInput("scopes", f"{said} A scope is one of {', '.join(SCOPES)}.")
    for scope in SCOPES:
        if scope in chosen and not reaches(role, role_of(scope)):
            raise InvalidInput(
                "scopes", f"{scope} needs a token that acts as {role_of(scope)}; this one acts as {role}."
            )
    return [scope for scope in SCOPES if scope in chosen]
