"""Rows within rows, as a form posts them: `rule-0-constraint-2-field` is a field of row 2 of row 0. Pure.

Rows stand in the order in which their fields were posted, which is their order on the page, however they were moved
there. A row keeps its key for as long as it is edited, so that focus stays with it when the editor is drawn again.
"""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field

KINDS = ("rule", "constraint", "variant", "override", "prerequisite")
MOST_ROWS = 200
_KEY = re.compile(r"[0-9]{1,6}")


@dataclass
class Row:
    """`path` begins the names of its fields; `values` holds what each field posted; `error` is what is wrong."""

    path: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list["Row"]] = field(default_factory=dict)
    error: str = ""

    @property
    def text(self) -> dict[str, str]:
        """Each field's last value."""
        return {name: given[-1] for name, given in self.values.items() if given}

    @property
    def key(self) -> str:
        return self.path.rpartition("-")[2]

    def of(self, kind: str) -> list["Row"]:
        return self.rows.setdefault(kind, [])

    def lines(self, name: str) -> list[str]:
        """The lines of a text area, without empty ones and those that stand twice."""
        return list(dict.fromkeys(line.strip() for line in self.text.get(name, "").splitlines() if line.strip()))

    def add(self, kind: str, **texts: str) -> "Row":
        """A new last row of this kind."""
        siblings = self.of(kind)
        number = max((int(row.key) for row in siblings), default=-1) + 1
        row = Row(_join(self.path, kind, str(number)), {name: [value] for name, value in texts.items()})
        siblings.append(row)
        return row

    def everywhere(self) -> Iterator["Row"]:
        """This row and all below it."""
        yield self
        for rows in self.rows.values():
            for row in rows:
                yield from row.everywhere()


def parse(posted: Iterable[tuple[str, list[str]]]) -> Row:
    """The rows of a posted form below one root. Names that are none of ours are left out.

    Browsers end each line of a text area with CR LF, whatever it was given.
    """
    root = Row()
    for name, values in posted:
        *steps, last = name.split("-")
        row = _at(root, steps) if len(steps) % 2 == 0 else None
        if row is not None:
            row.values[last] = [value.replace("\0", "").replace("\r\n", "\n") for value in values]
    return root


def _at(root: Row, steps: list[str]) -> Row | None:
    row = root
    for kind, key in zip(steps[::2], steps[1::2], strict=True):
        if kind not in KINDS or not _KEY.fullmatch(key):
            return None
        found = next((each for each in row.of(kind) if each.key == key), None)
        if found is None:
            if len(row.of(kind)) >= MOST_ROWS:
                return None
            found = Row(_join(row.path, kind, key))
            row.of(kind).append(found)
        row = found
    return row


def obey(root: Row, order: str) -> None:
    """Do what a button says: `add rule`, `add rule-0-constraint`, `remove|copy|up|down rule-0`. Else nothing."""
    verb, _, path = order.partition(" ")
    above, _, last = path.rpartition("-")
    if verb == "add":
        owner = _find(root, above)
        if owner is not None and last in KINDS and len(owner.of(last)) < MOST_ROWS:
            owner.add(last)
        return
    owner, siblings, index = _place(root, path)
    if owner is None:
        return
    if verb == "remove":
        del siblings[index]
    elif verb == "copy" and len(siblings) < MOST_ROWS:
        siblings.insert(index + 1, _copied(owner, siblings[index]))
    elif verb in ("up", "down"):
        to = index + (1 if verb == "down" else -1)
        siblings.insert(min(max(to, 0), len(siblings) - 1), siblings.pop(index))


def _place(root: Row, path: str) -> tuple[Row | None, list[Row], int]:
    """Whose row it is, among which, and where."""
    steps = path.split("-")
    owner = _find(root, "-".join(steps[:-2]))
    siblings = owner.rows.get(steps[-2], []) if owner is not None and len(steps) > 1 else []
    index = next((number for number, row in enumerate(siblings) if row.path == path), -1)
    return (owner, siblings, index) if index >= 0 else (None, [], -1)


def _copied(owner: Row, row: Row) -> Row:
    kind = row.path.split("-")[-2]
    fresh = owner.add(kind)
    owner.of(kind).remove(fresh)
    copy = deepcopy(row)
    for each in copy.everywhere():
        each.path = fresh.path + each.path.removeprefix(row.path)
    return copy


def _find(root: Row, path: str) -> Row | None:
    return next((row for row in root.everywhere() if row.path == path), None)


def _join(*parts: str) -> str:
    return "-".join(part for part in parts if part)
