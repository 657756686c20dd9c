"""docs/howto/flags.md, followed as it stands."""

import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from embedded import paths
from flags import services
from flags.models import Flag, State
from flags.seed import seed
from flags.segment_services import create_segment
from ops_client import OpsClient
from ops_client.testing import MemoryStore
from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from tests.people import person

pytestmark = pytest.mark.django_db
HOWTO = (paths.ROOT / "docs/howto/flags.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HOWTO, re.DOTALL)


def test_its_code_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What a reader copies asks for flags, gets a variant and an explanation, and its test passes."""
    asking, testing = blocks("python")
    flags: list[dict[str, Any]] = [
        {"name": "new_player", "everyone": True},
        {"name": "player_theme", "rules": [{}], "variants": json.loads(blocks("json")[1])},
    ]
    store = MemoryStore({"flags": flags})
    monkeypatch.setattr(
        "ops_client.OpsClient", lambda service: OpsClient("", service=service, store=store, snapshot_path=None)
    )
    names: dict[str, Any] = {}
    exec(compile(asking, "flags.md", "exec"), names)
    names["ops"].close()
    assert (names["theme"].name, names["colour"]) == ("midnight", "#243b6b")
    assert "new_player is on" in capsys.readouterr().out
    monkeypatch.undo()
    exec(compile(testing, "flags.md", "exec"), {})


def test_its_documents_can_be_saved() -> None:
    """The rule and the variants that it shows are accepted as they are written."""
    create_segment(SYSTEM, "paying", {})
    rule, variants = map(json.loads, blocks("json"))
    services.create(SYSTEM, "shown", {"rules": [rule], "variants": variants})
    services.create(SYSTEM, "child", {"prerequisites": [{"flag": "shown", "state": "on", "variants": ["midnight"]}]})


def test_its_shell_lines_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the demo's flags every line does what it says."""
    seed()
    person(Role.OPERATOR, "operator")
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("sh")).splitlines():
        _python, _manage, command, *arguments = shlex.split(line)
        file = arguments[arguments.index(">") + 1] if ">" in arguments else ""
        out = StringIO()
        call_command(command, *(arguments[: arguments.index(">")] if file else arguments), stdout=out)
        if file:
            Path(file).write_text(out.getvalue())
    flag = Flag.objects.get(name="new_player")
    assert (flag.state, flag.percent) == (State.ON, 25)
    assert "0 changed, 2 same, 0 refused" in out.getvalue()
