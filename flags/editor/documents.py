"""Between the JSON that flags keep and the rows of the editor, both ways. Pure, but for the viewer's time zone.

What the editor has no rows for (written by hand, or by a newer version) is shown as JSON and kept as it is. Defaults
are not written. A document that the rows alone would not give back exactly, such as `{"values": [true]}` or one that
states a default, travels with its row (`was`): what nobody edited is saved as it was.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone

from flags.editor.fields import SINGLE, USER_ID, for_input, from_input, operator_of
from flags.editor.rows import Row
from ops_client.errors import InvalidInput as Unreadable
from ops_client.flags.fields import scalar
from ops_client.flags.prerequisites import prerequisite_from_json
from ops_client.flags.rules import NORMALISER, constraint_from_json, rule_from_json
from ops_client.flags.variants import variant_from_json
from ops_client.json_types import same_json
from ops_client.text import is_storable
from ops_console.errors import InvalidInput

_PLACE = re.compile(r"(rule|constraint|variant|prerequisite) ([0-9]{1,4})")
BLANK_WEIGHT = "1"  # what the field's placeholder says
_SWITCHES = ("inverted", "case_insensitive", "strict")
Document = dict[str, Any]


def show_rules(owner: Row, rules: Any) -> None:
    """Add a row for each rule of a flag."""
    for raw in _list(rules):
        _show(owner, "rule", raw)


def show_constraints(owner: Row, constraints: Any) -> None:
    """Add a row for each constraint of a rule or a segment."""
    for raw in _list(constraints):
        _show(owner, "constraint", raw)


def show_variants(owner: Row, variants: Any) -> None:
    """Add a row for each variant of a flag or a rule."""
    for raw in _list(variants):
        _show(owner, "variant", raw)


def show_prerequisites(owner: Row, prerequisites: Any) -> None:
    """Add a row for each prerequisite of a flag."""
    for raw in _list(prerequisites):
        _show(owner, "prerequisite", raw)


def rules(owner: Row) -> list[Document]:
    """The rules' documents. Raises InvalidInput for a row's JSON that cannot be read; services check the rest."""
    return [_document(row, "rule") for row in owner.of("rule")]


def constraints(owner: Row) -> list[Document]:
    """The constraints' documents; rows that nothing was typed into are left out. Raises as `rules` does."""
    return [_document(row, "constraint") for row in filled(owner, "constraint")]


def variants(owner: Row) -> list[Document]:
    """The variants' documents; as `constraints`."""
    return [_document(row, "variant") for row in filled(owner, "variant")]


def prerequisites(owner: Row) -> list[Document]:
    """The prerequisites' documents; as `constraints`."""
    return [_document(row, "prerequisite") for row in filled(owner, "prerequisite")]


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


def _show(owner: Row, kind: str, raw: Any) -> None:
    """Add the row of one document: its fields; its JSON where it has no fields, or they would not give it back."""
    fill, read, check = _KINDS[kind]
    row = owner.add(kind)
    try:
        check(raw)
        fill(row, raw)
    except Unreadable:
        row.values, row.rows = {"json": [json.dumps(raw, indent=1, ensure_ascii=False)]}, {}
        return
    if not same_json(read(row), raw):
        row.values["was"] = [json.dumps(raw)]


def _document(row: Row, kind: str) -> Any:
    """The document of a row: of what it was, whatever the fields still say the same of."""
    if row.text.get("json"):
        return _parsed(row)
    _, read, _ = _KINDS[kind]
    now, was = read(row), _was(row)
    if not was:
        return now
    shown = Row()
    _show(shown, kind, was)
    if "json" in shown.of(kind)[0].values:
        return now
    before = read(shown.of(kind)[0])
    kept = {name: value for name, value in was.items() if name in now or name not in before}
    return kept | {
        name: value for name, value in now.items() if name not in before or not same_json(value, before[name])
    }


def _fill_rule(row: Row, raw: Mapping[str, Any]) -> None:
    for name in ("name", "stickiness", "group", "normaliser"):
        row.values[name] = [_line(raw.get(name) or "")]
    row.values["percent"] = [str(raw.get("percent", 100))]
    row.values["segments"] = list(_list(raw.get("segments")))
    show_constraints(row, raw.get("constraints"))
    show_variants(row, raw.get("variants"))


def _rule(row: Row) -> Document:
    text, percent = row.text, _number(row.text.get("percent", "").strip() or "100")
    parts: Document = {
        "name": text.get("name", "").strip(),
        "constraints": constraints(row),
        # A form sends boxes in the page's order; all segments must hold, so that their own order says nothing.
        "segments": sorted({name.strip() for name in row.values.get("segments", []) if name.strip()}),
        "percent": None if percent == 100 else percent,
        "stickiness": "" if text.get("stickiness") == USER_ID else text.get("stickiness", "").strip(),
        "group": text.get("group", "").strip(),
        "normaliser": "" if text.get("normaliser") == NORMALISER else text.get("normaliser", ""),
        "variants": variants(row),
    }
    return {name: value for name, value in parts.items() if value or (name == "percent" and value == 0)}


def _fill_constraint(row: Row, raw: Mapping[str, Any]) -> None:
    kind = operator_of(raw["operator"]).kind
    values = [scalar(value) for value in _list(raw.get("values"))]
    row.values["field"], row.values["operator"] = [_line(raw["field"])], [raw["operator"]]
    zone = timezone.get_current_timezone_name()
    row.values["values"] = [for_input(kind, values, zone) if kind in SINGLE else _lines(values)]
    if kind == "moment":
        row.values["zone"] = [zone]
    for name in _SWITCHES:
        row.values[name] = ["on"] if raw.get(name) else []


def _constraint(row: Row) -> Document:
    text, kind = row.text, operator_of(row.text.get("operator") or "IN").kind
    given = text.get("values", "").strip()
    document: Document = {"field": text.get("field", "").strip(), "operator": text.get("operator") or "IN"}
    document["values"] = (
        [from_input(kind, given, text.get("zone", ""))] if kind in SINGLE and given else _values(row, "values")
    )
    return document | {name: True for name in _SWITCHES if row.values.get(name)}


def _fill_variant(row: Row, raw: Mapping[str, Any]) -> None:
    payload = raw.get("payload") or {}
    row.values["name"] = [_line(raw["name"])]
    row.values["weight"] = [str(raw.get("weight", 0))]
    row.values["stickiness"] = [_line(raw.get("stickiness") or "")]
    row.values["payload_type"] = [payload.get("type", "")]
    # A browser posts every line's end in one form, whatever it was given.
    row.values["payload"] = [scalar(payload.get("value", "")).replace("\r\n", "\n").replace("\r", "\n")]
    for override in _list(raw.get("overrides")):
        _show(row, "override", override)


def _variant(row: Row) -> Document:
    text = row.text
    document: Document = {
        "name": text.get("name", "").strip(),
        "weight": _number(text.get("weight", "").strip() or BLANK_WEIGHT),
    }
    if text.get("payload_type"):
        document["payload"] = {"type": text["payload_type"], "value": text.get("payload", "")}
    if text.get("stickiness", "").strip():
        document["stickiness"] = text["stickiness"].strip()
    overrides = [_document(each, "override") for each in row.of("override")]
    if kept := [each for each in overrides if not isinstance(each, dict) or (each.get("field") and each.get("values"))]:
        document["overrides"] = kept
    return document


def _fill_override(row: Row, raw: Mapping[str, Any]) -> None:
    row.values["field"] = [_line(raw["field"])]
    row.values["values"] = [_lines([scalar(value) for value in _list(raw.get("values"))])]


def _override(row: Row) -> Document:
    return {"field": row.text.get("field", "").strip(), "values": _values(row, "values")}


def _fill_prerequisite(row: Row, raw: Mapping[str, Any]) -> None:
    row.values["flag"], row.values["state"] = [_line(raw["flag"])], [raw.get("state", "on")]
    row.values["variants"] = [_lines(_list(raw.get("variants")))]


def _prerequisite(row: Row) -> Document:
    text = row.text
    document: Document = {"flag": text.get("flag", "").strip()}
    if text.get("state") == "off":
        document["state"] = "off"
    if wanted := _values(row, "variants"):
        document["variants"] = wanted
    return document


def _check_override(raw: Any) -> None:
    variant_from_json({"name": "any", "overrides": [raw]})


# How a kind of row is filled from a document and read again, and what raises Unreadable for one without fields.
_KINDS: dict[str, tuple[Callable[[Row, Any], None], Callable[[Row], Document], Callable[[Any], object]]] = {
    "rule": (_fill_rule, _rule, rule_from_json),
    "constraint": (_fill_constraint, _constraint, constraint_from_json),
    "variant": (_fill_variant, _variant, variant_from_json),
    "override": (_fill_override, _override, _check_override),
    "prerequisite": (_fill_prerequisite, _prerequisite, prerequisite_from_json),
}


def _values(row: Row, name: str) -> list[Any]:
    """The lines of a text area; a line that shows a value of what it was is that value, with its type and blanks."""
    before = _list((_was(row) or {}).get(name))
    known: dict[str, Any] = {}
    for value in before:
        known.setdefault(_line(_text(value)), value)
    # A value of blanks alone has no line.
    invisible = [known[""]] if "" in known else []
    return [*invisible, *(known.get(line, line) for line in row.lines(name))]


def _was(row: Row) -> Document | None:
    """What the row's document was before it was edited, as it came with the form."""
    try:
        was = json.loads(row.text.get("was") or "null")
    except (ValueError, RecursionError):
        return None
    return was if isinstance(was, dict) and is_storable(was) else None


def _parsed(row: Row) -> Any:
    try:
        value = json.loads(row.text["json"])
    except (ValueError, RecursionError) as error:
        row.error = f"This is not JSON: {error}."
        raise InvalidInput("rules", row.error) from error
    if not is_storable(value):
        row.error = "This holds NUL, a lone surrogate, NaN or more than 100 levels, which cannot be stored."
        raise InvalidInput("rules", row.error)
    return value


def _lines(values: list[str]) -> str:
    """Values for a text area, one a line."""
    return "\n".join(filter(None, map(_line, values)))


def _line(text: str) -> str:
    """A text for one line of an input."""
    return " ".join(text.splitlines()).strip()


def _text(value: Any) -> str:
    try:
        return scalar(value)
    except Unreadable:
        return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(text: str) -> int | float | str:
    """What JSON keeps of a number that was typed; other text as it is, for the services to refuse."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    return int(number) if number == int(number) else float(number)
