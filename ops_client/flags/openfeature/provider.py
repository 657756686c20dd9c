"""The provider: OpenFeature's questions, asked of an OpsClient."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import (
    FlagNotFoundError,
    InvalidContextError,
    OpenFeatureError,
    ProviderNotReadyError,
    TargetingKeyMissingError,
    TypeMismatchError,
)
from openfeature.flag_evaluation import FlagMetadata, FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from ops_client.flags.buckets import USER_ID
from ops_client.flags.changes import changed_flags
from ops_client.flags.compile import Snapshot
from ops_client.flags.context import Context
from ops_client.flags.evaluate import Decision
from ops_client.flags.explain import Reason as Why
from ops_client.flags.openfeature import values
from ops_client.flags.openfeature.reasons import lacks_targeting_key, reason
from ops_client.flags.openfeature.values import ObjectValue, Reader

if TYPE_CHECKING:
    from ops_client.client import OpsClient

T = TypeVar("T")


class Standing(Enum):
    """What there is to answer from: nothing, the last known flags, or what the database says."""

    NOTHING = "nothing"
    STALE = "stale"
    READY = "ready"


class OpsProvider(AbstractProvider):
    """The flags of an OpsClient. The client belongs to who made it: `shutdown` leaves it open.

    A boolean is whether the flag is on: False where it is off, never the caller's default, which a kill switch must
    not depend on. Every other type is the payload of the variant, a text also the name of a variant without one;
    there, a flag that is off gives the caller's default. The targeting key is our `user_id`, unless an
    attribute says that. While the database is away, answers carry the reason STALE, and their own in the metadata.
    """

    def __init__(self, client: "OpsClient") -> None:
        super().__init__()
        self._client = client
        # What is known since `initialize`, and what OpenFeature has been told.
        self._known: Standing | None = None
        self._told = Standing.NOTHING

    def get_metadata(self) -> Metadata:
        return Metadata(name="ops-client")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Load the flags and follow them. Raises ProviderNotReadyError where neither database nor file has any."""
        self._client.start()
        self._client.flags.watch(self)
        self._known = self._look()
        if self._known is Standing.NOTHING:
            raise ProviderNotReadyError("there are no flags yet: the database is away, and no snapshot was saved")
        # The SDK says READY when this returns, whatever we know; the next look at the database corrects it.
        self._told = Standing.READY

    def shutdown(self) -> None:
        self._client.flags.unwatch(self)
        self._known = None

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context, values.boolean)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context, values.text)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._resolve(flag_key, default_value, evaluation_context, values.integer)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        # Callers write 1 for 1.0. The SDK refuses an int as a float, also where it is the caller's own default.
        return self._resolve(flag_key, values.as_float(default_value), evaluation_context, values.floating)

    def resolve_object_details(
        self, flag_key: str, default_value: ObjectValue, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[ObjectValue]:
        return self._resolve(flag_key, default_value, evaluation_context, values.structure)

    def changed(self, before: Snapshot, after: Snapshot) -> None:
        """A new snapshot is in force: say which flags may answer otherwise."""
        if names := changed_flags(before, after):
            details = ProviderEventDetails(flags_changed=names, metadata={"revision": after.revision})
            self.emit_provider_configuration_changed(details)

    def standing(self, source: str, reachable: bool) -> None:
        """The database was looked at: say so where that changes what we stand on."""
        self._known = _standing(source, reachable)
        before, self._told = self._told, self._known
        if self._told is before:
            return
        if self._told is Standing.READY:
            self.emit_provider_ready(ProviderEventDetails(message="the flags are what the database says"))
        elif self._told is Standing.STALE:
            self.emit_provider_stale(ProviderEventDetails(message="the database is away; the last flags stay in force"))

    def _resolve(
        self, key: str, default: T, given: EvaluationContext | None, read: Reader[T]
    ) -> FlagResolutionDetails[T]:
        try:
            context = _context(given)
            decision = self._client.flags.decide(key, context)
            if decision is None:
                return self._undefined(key, default, context, read)
            return self._defined(decision, default, context, read)
        except OpenFeatureError as error:
            return FlagResolutionDetails(
                default, error.error_code, error.error_message, Reason.ERROR, flag_metadata=self._metadata()
            )

    def _defined(self, decision: Decision, default: T, context: Context, read: Reader[T]) -> FlagResolutionDetails[T]:
        name, variant = decision.definition.name, decision.variant
        if not variant.feature_enabled and not context.get(USER_ID):
            self._require_key(name, context)
        boolean = read is values.boolean
        why = reason(decision, context, not boolean)
        return FlagResolutionDetails(
            value=read(variant) if boolean or variant.enabled else _without_variant(decision, default),
            reason=Reason.STALE if self._now() is Standing.STALE else why,
            variant=variant.name if variant.enabled else None,
            flag_metadata=self._metadata(decision, why),
        )

    def _require_key(self, name: str, context: Context) -> None:
        if lacks_targeting_key(self._client.flags.explain(name, context)):
            raise TargetingKeyMissingError(f"{name} is on for a share of the users, and the context names none")

    def _undefined(self, key: str, default: T, context: Context, read: Reader[T]) -> FlagResolutionDetails[T]:
        found = self._client.flags.explain(key, context)
        if found.reason is Why.ENVIRONMENT:
            value = read(found.variant) if read is values.boolean else default
            return FlagResolutionDetails(value, reason=Reason.DEFAULT, flag_metadata=self._metadata())
        if self._now() is Standing.NOTHING:
            raise ProviderNotReadyError("there are no flags yet")
        raise FlagNotFoundError(found.sentence)

    def _now(self) -> Standing:
        return self._known or self._look()

    def _look(self) -> Standing:
        status = self._client.status()
        return _standing(status["source"], status["reachable"])

    def _metadata(self, decision: Decision | None = None, why: Reason | None = None) -> FlagMetadata:
        found: dict[str, bool | int | float | str] = {"revision": self._client.flags.snapshot.revision}
        if decision is not None and why is not None:
            found |= {"version": decision.definition.version, "reason": str(why)}
            if decision.rule is not None:
                found["rule"] = decision.rule.name
        return found


def _standing(source: str, reachable: bool) -> Standing:
    if source == "none":
        return Standing.NOTHING
    return Standing.READY if reachable and source == "database" else Standing.STALE


def _context(given: EvaluationContext | None) -> Context:
    if given is None:
        return {}
    key, attributes = given.targeting_key, given.attributes
    if not isinstance(attributes, Mapping):
        raise InvalidContextError("attributes are a mapping of names to values")
    if key is not None and not isinstance(key, str):
        raise InvalidContextError("the targeting key is text")
    return attributes if key is None or USER_ID in attributes else {**attributes, USER_ID: key}


def _without_variant(decision: Decision, default: T) -> T:
    """The default, unless the flag is on and could never say anything but on or off."""
    definition = decision.definition
    if decision.variant.feature_enabled and not (
        definition.variants or any(rule.variants for rule in definition.rules)
    ):
        raise TypeMismatchError(f"{definition.name} is on or off: it has no variants")
    return default
