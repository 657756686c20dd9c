"""What a list page is made of: `{% load lists %}`. docs/howto/pages.md has one worked through."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from ops_console.web.keyset import Page
from ops_console.web.markup import draw
from ops_console.web.moments import filter_names
from ops_console.web.pages import is_fragment
from ops_console.web.tabs import Tab, query_url

register = template.Library()


@register.inclusion_tag("components/tabs.html")
def tabs(items: list[Tab], target: str = "", label: str = "Show") -> dict[str, Any]:
    """States with their counts, from `web.tabs(request, ...)`. `target` is the list's `#id`."""
    return {"items": items, "target": target, "label": label}


@register.simple_tag(takes_context=True)
def filter_bar(context: Context, form: Any, target: str, keep: str = "state,sort", csv: bool = False) -> SafeString:
    """A form's fields in one line, applied as they change. `keep` are parameters that other controls own.

    Names in the form's `rare` stand behind "More filters", which is open while one of them is set. Put it inside the
    list's `{% partialdef %}`, before the panel: an answer that htmx swaps into the list then brings what outside the
    list depends on the filter, to be swapped out of band. That is the whole form, or, where the form itself asked, the
    links and errors alone, so that fields keep what is being typed.
    """
    request: HttpRequest = context["request"]
    part = _part_for(request, target)
    if part == "":
        return SafeString("")
    kept = [(name, request.GET[name]) for name in keep.split(",") if request.GET.get(name) and name not in form.fields]
    given = any(request.GET.get(name) for name in form.fields)
    rare = tuple(getattr(form, "rare", ()))
    values = {
        "id": _filter_id(target),
        "swap": is_fragment(request),
        "fields": _drawn(form, [name for name in form.fields if name not in rare]) if part == "form" else "",
        "rare_fields": _drawn(form, rare) if part == "form" else "",
        "open": any(request.GET.get(name) for name in rare),
        "errors": [(form[name].label, errors[0]) for name, errors in form.errors.items() if name in form.fields],
        "target": target,
        "kept": kept,
        "path": request.path,
        "clear": query_url(request, **dict.fromkeys(filter_names(form), "")) if given else "",
        "csv": query_url(request, format="csv") if csv else "",
    }
    return SafeString(render_to_string(f"components/filter_{'bar' if part == 'form' else 'links'}.html", values))


def _filter_id(target: str) -> str:
    return f"{target.removeprefix('#')}-filter"


def _part_for(request: HttpRequest, target: str) -> str:
    """What of the bar belongs into the answer: "form", "links", or "" where the list only refreshes itself."""
    if not is_fragment(request):
        return "form"
    trigger = request.htmx.trigger  # type: ignore[attr-defined]
    if trigger == _filter_id(target):
        return "links"
    return "" if trigger == target.removeprefix("#") else "form"


# Drawn once a process: most pages show most fields empty, and drawing them costs as much as a list of rows.
_BLANK: dict[tuple[str, ...], SafeString] = {}
_MOST_KEPT = 500


def _drawn(form: Any, names: Iterable[str]) -> SafeString:
    return SafeString("".join(_field(form, form[name]) for name in names))


def _field(form: Any, bound: Any) -> SafeString:
    if bound.value() or bound.errors:
        return _fresh(bound)
    choices = str(list(getattr(bound.field, "choices", ())))
    key = (str(type(form)), bound.html_name, str(bound.label), str(bound.field.widget.attrs), choices)
    if key not in _BLANK:
        if len(_BLANK) >= _MOST_KEPT:
            _BLANK.clear()
        _BLANK[key] = _fresh(bound)
    return _BLANK[key]


def _fresh(bound: Any) -> SafeString:
    return SafeString(render_to_string("components/filter.html", {"field": bound}))


@register.inclusion_tag("components/th.html", takes_context=True)
def th(
    context: Context,
    label: str,
    sort: str = "",
    target: str = "",
    css: str = "",
    default: str = "",
    quiet: bool = False,
) -> dict[str, Any]:
    """A column's head; with `sort` a link that orders by it: `?sort=name`, then `?sort=-name`.

    `quiet` keeps the words for screen readers alone: a column of buttons still has a name.
    """
    request: HttpRequest = context["request"]
    current = request.GET.get("sort") or default
    order = {sort: "ascending", f"-{sort}": "descending"}.get(current, "") if sort else ""
    wanted = f"-{sort}" if order == "ascending" else sort
    url = query_url(request, sort=wanted) if sort else ""
    return {"label": label, "url": url, "order": order, "target": target, "css": css, "quiet": quiet}


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: Context, page: Page[Any], target: str = "", total: str = "") -> dict[str, Any]:
    """Newer and older; `total` is what is known of the whole ("2,326" or "more than 10,000")."""
    request: HttpRequest = context["request"]
    newer = query_url(request, cursor=page.previous) if page.previous else ""
    older = query_url(request, cursor=page.next) if page.next else ""
    return {"shown": len(page.rows), "newer": newer, "older": older, "target": target, "total": total}


@register.simple_tag
def select_page(label: str = "Select this page") -> SafeString:
    """The head cell that selects every row shown."""
    return draw('<th class="pick" scope="col"><input type="checkbox" data-select-page aria-label="{}"></th>', label)


@register.simple_tag
def select_row(value: Any, label: str = "", name: str = "ids", form: str = "") -> SafeString:
    """The first cell of a row that can be selected; `label` is what a screen reader calls the row.

    `form` is the id of the form that the box belongs to, where it does not stand around it.
    """
    return draw(
        '<td class="pick"><input type="checkbox"{} name="{}" value="{}" data-select-row aria-label="Select {}"></td>',
        draw(' form="{}"', form) if form else "",
        name,
        value,
        label or value,
    )


@register.simple_block_tag(takes_context=True)
def bulk_bar(context: Context, content: str, total: int | None = None, about: str = "", form: str = "") -> SafeString:
    """The actions on selected rows; `total` match the filter. Posts `ids`, or `all=1` with `query`.

    `form` is the id of the form that they belong to, where it does not stand around them.
    """
    request: HttpRequest = context["request"]
    values = {"content": content, "total": total, "about": about, "form": form}
    values["query"] = request.GET.urlencode()
    return SafeString(render_to_string("components/bulk_bar.html", values))
