"""What every benchmark prints: our figure, the peers', the floor of the same run, and the machine. Lower is better."""

import argparse
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg

from demo.dsn import MAINTENANCE_DATABASE, connection_info


@dataclass(frozen=True)
class Peer:
    """Somebody else's figure for the same work, in the same unit."""

    name: str
    version: str
    value: float


@dataclass(frozen=True)
class Result:
    """One benchmark. `floor` is the physical limit, measured in the same run; `details` are further figures."""

    name: str
    unit: str
    ours: float
    floor: float
    peers: list[Peer] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Everything, with the best peer and how many times better ours is than it."""
        best = min(self.peers, key=lambda peer: peer.value, default=None)
        return {
            **asdict(self),
            "best_peer": best.name if best else None,
            "ratio": round(best.value / self.ours, 2) if best else None,
            "machine": machine(),
        }


def version_of(distribution: str) -> str:
    """The installed version of a peer. Raises PackageNotFoundError."""
    return metadata.version(distribution)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgres": _postgres_version(),
        "load_1_minute": round(os.getloadavg()[0], 2),
    }


def print_result(result: Result) -> None:
    """A small table, or with --json on the command line one object on the last line."""
    parser = argparse.ArgumentParser(description=f"Benchmark {result.name}.")
    parser.add_argument("--json", action="store_true")
    facts = result.facts()
    print(json.dumps(facts) if parser.parse_args().json else table(facts))


def table(facts: dict[str, Any]) -> str:
    """The same for people."""
    rows = [("ours", facts["ours"]), ("floor", facts["floor"])]
    rows += [(f"{peer['name']} {peer['version']}", peer["value"]) for peer in facts["peers"]]
    lines = [f"{name:<36}{value:>12.3f} {facts['unit']}" for name, value in rows]
    lines += [f"{name:<36}{value!s:>12}" for name, value in facts["details"].items()]
    if facts["best_peer"]:
        lines.append(f"{facts['ratio']} times better than {facts['best_peer']}, the best of the others.")
    here = ", ".join(f"{name} {value}" for name, value in facts["machine"].items())
    return "\n".join([f"{facts['name']} ({here})", *lines])


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _postgres_version() -> str | None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        return None
    with psycopg.connect(connection_info(url, database=MAINTENANCE_DATABASE)) as connection:
        return str(connection.info.parameter_status("server_version")).split()[0]
