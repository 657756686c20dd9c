"""The forms behind the parts of a flag's page that save: what was typed, drawn again or saved with its version."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from flags import services
from flags.editor.documents import place
from flags.editor.rows import Row, obey, parse
from flags.forms import FlagPartForm, SavedForm
from flags.models import Flag
from ops_console.access.actor import actor_of
from ops_console.errors import InvalidInput


class Sheet:
    """A form of one part: rows of the editor, columns beside them, and the reason and version that go along.

    `show` puts the flag's documents into rows; `read` makes documents of rows, and raises InvalidInput.
    """

    def __init__(
        self,
        flag: Flag,
        sent: QueryDict | None,
        part: type[FlagPartForm] | None = None,
        show: Callable[[Row, Flag], None] = lambda root, flag: None,
        read: Callable[[Row], dict[str, Any]] = lambda root: {},
    ) -> None:
        self.flag, self.sent, self.read = flag, sent, read
        self.is_redrawn = sent is not None and "do" in sent
        self.root = Row() if sent is None else parse(sent.lists())
        if sent is None:
            show(self.root, flag)
        elif self.is_redrawn:
            obey(self.root, str(sent["do"]))
        self.saved = self._form(SavedForm, protected=flag.protected, name=flag.name, initial={"version": flag.version})
        self.part = self._form(part, instance=_blank(flag) if sent else flag) if part else None

    def _form(self, kind: type[Any], **arguments: Any) -> Any:
        """Bound when it is to be saved. Drawn again on the way, it shows what was typed and complains of nothing."""
        if not self.is_redrawn:
            return kind(self.sent, **arguments)
        typed = {name: self.sent.get(name, "") for name in kind.base_fields} if self.sent else {}
        return kind(**{**arguments, "initial": typed})

    @property
    def forms(self) -> list[forms.BaseForm]:
        return [form for form in (self.part, self.saved) if form is not None]

    def values(self) -> dict[str, Any]:
        """The columns as typed. Raises InvalidInput for what cannot be."""
        part = self.part
        if part is not None and self.is_redrawn:
            part = type(part)(self.sent, instance=_blank(self.flag))
        if part is not None and not part.is_valid():
            field, errors = next(iter(part.errors.items()))
            raise InvalidInput(field, f"{part.fields[field].label or field}: {errors[0]}")
        return {**(part.values() if part is not None else {}), **self.read(self.root)}

    def save(self, request: HttpRequest) -> bool:
        """Save what was typed; False, with the errors in the forms and rows, when it cannot be. Raises Conflict."""
        valid = [form.is_valid() for form in self.forms]
        try:
            values = self.read(self.root) if not all(valid) else self.values()
            if all(valid):
                given = self.saved.cleaned_data
                services.edit(actor_of(request), self.flag.pk, values, given["version"], given["reason"])
        except InvalidInput as error:
            self._refuse(error)
            return False
        return all(valid)

    def _refuse(self, error: InvalidInput) -> None:
        at = next((form for form in self.forms if error.field in form.fields), None)
        if at is not None:
            at.add_error(error.field, error.message)
        else:
            place(self.root, error.message)
            self.saved.add_error(None, error.message)


def _blank(flag: Flag) -> Flag:
    """An instance that a form may fill in without touching the flag that was read."""
    return Flag(pk=flag.pk, name=flag.name)
