"""The client's statements and the code that names them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from embedded import paths
from ops_client.sql import statements

CLIENT = paths.ROOT / "ops_client"


def test_every_statement_is_used() -> None:
    """A statement that nothing names is dead, and would be granted and tested for nobody."""
    texts = set(literals(CLIENT))
    assert sorted(set(statements()) - texts) == []


def test_every_named_statement_is_there() -> None:
    """What the client asks a store for by name stands in one of its SQL files."""
    asked = {
        name
        for file in CLIENT.rglob("*.py")
        if file.name not in ("store.py", "connections.py")
        for name in asked_for(file)
    }
    assert asked
    assert sorted(asked - set(statements())) == []


def literals(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def asked_for(file: Path) -> Iterator[str]:
    """The names in `.fetch("...")` and `.execute("...")`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if node.func.attr in {"fetch", "execute"} and isinstance(first, ast.Constant):
                yield str(first.value)
