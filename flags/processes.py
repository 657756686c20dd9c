"""What living backend processes say of a flag: their answer without it, and what of it they cannot follow."""

from dataclasses import dataclass

from ops_client.flags.defaults import variable
from ops_console.contract.models import Instance
from ops_console.contract.queries import live_instances


@dataclass(frozen=True)
class Said:
    """One process and what it says: the value of its OPS_FLAG_ variable, or a problem with the flag's definition."""

    instance: Instance
    text: str


def defaults_of(name: str) -> list[Said]:
    """Processes whose environment holds a default of this flag, for when the database does not define it."""
    key = variable(name)
    return [
        Said(instance, str(instance.flag_defaults[key]))
        for instance in live_instances().filter(flag_defaults__has_key=key)
    ]


def problems_of(name: str) -> list[Said]:
    """Processes that cannot follow something of this flag, and what; a rule that they cannot follow is off there."""
    return [
        Said(instance, f"{problem.get('rule', '')}: {problem.get('message', '')}")
        for instance in live_instances().filter(problems__contains=[{"flag": name}])
        for problem in instance.problems
        if problem.get("flag") == name
    ]


def with_defaults() -> list[Instance]:
    """Processes whose environment holds defaults of any flag."""
    return list(live_instances().exclude(flag_defaults={}))
