"""Who a request is for: `?user=` holds an id or a mail."""

from typing import Annotated

from fastapi import Depends, Query

from demo.backend import BackendHere
from demo.people import Person
from demo.problems import Problem

UserKey = Annotated[str | None, Query(alias="user", max_length=320, description="id or mail of a user")]


def asked_person(backend: BackendHere, user: UserKey = None) -> Person | None:
    """The user that the request names, None where it names none; 404 where there is no such user."""
    if not user:
        return None
    person = backend.people.find(user)
    if person is None:
        raise Problem(404, "No such user", "user: no user has this id or mail.")
    return person


AskedPerson = Annotated[Person | None, Depends(asked_person)]


def needed_person(person: AskedPerson) -> Person:
    """The user that the request names; 422 where it names none."""
    if person is None:
        raise Problem(422, "User missing", "user: say whose request this is, by id or mail (?user=...).")
    return person


NeededPerson = Annotated[Person, Depends(needed_person)]
