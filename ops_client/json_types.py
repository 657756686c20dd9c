"""Comparing decoded JSON with its types: in Python `1 == True` and `5 == 5.0`, in JSON these are different values."""

from collections.abc import Mapping


def same_json(one: object, other: object) -> bool:
    """Whether two values are the same JSON: numbers of one type with one spelling, no number equal to a truth value.

    Values that JSON does not have (decimals, times, enumerations of text) are compared with `==`.
    """
    if one is other:
        return True
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(same_json(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)  # -0.0 and 0.0 compare as equal and are written differently
    for kind in (bool, int, float):
        if isinstance(one, kind) or isinstance(other, kind):
            return isinstance(one, kind) and isinstance(other, kind) and one == other
    return one == other
