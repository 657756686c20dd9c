"""Between the JSON that flags keep and the rows of the editor, both ways. Pure.

What the editor has no rows for (written by hand, or by a newer version) is shown as JSON and kept as it is. Defaults
are not written down: a rule that is saved unchanged is the same document.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flags.editor.fields import SINGLE, USER_ID, for_input, from_input, operator_of
from flags.editor.rows import Row
from ops_client.errors import InvalidInput as Unreadable
from ops_client.flags.rules import NORMALISER, constraint_from_json
from ops_console.errors import InvalidInput

_RULE = {"name", "constraints", "segments", "percent", "stickiness", "group", "normaliser", "variants"}
_VARIANT = {"name", "weight", "payload", "stickiness", "overrides"}
_PREREQUISITE = {"flag", "state", "variants"}
_PLACE = re.compile(r"(rule|constraint|variant|prerequisite) ([0-9]{1,4})")
Document = dict[str, Any]


def show_rules(owner: Row, rules: Any) -> None:
    """Add a row for each rule of a flag."""
    for raw in _list(rules):
        row = owner.add("rule")
        if _has_shape(raw, _RULE) and all(_is_constraint(each) for each in _list(raw.get("constraints"))):
            _show_rule(row, raw)
        else:
            row.values["json"] = [_dump(raw)]


def _show_rule(row: Row, raw: Mapping[str, Any]) -> None:
    for name in ("name", "stickiness", "group", "normaliser"):
        row.values[name] = [str(raw.get(name) or "")]
    row.values["percent"] = [str(raw.get("percent", 100))]
    row.values["segments"] = [str(name) for name in _list(raw.get("segments"))]
    show_constraints(row, raw.get("constraints"))
    show_variants(row, raw.get("variants"))


def show_constraints(owner: Row, constraints: Any) -> None:
    """Add a row for each constraint of a rule or a segment."""
    for raw in _list(constraints):
        if not _is_constraint(raw):
            owner.add("constraint", json=_dump(raw))
            continue
        values = [str(value) for value in _list(raw.get("values"))]
        row = owner.add("constraint", field=str(raw["field"]), operator=str(raw["operator"]))
        row.values["values"] = [for_input(operator_of(str(raw["operator"])).kind, values)]
        for name in ("inverted", "case_insensitive"):
            row.values[name] = ["on"] if raw.get(name) else []


def show_variants(owner: Row, variants: Any) -> None:
    """Add a row for each variant of a flag or a rule."""
    for raw in _list(variants):
        if not _has_shape(raw, _VARIANT) or not isinstance(raw.get("payload") or {}, Mapping):
            owner.add("variant", json=_dump(raw))
            continue
        payload = raw.get("payload") or {}
        texts = {name: raw.get(name) for name in ("name", "weight", "stickiness")}
        texts |= {"payload_type": payload.get("type"), "payload": payload.get("value")}
        row = owner.add("variant", **{name: "" if value is None else str(value) for name, value in texts.items()})
        for override in filter(lambda each: isinstance(each, Mapping), _list(raw.get("overrides"))):
            lines = "\n".join(map(str, _list(override.get("values"))))
            row.add("override", field=str(override.get("field", "")), values=lines)


def show_prerequisites(owner: Row, prerequisites: Any) -> None:
    """Add a row for each prerequisite of a flag."""
    for raw in _list(prerequisites):
        if not _has_shape(raw, _PREREQUISITE):
            owner.add("prerequisite", json=_dump(raw))
            continue
        variants = "\n".join(map(str, _list(raw.get("variants"))))
        owner.add("prerequisite", flag=str(raw.get("flag", "")), state=str(raw.get("state") or "on"), variants=variants)


def rules(owner: Row) -> list[Document]:
    """The rules' documents. Raises InvalidInput for a row's JSON that cannot be read; services check the rest."""
    return [_of_row(row, _rule) for row in owner.of("rule")]


def constraints(owner: Row) -> list[Document]:
    """The constraints' documents; rows that nothing was typed into are left out. Raises as `rules` does."""
    return [_of_row(row, _constraint) for row in filled(owner, "constraint")]


def variants(owner: Row) -> list[Document]:
    """The variants' documents; as `constraints`."""
    return [_of_row(row, _variant) for row in filled(owner, "variant")]


def prerequisites(owner: Row) -> list[Document]:
    """The prerequisites' documents; as `constraints`."""
    return [_of_row(row, _prerequisite) for row in filled(owner, "prerequisite")]


def filled(owner: Row, kind: str) -> list[Row]:
    """The rows that become documents, in their order. A rule says something without a word: everybody."""
    wanted = ("json", "field", "values", "name", "payload", "flag")
    rows = owner.of(kind)
    return [row for row in rows if kind == "rule" or any(row.text.get(name, "").strip() for name in wanted)]


def place(root: Row, message: str) -> None:
    """Mark the row that a refusal names: `rule 2, constraint 1: ...`."""
    row = root
    for kind, number in _PLACE.findall(message.partition(": ")[0]):
        rows = filled(row, kind)
        if not 0 < int(number) <= len(rows):
            return
        row = rows[int(number) - 1]
    row.error = message if row is not root else ""


def _rule(row: Row) -> Document:
    text, percent = row.text, _number(row.text.get("percent", "").strip() or "100")
    parts: Document = {
        "name": text.get("name", "").strip(),
        "constraints": constraints(row),
        "segments": [name for name in row.values.get("segments", []) if name],
        "percent": None if percent == 100 else percent,
        "stickiness": "" if text.get("stickiness") == USER_ID else text.get("stickiness", "").strip(),
        "group": text.get("group", "").strip(),
        "normaliser": "" if text.get("normaliser") == NORMALISER else text.get("normaliser", ""),
        "variants": variants(row),
    }
    return {name: value for name, value in parts.items() if value or (name == "percent" and value == 0)}


def _constraint(row: Row) -> Document:
    text, kind = row.text, operator_of(row.text.get("operator") or "IN").kind
    given = text.get("values", "").strip()
    values = [from_input(kind, given)] if kind in SINGLE and given else row.lines("values")
    document: Document = {"field": text.get("field", "").strip(), "operator": text.get("operator") or "IN"}
    document["values"] = values
    return document | {name: True for name in ("inverted", "case_insensitive") if row.values.get(name)}


def _variant(row: Row) -> Document:
    text = row.text
    document: Document = {
        "name": text.get("name", "").strip(),
        "weight": _number(text.get("weight", "").strip() or "0"),
    }
    if text.get("payload_type"):
        document["payload"] = {"type": text["payload_type"], "value": text.get("payload", "")}
    if text.get("stickiness", "").strip():
        document["stickiness"] = text["stickiness"].strip()
    overrides = [(each.text.get("field", "").strip(), each.lines("values")) for each in row.of("override")]
    if kept := [{"field": name, "values": values} for name, values in overrides if name and values]:
        document["overrides"] = kept
    return document


def _prerequisite(row: Row) -> Document:
    text = row.text
    document: Document = {"flag": text.get("flag", "").strip()}
    if text.get("state") == "off":
        document["state"] = "off"
    if wanted := row.lines("variants"):
        document["variants"] = wanted
    return document


def _of_row(row: Row, read: Callable[[Row], Document]) -> Any:
    if not row.text.get("json"):
        return read(row)
    try:
        return json.loads(row.text["json"])
    except (ValueError, RecursionError) as error:
        row.error = f"This is not JSON: {error}."
        raise InvalidInput("rules", row.error) from error


def _dump(raw: Any) -> str:
    return json.dumps(raw, indent=1, ensure_ascii=False)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_shape(raw: Any, known: Iterable[str]) -> bool:
    return isinstance(raw, Mapping) and not raw.keys() - set(known)


def _is_constraint(raw: Any) -> bool:
    try:
        constraint_from_json(raw)
    except Unreadable:
        return False
    return True


def _number(text: str) -> int | float | str:
    """What JSON keeps of a number that was typed; other text as it is, for the services to refuse."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    return int(number) if number == int(number) else float(number)
