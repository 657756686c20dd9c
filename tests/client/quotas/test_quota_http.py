"""How a decision is told over HTTP."""

import json
from dataclasses import replace

import http_sfv
import pytest

from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.http import headers, problem, sentence, status

LET_THROUGH = Decision(True, "api", Kind.RATE, 100, 42, Source.TIER, "pro", 12.2, window_seconds=60)
PLACES = replace(LET_THROUGH, window_seconds=None)
REFUSED = replace(LET_THROUGH, allowed=False, remaining=0, retryable=True, reset_seconds=12.2, retry_after_seconds=20.5)
FULL = Decision(False, "storage_bytes", Kind.STORAGE, 1_000_000, 5, Source.OVERRIDE, "support case")


def test_headers_of_a_request_let_through():
    """A request that passes is told policy, rest and reset, in whole seconds, and no Retry-After."""
    assert headers(LET_THROUGH) == {"RateLimit-Policy": '"api";q=100;w=60', "RateLimit": '"api";r=42;t=13'}


def test_headers_of_a_refusal():
    """A refusal that a wait cures carries Retry-After."""
    assert headers(REFUSED)["Retry-After"] == "21"


@pytest.mark.parametrize(("wait", "reset", "told"), [(3, 12.2, "13"), (0, 0, "1"), (5.01, 2, "6")])
def test_retry_after_is_never_before_the_reset(wait, reset, told):
    """Retry-After is at least t, and at least a second."""
    decision = replace(REFUSED, retry_after_seconds=wait, reset_seconds=reset)
    assert headers(decision)["Retry-After"] == told


def test_no_retry_after_where_waiting_does_not_help():
    """A storage refusal invites nobody to try again."""
    assert "Retry-After" not in headers(FULL)
    assert status(FULL) == 413


@pytest.mark.parametrize(
    ("decision", "policy", "limit"),
    [
        (LET_THROUGH, {"q": 100, "w": 60}, {"r": 42, "t": 13}),
        (replace(LET_THROUGH, unit="calls"), {"q": 100, "w": 60}, {"r": 42, "t": 13}),
        (replace(LET_THROUGH, unit="bytes"), {"q": 100, "qu": "content-bytes", "w": 60}, {"r": 42, "t": 13}),
        (FULL, {"q": 1_000_000, "qu": "content-bytes"}, {"r": 5}),
        (replace(FULL, unit="bytes"), {"q": 1_000_000, "qu": "content-bytes"}, {"r": 5}),
        (replace(FULL, unit="seconds"), {"q": 1_000_000, "qu": "seconds"}, {"r": 5}),
        (
            replace(PLACES, kind=Kind.CONCURRENCY),
            {"q": 100, "qu": "concurrent-requests"},
            {"r": 42, "t": 13},
        ),
        (
            replace(LET_THROUGH, kind=Kind.ALLOWANCE, unit='a"\u00fc', window_seconds=None),
            {"q": 100, "qu": 'a"?'},
            {"r": 42, "t": 13},
        ),
    ],
)
def test_headers_are_structured_fields_of_the_draft(decision, policy, limit):
    """A parser of RFC 9651 reads them: quota unit where it is not requests, and no reset for what is stored."""
    told = headers(decision)
    assert parameters(told["RateLimit-Policy"]) == {decision.resource: policy}
    assert parameters(told["RateLimit"]) == {decision.resource: limit}


def parameters(header: str) -> dict[str, dict[str, object]]:
    """The items of a list, each with its parameters."""
    fields = http_sfv.List()
    fields.parse(header.encode())
    return {str(item.value): dict(item.params) for item in fields}


def test_no_headers_without_a_limit():
    """Where nothing limits, nothing is told."""
    assert headers(replace(LET_THROUGH, limit=None, remaining=None)) == {}


def test_names_are_quoted():
    """A name cannot break out of its quotes or carry what headers cannot."""
    name = 'a"b\\c\r\nü'
    assert headers(replace(LET_THROUGH, resource=name))["RateLimit"].startswith('"a\\"b\\\\c???";')


def test_huge_limits_stay_integers():
    """The largest limit is told as the largest integer that a structured field can hold."""
    assert "q=999999999999999;" in headers(replace(LET_THROUGH, limit=2**53))["RateLimit-Policy"]


def test_problem_body():
    """A refusal's body has RFC 9457's members and what a program needs to go on."""
    body = json.loads(json.dumps(problem(REFUSED)))
    assert body["status"] == 429
    assert body["code"] == "quota_exceeded"
    assert body["retryable"] is True
    assert body["retry_after_seconds"] == 21
    assert (body["limit"], body["limit_source"], body["policy"]) == (100, "tier", "pro")
    assert body["detail"] == body["message"] == sentence(REFUSED)
    assert {"type", "title"} <= body.keys()


def test_sentence_of_a_rate():
    """A person is told the limit and when to come back."""
    assert sentence(REFUSED) == "Your limit for api is 100 in 60 s and it is used up. Try again in 21 s."


def test_sentence_of_storage():
    """A person is told what is left and that waiting does not help."""
    assert sentence(FULL) == (
        "Your limit for storage_bytes is 1,000,000, 5 of it left. This request needs more; waiting does not help."
    )


def test_sentence_of_a_limit_of_nothing():
    """A limit of 0 is told as what it means."""
    assert sentence(replace(FULL, limit=0)) == "Your plan does not include storage_bytes."
