"""Where our flags answer otherwise than waffle's own tests expect, and why. Everything else of that suite passes."""

HASHED = "A percentage is a hash of the user, not a random draw that a cookie keeps."
NOT_CREATED = "A question creates no flag: the console lists names without one, and each flag has an audit entry."
NOT_CACHED = "waffle's cache is off: bulk updates, many-to-many changes and SQL do not flush it."
ONE_DATABASE = "Flags are read from the console's database, never from a replica that may lag."
SUPERUSERS = "A new flag is off for superusers too, and has no rollout mode: waffle's defaults are on and False."
NO_ROLLOUT = "waffle's rollout mode remembers a random draw; a hash needs no memory, so the field is not stored."
TWO_MODELS = "The test asks for the one permission named change_flag or delete_flag; there are two models."
OTHER_USER = "The test creates a django.contrib.auth User, which is swapped for the console's."
OTHER_FLAG = "The test creates a waffle.Flag, which is swapped for the console's."
OLD_DJANGO = "The test makes the middleware without get_response, which Django requires since 4.0."

DIFFERENCES = {
    "WaffleTests.test_persist_active_flag": HASHED,
    "WaffleTests.test_persist_inactive_flag": HASHED,
    "WaffleTests.test_percent": HASHED,
    "WaffleTests.test_reroll": HASHED,
    "FunctionTests.test_percent": HASHED,
    "WaffleTests.test_flag_created_dynamically_default_false": NOT_CREATED,
    "WaffleTests.test_flag_created_dynamically_default_true": NOT_CREATED,
    "SwitchTests.test_no_query": NOT_CACHED,
    "SwitchTests.test_switch_created_dynamically_false": NOT_CACHED,
    "SwitchTests.test_switch_created_dynamically_true": NOT_CACHED,
    "SampleTests.test_sample_created_dynamically_default_false": NOT_CACHED,
    "SampleTests.test_sample_created_dynamically_default_true": NOT_CACHED,
    "WaffleTests.test_everyone_on_read_from_write_db": ONE_DATABASE,
    "WaffleFlagManagementCommandTests.test_create": NO_ROLLOUT,
    "WaffleFlagManagementCommandTests.test_list": SUPERUSERS,
    "WaffleFlagManagementCommandTests.test_update": SUPERUSERS,
    "WaffleFlagManagementCommandTests.test_update_activate_everyone": SUPERUSERS,
    "WaffleFlagManagementCommandTests.test_update_deactivate_everyone": SUPERUSERS,
    "FlagAdminTests.test_flag_action_change": TWO_MODELS,
    "FlagAdminTests.test_flag_action_delete": TWO_MODELS,
    "WaffleFlagManagementCommandTests.test_user": OTHER_USER,
    "WaffleFlagManagementCommandTests.test_user_append": OTHER_USER,
    "WaffleFlagMixinTest.test_flag_must_be_active": OTHER_FLAG,
    "WaffleFlagMixinTest.test_flag_must_be_inactive": OTHER_FLAG,
    "WaffleFlagMixinTest.test_override_with_cookie": OTHER_FLAG,
    "test_middleware.test_set_cookies": OLD_DJANGO,
    "test_middleware.test_rollout_cookies": OLD_DJANGO,
    "test_middleware.test_testing_cookies": OLD_DJANGO,
}
