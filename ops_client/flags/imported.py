"""Flags that were kept somewhere else, as rows that this product keeps."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops_client.flags.rules import Problem

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Imported:
    """What a dry run shows and an import stores.

    A row of `flags` has the fields of the view of flags as far as its source fills them (name, everyone, rules,
    variants, prerequisites, and for waffle percent and the audience), and besides `note`, `kind` (release, experiment,
    ops, permission), `tags` and `archived`. A row of `segments` has name, note and constraints. Every row can be
    stored as it stands; what could not be read is left out of it, which only ever keeps people out, and is told in
    `problems` (with an empty `flag` where it is no flag's).
    """

    flags: tuple[Row, ...]
    segments: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()
