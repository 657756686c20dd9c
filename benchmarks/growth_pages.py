"""Every address of the console that can be read, found from the URL resolver, with the filters and pages it offers.

A new list is measured without being named here. What is left out is in LEFT_OUT, with the reason.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.urls import URLPattern, URLResolver, get_resolver

LEFT_OUT = {
    "live": "an event stream: it does not end",
    "account_*": "allauth: pages about the session of one person, with nothing that grows",
    "mfa_*": "allauth: the second factors of one person",
    "access:accept": "needs a one-time link",
    "access:open_link": "needs a one-time link",
    "admin:login": "answers with a redirect to the sign-in page",
    "admin:logout": "ends the session",
    "admin:password_change*": "answers with a redirect to allauth",
    "admin:autocomplete": "answers 403 without a field, and no form of ours has one",
    "admin:jsi18n": "a constant script",
    "admin:view_on_site": "no model of ours has a page there",
    "admin:unnamed": "redirects to the change form, which is measured",
    "admin:app_list": "the index, of one app",
    "api:openapi": "the schema: it does not depend on data",
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
MOST_VALUES = 4
# A text that many rows hold, and one that none holds.
TEXTS = ("77", "no-row-has-this")


@dataclass(frozen=True)
class Address:
    """A named URL and a path that leads to it, with the query that a filter, a tab or a pager would send."""

    name: str
    path: str


def addresses(samples: dict[str, Any], only: Collection[str] = ()) -> list[Address]:
    """Every URL but those in LEFT_OUT, or those named. Raises KeyError for a parameter of which there is no sample."""
    wanted = [(name, route) for name, route in all_routes() if (name in only if only else not _is_left_out(name))]
    found = [
        Address(name, PARAMETER.sub(lambda found, name=name: sample(name, found[1], samples), route))
        for name, route in wanted
    ]
    # Several methods of one API path are several names: it is read once.
    found = list({address.path: address for address in found}.values())
    queries = samples.get("queries", {})
    return [
        Address(each.name, f"{each.path}?{queries[each.name]}" if each.name in queries else each.path) for each in found
    ]


def all_routes() -> Iterator[tuple[str, str]]:
    """The name and the pattern of every URL."""
    return _routes(get_resolver(), "/", "")


def _routes(resolver: URLResolver, prefix: str, space: str) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name or 'unnamed'}", route


def _is_left_out(name: str) -> bool:
    return any(fnmatch(name, left_out) for left_out in LEFT_OUT)


def sample(name: str, parameter: str, samples: dict[str, Any]) -> str:
    """A value for a parameter: of this URL, of its namespace, or of any URL."""
    space = name.partition(":")[0]
    model = name.rpartition("_")[0]
    for key in (f"{name} {parameter}", f"{model} {parameter}", f"{space} {parameter}", parameter):
        if key in samples:
            return str(samples[key])
    raise KeyError(f"No sample for <{parameter}> of {name}: add one to benchmarks/growth_samples.py.")


def variants(address: Address, body: str) -> list[Address]:
    """What a page offers to read of itself: tabs, sort orders, the next page, each filter, and the CSV."""
    if body.startswith("{"):
        return _api_variants(address, body)
    reader = _Offers(address.path)
    reader.feed(body)
    # Rows link to filters too: of each set of parameters a few values stand for all.
    by_names: dict[tuple[str, ...], dict[str, Address]] = {}
    for query in reader.queries:
        same = by_names.setdefault(tuple(sorted(name for name, _ in query)), {})
        label = _label(query)
        if len(same) < MOST_VALUES:
            same[label] = Address(f"{address.name} {label}", f"{address.path}?{urlencode(query)}")
    return [variant for same in by_names.values() for variant in same.values()]


def _api_variants(address: Address, body: str) -> list[Address]:
    following = json.loads(body).get("next")
    if not following:
        return []
    path = following if "?" in following else f"{address.path}?{urlencode({'cursor': following})}"
    return [Address(f"{address.name} next", path)]


def _label(query: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={'…' if name == 'cursor' else value}" for name, value in query)


class _Offers(HTMLParser):
    """Collects queries: links to the page itself, and one value of each control of its filter."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.queries: list[list[tuple[str, str]]] = []
        self._in_filter = False
        self._select = ""
        self._options = 0

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "a":
            self._link(attributes.get("href", ""))
        elif tag == "form":
            self._in_filter = "data-filter" in attributes
        elif self._in_filter:
            self._control(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_filter = False

    def _link(self, href: str) -> None:
        address = urlsplit(href)
        if address.query and address.path in ("", self.path):
            self.queries.append(parse_qsl(address.query))

    def _control(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "select":
            self._select, self._options = attributes.get("name", ""), 0
        elif tag == "option" and attributes.get("value") and self._options < 2:
            self._options += 1
            self.queries.append([(self._select, attributes["value"])])
        elif tag == "input" and attributes.get("type") in ("search", "text"):
            self.queries += [[(attributes.get("name", ""), text)] for text in TEXTS]
