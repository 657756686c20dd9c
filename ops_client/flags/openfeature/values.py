"""The value of a variant in the type that a caller asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from openfeature.exception import ParseError, TypeMismatchError
from openfeature.flag_evaluation import FlagValueType

from ops_client.errors import InvalidInput
from ops_client.flags.variants import Variant

T = TypeVar("T")
ObjectValue = Sequence[FlagValueType] | Mapping[str, FlagValueType]
# Raises TypeMismatchError where the variant has another type, ParseError where its payload cannot be read.
Reader = Callable[[Variant], T]


def boolean(variant: Variant) -> bool:
    """Is the flag on? A payload has no say in it."""
    return variant.feature_enabled


def text(variant: Variant) -> str:
    """A text; a variant without a payload is its name."""
    if variant.payload is None:
        return variant.name
    if variant.payload.type in {"string", "csv"}:
        return variant.payload.value
    value = _parsed(variant)
    if not isinstance(value, str):
        raise _mismatch(variant, "a text")
    return value


def integer(variant: Variant) -> int:
    """A whole number, also one that is written 3.0."""
    value = _number(variant)
    if isinstance(value, float) and not value.is_integer():
        raise _mismatch(variant, "a whole number")
    return int(value)


def floating(variant: Variant) -> float:
    """Any number that fits."""
    try:
        return float(_number(variant))
    except OverflowError as error:
        raise _mismatch(variant, "a number of this size") from error


def as_float(default: float) -> float:
    """A caller's default as the type that was asked for; one that is no number, or none of this size, as it is."""
    if isinstance(default, bool) or not isinstance(default, int):
        return default
    try:
        return float(default)
    except OverflowError:
        return default


def structure(variant: Variant) -> ObjectValue:
    """An object or a list; comma-separated values are a list of texts."""
    value = _parsed(variant)
    if not isinstance(value, dict | list):
        raise _mismatch(variant, "an object or a list")
    return value


def _number(variant: Variant) -> int | float:
    value = _parsed(variant)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(variant, "a number")
    return value


def _parsed(variant: Variant) -> object:
    if variant.payload is None:
        raise _mismatch(variant, "anything but its name")
    try:
        return variant.payload.parsed()
    except InvalidInput as error:
        raise ParseError(f"variant {variant.name}: {error.message}") from error


def _mismatch(variant: Variant, wanted: str) -> TypeMismatchError:
    return TypeMismatchError(f"variant {variant.name} is not {wanted}")
