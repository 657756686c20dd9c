"""Errors that are the same error are told so, and only those."""

import pytest

from ops_client.telemetry.errors import fault_of, fingerprint, normalised, place_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("timeout after 30 s", "timeout after 4.5 s"),
        ("no row 7f3a0c52-1111-4222-8333-444455556666", "no row 00000000-0000-4000-8000-000000000001"),
        ("GET https://a.example/x?y=1 failed", "GET https://b.example/z failed"),
        ("no file '/tmp/a b.wav'", "no file '/tmp/c.wav'"),
        ("cannot read /srv/work/one.wav", "cannot read /srv/work/two.wav"),
        ("object 0x7f3a99 is gone", "object 0x11 is gone"),
    ],
)
def test_what_differs_each_time_is_left_out(one: str, other: str) -> None:
    """Numbers, ids, addresses, quoted texts and paths make no new group."""
    assert normalised(one) == normalised(other)


def test_other_words_are_another_error() -> None:
    """Type, words and function each make a group of their own; the line's number does not."""
    group = fingerprint("ValueError", "no such row", "app/work.py run:10")
    assert group == fingerprint("ValueError", "no such row", "app/work.py run:99")
    others = [
        fingerprint("KeyError", "no such row", "app/work.py run:10"),
        fingerprint("ValueError", "no such column", "app/work.py run:10"),
        fingerprint("ValueError", "no such row", "app/work.py walk:10"),
    ]
    assert group not in others


def test_secrets_are_not_kept() -> None:
    """A password in a message is taken out before it leaves the process."""
    assert "hunter2" not in fault_of(ValueError("password=hunter2 was refused")).message


def test_what_postgres_cannot_keep_is_taken_out() -> None:
    """NUL and half characters are replaced."""
    message = fault_of(ValueError("a\0b\ud800")).message
    assert "\0" not in message
    message.encode()


def test_the_place_is_our_own_frame() -> None:
    """The innermost frame that is not a library's names the place; an error never raised has none."""
    try:
        int("x")
    except ValueError as error:
        assert place_of(error).startswith("telemetry/test_error_groups.py test_the_place_is_our_own_frame:")
    assert place_of(ValueError()) == ""
