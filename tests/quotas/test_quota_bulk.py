"""Many overrides from one table: what is read, what is planned, what is done, and what an export brings back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed
from quotas.bulk import Asked, Outcome, apply, export_rows, plan, read_table, write_table
from quotas.models import Override
from quotas.queries import holding
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def asked(user, limit="7", resource="api_calls", **values):
    return Asked(line=2, user=user, resource=resource, limit=limit, **{"reason": "a launch", **values})


def in_force_of(user):
    return {each.resource_id: each.limit for each in holding() if each.user_id == user.id}


def test_a_table_is_read_by_its_header(db):
    """Columns stand in any order, blanks and empty lines do not matter, and each row knows its line."""
    rows = read_table("\ufefflimit, User ,resource\n50%,anna@example.com,api_calls\n\n,,\n7,u1,storage_bytes\n")
    assert [(row.line, row.user, row.limit, row.resource) for row in rows] == [
        (2, "anna@example.com", "50%", "api_calls"),
        (5, "u1", "7", "storage_bytes"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line names its columns"),
        ("user,limit\nu,7\n", "first line names its columns"),
        ("user,resource,limit,colour\nu,r,7,red\n", "first line names its columns"),
        ("user,user,resource,limit\nu,u,r,7\n", "first line names its columns"),
        ("user,resource,limit\n", "no row below"),
        ("user,resource,limit\nu,r,7,8,9\n", "line 2 has more cells"),
        ("user,resource,limit\n" + "u,r,7\n" * 5001, "more than 5,000 rows"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(db, text, said):
    """A missing or unknown column, no row, too many rows: refused as a whole, with what would be right."""
    with pytest.raises(InvalidInput, match=said) as caught:
        read_table(text)
    assert caught.value.field == "file"


COLUMNS = ("user", "resource", "limit", "expires_at", "reason")
CELLS = ("u1", "api_calls", "7", "never", 'a; "b", c')


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_with_the_separator_that_it_has(db, separator, named, newline):
    """Commas, semicolons and tabs, found by the header or named by a first line sep=, with any end of line."""
    quoted = '"' + CELLS[-1].replace('"', '""') + '"'
    lines = [*([f"sep={separator}"] if named else []), separator.join(COLUMNS), separator.join((*CELLS[:-1], quoted))]
    [row] = read_table(newline.join(lines) + newline)
    assert (row.user, row.resource, row.limit, row.expires_at, row.reason) == CELLS
    assert row.line == (3 if named else 2)
    [again] = read_table(write_table([row]))
    assert replace(again, line=row.line) == row


@pytest.mark.parametrize("blank", ["\n", "\n  \n\t\n", ";;;\r\n"])
@pytest.mark.parametrize("named", ["", "SEP=;\n", "Sep=;\n\n", '"SEP=;"\n'])
def test_blank_lines_may_come_before_the_header(db, blank, named):
    """Spreadsheets write them for empty rows, and the separator's line in any case; lines keep their numbers."""
    before = blank + named
    [row] = read_table(f"{before}user;resource;limit\nu1;api_calls;7\n")
    assert (row.user, row.limit, row.separator) == ("u1", "7", ";")
    assert row.line == before.count("\n") + 2


def test_another_separator_is_refused(db):
    """The refusal names its line and the separators that are supported."""
    with pytest.raises(InvalidInput, match=r"line 2: sep= names '\|'\. Use a comma, a semicolon or a tab"):
        read_table("\nsep=|\nuser|resource|limit\nu1|api_calls|7\n")


@pytest.mark.parametrize("limit", ["1,5", "0,500", "1,500", "12 000,5", "1.000,5", "+12,5%", "1,5,000", "1,200,000"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_comma_in_a_number_is_refused_whatever_the_separator(resources, hanna, limit, separator):
    """1,5 is not 15, and 1,500 may be 1.5: the row is refused, with its line and the name of its column."""
    text = "\n".join(separator.join(row) for row in (COLUMNS[:3], (hanna.id, "api_calls", f'"{limit}"')))
    [row] = plan(read_table(text), "a launch")
    assert (row.outcome, row.asked.line) == (Outcome.REFUSED, 2)
    assert row.message.startswith(f"limit: {limit!r} has a decimal comma or a thousands separator. Write")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1 200 000", 1_200_000), ("12 000", 12_000), ("12_000", 12_000), ("12\u202f000", 12_000), ("12'000", 12_000)],
)
def test_thousands_may_be_set_apart(resources, hanna, limit, expected):
    """In groups of three, by one mark throughout."""
    [row] = plan([asked(hanna.id, limit)])
    assert row.wanted.limit == expected


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_point_that_may_set_thousands_apart_is_refused_beside_semicolons_and_tabs(resources, hanna, separator):
    """Spreadsheets write such tables where a comma begins the decimals: 1.500 may be 1500 there."""
    lines = (COLUMNS[:3], (hanna.id, "storage_bytes", "1.500 GB"))
    [row] = plan(read_table("\n".join(map(separator.join, lines))), "a launch")
    assert row.outcome == Outcome.REFUSED
    assert row.message.startswith("limit: '1.500 GB' has a decimal comma or a thousands separator. Write")
    [again] = plan(read_table(write_table([row.asked])), "a launch")
    assert again.outcome == Outcome.REFUSED


@pytest.mark.parametrize("limit", ["9" * 41, "9" * 5_000 + " GB"])
def test_a_limit_of_any_length_is_refused_briefly(resources, hanna, limit):
    """A cell of any length is a refused row, not an error, and is not repeated in the message."""
    [row] = plan([asked(hanna.id, limit)])
    assert (row.outcome, len(row.message) < 200) == (Outcome.REFUSED, True)


def test_a_plan_changes_nothing_and_shows_both_limits(resources, hanna, make_user):
    """Users are found by id and by mail in any case; each row says the limit before and after, and nothing is kept."""
    other = make_user(tier="hobby")
    by_id, by_mail = plan([asked(hanna.id), asked(other.email.upper(), "+50%")])
    assert (by_id.outcome, by_id.before, by_id.after) == (Outcome.NEW, "600 calls", "7 calls")
    assert (by_mail.outcome, by_mail.before, by_mail.after) == (Outcome.NEW, "120 calls", "180 calls")
    assert in_force_of(hanna) == in_force_of(other) == {}


@pytest.mark.parametrize(
    ("limit", "expected"), [("+50%", 900), ("-25 %", 450), ("+20", 620), ("-1000", 0), ("+0.01%", 601), ("8", 8)]
)
def test_a_relative_limit_goes_by_what_is_in_force(resources, hanna, limit, expected):
    """Percentages and differences are of the limit in force, rounded up, and never below nothing."""
    (row,) = plan([asked(hanna.id, limit)])
    assert row.wanted.limit == expected


def test_rows_that_cannot_be_are_refused_one_by_one(resources, hanna, make_user):
    """An unknown user or resource, a limit that is none, a past expiry, no reason, a repeated user: each says which."""
    unlimited = make_user(tier="unlimited")
    rows = [
        (asked("nobody@example.com"), "user: nobody"),
        (asked(hanna.id, resource="tea"), "resource: there is none named 'tea'"),
        (asked(hanna.id, "many"), "limit: "),
        (asked(unlimited.id, "+50%"), "limit: there is none in force"),
        (asked(hanna.id, resource="storage_bytes", expires_at="2020-01-01"), "expires_at: lies in the past"),
        (asked(hanna.id, resource="episodes_per_month", expires_at="soon"), "expires_at: 'soon' is no time"),
        (asked(make_user().id, reason=""), "reason: say why"),
        (asked(hanna.email, "8"), "An earlier row"),
    ]
    for planned, (_, said) in zip(plan([row for row, _ in rows]), rows, strict=True):
        assert planned.outcome == Outcome.REFUSED
        assert planned.message.startswith(said)


def test_an_end_is_a_day_a_moment_or_never(resources, hanna):
    """A day is within; a time without a zone is UTC; `never` has no end; nothing means seven days."""
    day, moment, endless, usual = (
        plan([asked(hanna.id, expires_at=text)])[0].wanted.expires_at
        for text in ("2099-12-24", "2099-12-24T18:00:00", "For good", "")
    )
    assert (day, moment, endless) == (datetime(2099, 12, 25, tzinfo=UTC), datetime(2099, 12, 24, 18, tzinfo=UTC), None)
    assert abs(usual - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_what_was_planned_is_done_and_audited(resources, hanna, make_user, allow):
    """New, changed, removed and refused rows come out as planned, each change with an entry of its own."""
    changed, removed = make_user(), make_user()
    allow(changed, "api_calls", 5)
    allow(removed, "api_calls", 5)
    rows = plan([asked(hanna.id), asked(changed.id, "6"), asked(removed.id, "remove"), asked("nobody")])
    before = Entry.objects.count()
    done = apply(people.actor(), rows)
    assert done.counts == {"new": 1, "changed": 1, "removed": 1, "same": 0, "refused": 1}
    assert (in_force_of(hanna), in_force_of(changed), in_force_of(removed)) == (
        {"api_calls": 7},
        {"api_calls": 6},
        {},
    )
    assert Entry.objects.count() == before + 3


def test_somebody_faster_loses_nothing(resources, hanna, make_user, allow):
    """An override that was changed after the plan is left as it is, and the other rows are done."""
    other = make_user()
    rows = plan([asked(hanna.id), asked(other.id)])
    allow(hanna, "api_calls", 99)
    done = apply(people.actor(), rows)
    assert [row.outcome for row in done.rows] == [Outcome.REFUSED, Outcome.NEW]
    assert "while you were editing" in done.rows[0].message
    assert in_force_of(hanna) == {"api_calls": 99}


def test_many_rows_raise_the_revision_once(resources, make_user):
    """Backends read the configuration again once for a table, and not once a row."""
    from ops_console.contract.queries import revision

    rows = plan([asked(make_user().id) for _ in range(5)])
    before = revision().revision
    apply(people.actor(), rows)
    assert revision().revision == before + 1


def test_an_export_is_an_import_that_changes_nothing(resources, hanna, allow):
    """What an export writes, an import reads: every row is the same as what is in force."""
    allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(days=2))
    lines = [",".join(f'"{cell}"' for cell in row) for row in export_rows()]
    rows = plan(read_table("\n".join(["user,email,resource,limit,expires_at,reason", *lines])))
    assert {row.outcome for row in rows} == {Outcome.SAME}


def test_a_viewer_changes_nothing(resources, hanna):
    """Who may not give one override may not give many."""
    with pytest.raises(NotAllowed):
        apply(people.actor(Role.VIEWER), plan([asked(hanna.id)]))
    assert not Override.objects.filter(user_id=hanna.id).exists()


def test_a_table_that_does_nothing_is_refused(resources, hanna):
    """Where no row changes anything, the person is told so rather than that all went well."""
    with pytest.raises(InvalidInput, match="no row changes anything"):
        apply(people.actor(), plan([asked("nobody")]))
