"""The forms behind the pages that save a flag or a segment: what was typed, drawn again or saved with its version."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict

from flags.editor.documents import place
from flags.editor.rows import Row, obey, parse
from flags.forms import PartForm, SavedForm
from flags.models import Flag, Segment
from ops_console.errors import InvalidInput

Show = Callable[[Row], None]
Read = Callable[[Row], dict[str, Any]]
Save = Callable[[dict[str, Any], dict[str, Any]], Flag | Segment]


class Sheet:
    """A form of one part: rows of the editor, columns beside them, and the reason and version that go along.

    `show` puts the thing's documents into rows; `read` makes documents of rows, and raises InvalidInput.
    """

    def __init__(
        self,
        thing: Flag | Segment,
        sent: QueryDict | None,
        part: type[PartForm] | None = None,
        show: Show = lambda root: None,
        read: Read = lambda root: {},
        protected: bool = False,
    ) -> None:
        self.thing, self.sent, self.read = thing, sent, read
        self.is_redrawn = sent is not None and "do" in sent
        self.root = Row() if sent is None else parse(sent.lists())
        if sent is None:
            show(self.root)
        elif self.is_redrawn:
            obey(self.root, str(sent["do"]))
        version = {"version": thing.version}
        self.saved = self._form(SavedForm, protected=protected, name=thing.name, initial=version)
        self.part = self._form(part, **self._instance(part)) if part else None
        self.result: Any = None

    def _form(self, kind: type[Any], **arguments: Any) -> Any:
        """Bound when it is to be saved. Drawn again on the way, it shows what was typed and complains of nothing."""
        if not self.is_redrawn:
            return kind(self.sent, **arguments)
        typed = {name: self.sent.get(name, "") for name in kind.base_fields} if self.sent else {}
        return kind(**{**arguments, "initial": typed})

    def _instance(self, part: type[PartForm]) -> dict[str, Any]:
        """What a form shows, and once it is sent: a row that it may fill in without touching the one that was read."""
        if not self.sent:
            return {"instance": self.thing}
        blank = type(self.thing)(pk=self.thing.pk, name=self.thing.name)
        return {"instance": blank, "initial": forms.model_to_dict(self.thing, list(part.base_fields))}

    @property
    def forms(self) -> list[forms.BaseForm]:
        return [form for form in (self.part, self.saved) if form is not None]

    def values(self) -> dict[str, Any]:
        """The columns as typed. Raises InvalidInput for what cannot be."""
        part = self.part
        if part is not None and self.is_redrawn:
            part = type(part)(self.sent, **self._instance(type(part)))
        if part is not None and not part.is_valid():
            field, errors = next(iter(part.errors.items()))
            raise InvalidInput(field, f"{part.fields[field].label or field}: {errors[0]}")
        columns = part.values() if part is not None else {}
        return {name: self._whole(name, value) for name, value in columns.items()} | self.read(self.root)

    def _whole(self, name: str, value: Any) -> Any:
        """A time as it is kept: an input shows whole seconds, and saving it unchanged must not cut the rest off."""
        kept = getattr(self.thing, name, None)
        same = isinstance(kept, datetime) and kept.replace(microsecond=0) == value
        return kept if same else value

    def save(self, save: Save) -> bool:
        """Give what was typed to `save` (the columns, and what goes along); False where it cannot be.

        The errors are then in the forms and rows. Raises Conflict.
        """
        valid = [form.is_valid() for form in self.forms]
        try:
            if not all(valid):
                self.read(self.root)
                return False
            self.result = save(self.values(), self.saved.cleaned_data)
        except InvalidInput as error:
            self._refuse(error)
            return False
        return True

    @property
    def is_unchanged(self) -> bool:
        """Whether the saved thing is as it was."""
        return bool(self.result.version == self.saved.cleaned_data["version"])

    def _refuse(self, error: InvalidInput) -> None:
        at = next((form for form in self.forms if error.field in form.fields), None)
        if at is not None:
            at.add_error(error.field, error.message)
        else:
            place(self.root, error.message)
            self.saved.add_error(None, error.message)
