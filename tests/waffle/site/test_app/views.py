"""The views that waffle's own tests ask."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.views import View
from waffle import flag_is_active
from waffle.decorators import waffle_flag, waffle_switch
from waffle.mixins import WaffleFlagMixin, WaffleSampleMixin, WaffleSwitchMixin

NO_REQUEST = Template(
    "{% load waffle_tags %}{% switch 'switch' %}switch on{% else %}switch off{% endswitch %}"
    "{% sample 'sample' %}sample on{% else %}sample off{% endsample %}"
)


def flag_in_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("on" if flag_is_active(request, "myflag") else "off")


def flag_in_view_readonly(request: HttpRequest) -> HttpResponse:
    return HttpResponse("on" if flag_is_active(request, "myflag", read_only=True) else "off")


def flag_in_django(request: HttpRequest) -> HttpResponse:
    return render(request, "test_app/tags.html", {"flag_var": "flag_var", "switch_var": "s", "sample_var": "s"})


def no_request_context(request: HttpRequest) -> str:
    return NO_REQUEST.render(Context())


def answered(request: HttpRequest, some_number: int = 0) -> HttpResponse:
    return HttpResponse("foo")


flagged_on = waffle_flag("foo")(answered)
flagged_off = waffle_flag("!foo")(answered)
switched_on = waffle_switch("foo")(answered)
switched_off = waffle_switch("!foo")(answered)


class _Foo(View):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse("foo")


class FlagView(WaffleFlagMixin, _Foo):
    waffle_flag = "foo"


class FlagOffView(WaffleFlagMixin, _Foo):
    waffle_flag = "!foo"


class SampleView(WaffleSampleMixin, _Foo):
    waffle_sample = "foo"


class SampleOffView(WaffleSampleMixin, _Foo):
    waffle_sample = "!foo"


class SwitchView(WaffleSwitchMixin, _Foo):
    waffle_switch = "foo"


class SwitchOffView(WaffleSwitchMixin, _Foo):
    waffle_switch = "!foo"
