"""Many overrides through the pages: the plan first, then what was seen is done, and nothing else."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ops_console.access.roles import Role
from quotas.models import Override
from quotas.queries import holding
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
IMPORT, MANY = "/quotas/overrides/import/", "/quotas/overrides/many/"


@pytest.fixture
def operator(resources):
    return signed_in(Role.OPERATOR)


def table(*users, limit="7"):
    return "user,resource,limit,reason\n" + "".join(f"{user.id},api_calls,{limit},a launch\n" for user in users)


def limit_of(user):
    return next((each.limit for each in holding() if each.user_id == user.id), None)


def test_a_table_is_shown_before_it_is_done(operator, hanna):
    """The first answer is a plan that changes nothing; posting the plan that was seen does it."""
    answer = operator.post(IMPORT, {"table": table(hanna)})
    assert answer.context["counts"]["new"] == 1
    assert limit_of(hanna) is None
    done = operator.post(IMPORT, answer.context["kept"])
    assert done.context["finished"]
    assert limit_of(hanna) == 7


def test_a_plan_that_is_out_of_date_is_shown_again(operator, hanna, allow):
    """When somebody changed an override since, nothing is done, and the new plan says so."""
    kept = operator.post(IMPORT, {"table": table(hanna)}).context["kept"]
    allow(hanna, "api_calls", 99)
    answer = operator.post(IMPORT, kept)
    assert "Somebody changed an override meanwhile" in answer.content.decode()
    assert limit_of(hanna) == 99


def test_a_file_is_read_like_pasted_text(operator, hanna):
    """An uploaded file gives the same plan."""
    file = SimpleUploadedFile("limits.csv", b"\xef\xbb\xbf" + table(hanna).encode(), "text/csv")
    assert operator.post(IMPORT, {"file": file}).context["counts"]["new"] == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
def test_a_spreadsheet_in_another_encoding_is_read(operator, hanna, encoding):
    """Its reasons keep their letters; only an encoding that had to be guessed is said."""
    given = f"sep=;\nuser;resource;limit;reason\n{hanna.id};api_calls;7;Größe\n".encode(encoding)
    answer = operator.post(IMPORT, {"file": SimpleUploadedFile("limits.csv", given, "text/csv")})
    assert answer.context["rows"][0].wanted.reason == "Größe"
    assert ("was read as Windows-1252" in answer.content.decode()) is (encoding == "cp1252")
    operator.post(IMPORT, answer.context["kept"])
    assert Override.objects.get(user_id=hanna.id).reason == "Größe"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"user,limit\n"])
def test_a_file_that_cannot_be_read_is_told_so(operator, content):
    """Another encoding, an empty file, a wrong header: the form again, with what would be right."""
    answer = operator.post(IMPORT, {"file": SimpleUploadedFile("limits.csv", content)})
    assert answer.status_code == 422
    assert answer.context["form"].errors


def test_many_users_get_one_change(operator, hanna, make_user):
    """Ids and mails, one a line, become a plan with a relative limit for each of them."""
    other = make_user(tier="hobby")
    given = {
        "users": f"{hanna.id}\n\n {other.email},\nnobody@example.com",
        "resource": "api_calls",
        "limit": "+50%",
        "expires_at": "2099-12-25",
        "reason": "a busy weekend",
    }
    answer = operator.post(MANY, given)
    assert [answer.context["counts"][name] for name in ("new", "refused")] == [2, 1]
    operator.post(IMPORT, answer.context["kept"])
    assert (limit_of(hanna), limit_of(other)) == (900, 180)
    assert {each.reason for each in Override.objects.filter(user_id__in=[hanna.id, other.id])} == {"a busy weekend"}


def test_the_report_can_be_kept(operator, hanna):
    """The plan as CSV has every row with what would come of it, and does nothing."""
    kept = operator.post(IMPORT, {"table": table(hanna)}).context["kept"]
    answer = operator.post(IMPORT, {**kept, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["user"], row["outcome"], row["after"]) for row in rows] == [(hanna.email, "new", "7 calls")]
    assert limit_of(hanna) is None


def test_the_export_can_be_imported(operator, hanna, allow):
    """What is downloaded can be sent back, and changes nothing."""
    allow(hanna, "api_calls", 7)
    text = b"".join(operator.get("/quotas/overrides/export/").streaming_content).decode()
    counts = operator.post(IMPORT, {"table": text}).context["counts"]
    assert counts["same"] == sum(counts.values()) > 0


def test_markup_in_a_table_stays_text(operator):
    """What was written for a user is shown, and never run."""
    answer = operator.post(IMPORT, {"table": "user,resource,limit\n<script>alert(1)</script>,api_calls,7\n"})
    assert "<script>alert(1)" not in answer.content.decode()
