"""The filter bar: blank fields are drawn once a process, and what somebody typed is theirs alone."""

from typing import Any

from django import forms
from django.template import engines
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

BAR = '{% load lists %}{% filter_bar form target="#list" %}'


class Filters(forms.Form):
    """One of each: text, a choice whose options change while the console runs, and one that is rarely wanted."""

    rare = ("worker",)
    q = forms.CharField(required=False)
    kind = forms.ChoiceField(required=False)
    worker = forms.CharField(required=False, max_length=5)

    def __init__(self, *given: Any, kinds: tuple[str, ...] = ("a",)) -> None:
        super().__init__(*given)
        self.fields["kind"].choices = [(kind, kind) for kind in ("", *kinds)]


def drawn(query: str = "", headers: dict[str, str] | None = None, **options: Any) -> str:
    request = RequestFactory().get(f"/list/?{query}", headers=headers)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    bar = engines["django"].from_string(BAR)
    return str(bar.render({"form": Filters(request.GET, **options)}, request))


def test_what_one_typed_is_in_nobody_elses_form() -> None:
    """A value is drawn for its own request, before and after the blank field was kept."""
    for _ in range(2):
        assert 'value="whales"' in drawn("q=whales")
        assert "whales" not in drawn()


def test_options_are_those_of_the_moment() -> None:
    """A choice that has come since is offered, though the field is blank."""
    assert '<option value="b">' not in drawn()
    assert '<option value="b">' in drawn(kinds=("a", "b"))


def test_an_error_names_its_field_and_opens_the_rare_ones() -> None:
    """What cannot be read keeps what was typed, says why, and is in sight."""
    bar = drawn("worker=too-long-a-name")
    assert '<details class="more-filters" open>' in bar and 'value="too-long-a-name"' in bar
    assert "Worker: Ensure this value has at most 5 characters" in bar and "at most" not in drawn()


ASKED_BY = {"HX-Request": "true", "HX-Target": "list"}


def test_an_answer_into_the_list_brings_the_bar_out_of_band() -> None:
    """A tab brings the whole form; the form itself only its links, so that nothing is taken from under the caret."""
    by_tab = drawn("q=whales&state=dead", ASKED_BY)
    assert '<form id="list-filter"' in by_tab and "hx-swap-oob" in by_tab and 'name="state" value="dead"' in by_tab
    by_form = drawn("q=whales&state=dead", {**ASKED_BY, "HX-Trigger": "list-filter"})
    assert by_form.strip().startswith('<div id="list-filter-links" class="filter-links" hx-swap-oob="true">')
    assert 'href="/list/?state=dead"' in by_form and "<form" not in by_form


def test_a_refresh_of_the_list_leaves_the_bar_alone() -> None:
    """Nothing has changed in the filter, and somebody may be typing there."""
    assert drawn("q=whales", {**ASKED_BY, "HX-Trigger": "list"}) == ""
