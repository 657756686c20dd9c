"""A form of a page as a browser without scripts would send it."""

from html.parser import HTMLParser

Pairs = list[tuple[str, str]]
Body = dict[str, list[str]]


class _Fields(HTMLParser):
    """Collects the successful controls of the forms with one id, in the order of the page."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.inside, self.pairs = form_id, False, Pairs()
        self.name, self.text, self.options = "", "", Pairs()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("id", "") == self.form_id
        elif self.inside and tag == "input" and given.get("name"):
            self._input(given)
        elif self.inside and tag in ("textarea", "select"):
            self.name, self.text, self.options = given.get("name", ""), "", []
        elif tag == "option" and self.name:
            self.options.append(("selected" if "selected" in given else "", given.get("value", "")))

    def _input(self, given: dict[str, str]) -> None:
        if given.get("type") not in ("checkbox", "radio"):
            self.pairs.append((given["name"], given.get("value", "")))
        elif "checked" in given:
            self.pairs.append((given["name"], given.get("value", "on")))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        if self.name and tag == "textarea":
            self.pairs.append((self.name, self.text.removeprefix("\n")))
        if self.name and tag == "select":
            chosen = [value for mark, value in self.options if mark] or [self.options[0][1]]
            self.pairs.append((self.name, chosen[0]))
        if tag in ("textarea", "select"):
            self.name = ""


def fields_of(page: str, form_id: str) -> Pairs:
    """The form's fields with their values, without the CSRF token; "" is every form without an id."""
    parser = _Fields(form_id)
    parser.feed(page)
    return [pair for pair in parser.pairs if pair[0] != "csrfmiddlewaretoken"]


def sent(pairs: Pairs, **changes: str) -> Body:
    """Fields as a form's body in their order, some changed or added."""
    body: Body = {}
    for name, value in pairs:
        body.setdefault(name, []).append(value)
    return {**body, **{name: [value] for name, value in changes.items()}}
