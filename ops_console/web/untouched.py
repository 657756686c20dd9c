"""Forms of rows, which save what nobody edited exactly as it was stored."""

from functools import cached_property
from typing import Any

from django import forms


class RowForm(forms.ModelForm):
    """Keeps the stored value of a text field that was posted as it was shown.

    Cleaning strips blanks, browsers end lines with CR LF, and a list typed in one line cannot show a comma within an
    item: without this, saving an untouched form would change what a program had stored.
    """

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kept = {name: self[name].initial for name in cleaned if name in self.fields and self._is_untouched(name)}
        typed = {name: text.replace("\r\n", "\n") for name, text in cleaned.items() if isinstance(text, str)}
        cleaned.update(typed | kept)
        return cleaned

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if not self._is_untouched(name)]

    def _is_untouched(self, name: str) -> bool:
        bound = self[name]
        stored, posted, widget = bound.initial, bound.data, bound.field.widget
        if not isinstance(stored, str | list) or not isinstance(posted, str):
            return False
        if isinstance(bound.field, forms.ModelChoiceField):  # its stored value is a key, and cleans to a row
            return False
        shown = widget.format_value(bound.field.prepare_value(stored))
        one_line = not isinstance(widget, forms.Textarea)
        return isinstance(shown, str) and _lines(posted, one_line) == _lines(shown, one_line)


def _lines(text: str, one_line: bool) -> str:
    """As a browser posts it, whichever end of line it uses; an input of one line drops them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "") if one_line else text
