"""What live backend processes report about a flag: their default for it, and which of its rules they cannot follow."""

from dataclasses import dataclass

from ops_client.flags.defaults import variable
from ops_console.contract.models import Instance
from ops_console.contract.queries import live_instances


@dataclass(frozen=True)
class Said:
    """One process and what it says: the value of its OPS_FLAG_ variable, or a problem with the flag's definition."""

    instance: Instance
    text: str


# A fleet of thousands says the same thing; a page shows some of them.
SHOWN = 50


def defaults_of(name: str) -> list[Said]:
    """Processes whose environment holds a default of this flag, for when the database does not define it."""
    key = variable(name)
    found = live_instances().filter(flag_defaults__has_key=key)[:SHOWN]
    # A backend's role can write any JSON there.
    return [Said(each, str(each.flag_defaults[key])) for each in found if isinstance(each.flag_defaults, dict)]


def problems_of(name: str) -> list[Said]:
    """Processes that cannot follow something of this flag, and what; a rule that they cannot follow is off there."""
    return [
        Said(instance, f"{problem.get('rule', '')}: {problem.get('message', '')}"[:500])
        for instance in live_instances().filter(problems__contains=[{"flag": name}])[:SHOWN]
        for problem in instance.problems
        if isinstance(problem, dict) and problem.get("flag") == name
    ][:SHOWN]


def with_defaults() -> list[Instance]:
    """Processes whose environment holds defaults of any flag."""
    return [each for each in live_instances().exclude(flag_defaults={})[:SHOWN] if isinstance(each.flag_defaults, dict)]
