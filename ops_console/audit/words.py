"""What an action is called on pages: `flag.off` is "Flag turned off"; the code stays in filters and for programs."""

_WHOLE = {
    "access.require_second_factor": "Second factor required of everybody",
    "access.revert_policy": "Second-factor policy reverted",
    "change_request.approve": "Change approved",
    "change_request.break_glass": "Change applied without approval",
    "change_request.create": "Change requested",
    "change_request.reject": "Change rejected",
    "change_request.withdraw": "Change request withdrawn",
    "alert.acknowledge": "Alert acknowledged",
    "alert.release": "Acknowledgement withdrawn",
    "breaker.clear_override": "Breaker override removed",
    "breaker.disabled": "Breaker disabled",
    "breaker.force_closed": "Breaker forced closed",
    "breaker.force_open": "Breaker forced open",
    "export.download": "Exported as a file",
    "breaker.queue": "Breaker override queued",
    "breaker.refuse": "Queued breaker override refused",
    "flag.queue": "Flag change queued",
    "flag.refuse": "Queued flag change refused",
    "flag.list": "Flag's user list changed",
    "flag.off": "Flag turned off for everyone",
    "flag.on": "Flag turned on for everyone",
    "flag.rules": "Flag set to its rules",
    "operations.send_again": "Command sent again",
    "operations.take_back": "Bulk action reverted",
    "override.set": "Override given",
    "person.change_password": "Own password changed",
    "person.change_role": "Role changed",
    "person.change_second_factor": "Own second factor changed",
    "person.remove_second_factors": "Second factors removed",
    "person.set_password": "Password set",
    "person.second_factor_failed": "Second factor refused",
    "person.sign_in": "Signed in",
    "person.sign_in_failed": "Sign-in failed",
    "person.sign_out": "Signed out",
    "person.sign_out_everywhere": "Signed out everywhere",
    "policy.try": "Tier limit put on trial",
    "process.remove_lost": "Lost processes removed",
    "session.terminate": "Database session ended",
    "storage.recount": "Storage measured",
    "token.new_address": "API token used from a new address",
}
_THINGS = {
    "alert_rule": "Alert rule",
    "policy": "Tier limit",
    "storage": "Stored amount",
    "token": "API token",
}
_DONE = {
    "acknowledge": "acknowledged",
    "arm": "armed",
    "cancel": "cancelled",
    "copy": "copied",
    "correct": "corrected",
    "create": "created",
    "disarm": "disarmed",
    "edit": "changed",
    "fail": "failed",
    "free": "freed",
    "insert": "created",
    "pause": "paused",
    "reset": "reset",
    "resolve": "marked resolved",
    "retry": "retried",
    "revert": "reverted",
    "revoke": "revoked",
    "set": "changed",
    "snooze": "snoozed",
    "update": "changed",
}


def action_in_words(action: str) -> str:
    """The title of an entry with this action; whoever writes to the database may have invented the code."""
    if action in _WHOLE:
        return _WHOLE[action]
    thing, _, verb = action.partition(".")
    # What is left is regular: deactivate, invite, release, remove.
    done = _DONE.get(verb) or f"{verb.replace('_', ' ')}{'d' if verb.endswith('e') else 'ed'}"
    return f"{_THINGS.get(thing) or thing.replace('_', ' ').capitalize()} {done}" if verb else action
