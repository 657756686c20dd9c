"""A proxy that ends TLS and a console that does not know it: the page says which setting is wrong."""

import pytest
from django.test import Client, override_settings

HTTPS = {"SECURE_SSL_REDIRECT": True}


@override_settings(**HTTPS, TRUSTED_PROXIES=0)
@pytest.mark.parametrize("headers", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "for=192.0.2.1;proto=https"}])
def test_without_trusted_proxies_the_setting_is_named(headers: dict[str, str]) -> None:
    """TRUSTED_PROXIES=0 behind TLS: no redirect to itself, and no cache keeps one."""
    answer = Client(headers=headers).get("/flags/")
    assert answer.status_code == 500
    assert "TRUSTED_PROXIES is 0" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"


@override_settings(**HTTPS, TRUSTED_PROXIES=1, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_a_proxy_that_sends_no_header_is_noticed() -> None:
    """A browser that is sent to HTTPS three times and comes back by HTTP is told what the proxy must send."""
    client = Client()
    answers = [client.get("/flags/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [301, 301, 301, 500]
    assert "X-Forwarded-Proto: https" in answers[-1].content.decode()
    assert "it is 1" in answers[-1].content.decode()


@pytest.mark.django_db
@override_settings(**HTTPS, TRUSTED_PROXIES=1, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_a_proxy_as_it_should_be_is_not_disturbed() -> None:
    """One redirect from http to https, then the sign-in page; what a cookie claims counts only as written here."""
    client = Client()
    assert client.get("/accounts/login/").headers["Location"] == "https://testserver/accounts/login/"
    assert client.get("/accounts/login/", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    client.cookies["https_redirects"] = "99999999999999999999"
    assert client.get("/flags/").status_code == 301


@override_settings(**HTTPS, TRUSTED_PROXIES=0)
def test_health_is_asked_by_plain_http() -> None:
    """A probe behind the same proxy is answered."""
    assert Client(headers={"X-Forwarded-Proto": "https"}).get("/livez").status_code == 200
