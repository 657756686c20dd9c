"""What every address of the console answers to whom: nobody, viewer, operator, admin; first to GET, then to POST.

Ids in the addresses are of things that do not exist, so that 404 means "let in, and looked for it". Sent forms are
empty. 302 for nobody leads to the sign-in page. A pattern with a star stands for one kind of page of Django's admin.
"""

READ = "302 200 200 200 / 302 403 405 405"
READ_ONE = "302 404 404 404 / 302 403 405 405"
ACTS_ON_ONE = "302 405 405 405 / 302 403 404 404"
ADMIN_READS = "302 403 403 200 / 302 403 403 405"
ADMIN_READS_ONE = "302 403 403 404 / 302 403 403 405"
ADMIN_FORM = "302 403 403 200 / 302 403 403 422"
ADMIN_ASKS_ONE = "302 403 403 404 / 302 403 403 404"
OWN = "302 200 200 200 / 302 200 200 200"

ANSWERS = {
    # Signing in, and one's own account
    "account_login": "200 302 302 302 / 200 302 302 302",
    "account_logout": "405 405 405 405 / 302 302 302 302",
    "account_inactive": "200 200 200 200 / 405 405 405 405",
    "account_reauthenticate": OWN,
    "account_change_password": OWN,
    "usersessions_list": "302 200 200 200 / 302 302 302 302",
    "mfa_index": "302 200 200 200 / 302 405 405 405",
    "mfa_authenticate": "302 302 302 302 / 302 302 302 302",
    "mfa_reauthenticate": "302 302 302 302 / 302 302 302 302",
    "mfa_activate_totp": "302 302 302 302 / 302 302 302 302",
    "mfa_deactivate_totp": "302 404 404 404 / 302 404 404 404",
    "mfa_view_recovery_codes": "302 404 404 404 / 302 405 405 405",
    "mfa_generate_recovery_codes": "302 302 302 302 / 302 302 302 302",
    "mfa_download_recovery_codes": "302 404 404 404 / 302 404 404 404",
    "mfa_list_webauthn": "302 200 200 200 / 302 405 405 405",
    "mfa_add_webauthn": "302 302 302 302 / 302 302 302 302",
    "mfa_reauthenticate_webauthn": "302 302 302 302 / 302 302 302 302",
    "mfa_remove_webauthn": "302 302 302 302 / 302 302 302 302",
    "mfa_edit_webauthn": "302 302 302 302 / 302 302 302 302",
    "mfa_login_webauthn": "302 302 302 302 / 302 302 302 302",
    # Access
    "access:users": ADMIN_READS,
    "access:invite": ADMIN_FORM,
    "access:second_factor": "302 403 403 405 / 302 403 403 422",
    "access:sign_out_me": "302 405 405 405 / 302 303 303 303",
    "access:accept": "404 404 404 404 / 404 404 404 404",
    "access:tokens": "302 200 200 200 / 302 405 405 405",
    "access:token_new": "302 200 200 200 / 302 422 422 422",
    "access:token_revoke": "302 404 404 404 / 302 404 404 404",
    "access:user": ADMIN_READS_ONE,
    "access:change_role": "302 403 403 405 / 302 403 403 404",
    "access:make_link": "302 403 403 405 / 302 403 403 404",
    "access:deactivate": ADMIN_ASKS_ONE,
    "access:reactivate": "302 403 403 405 / 302 403 403 422",
    "access:sign_out": "302 403 403 405 / 302 403 403 404",
    "access:remove_second_factors": ADMIN_ASKS_ONE,
    # Audit
    "audit:list": READ,
    "audit:entry": READ_ONE,
    # Django's admin
    "admin:index": "302 403 403 200 / 302 403 403 200",
    "admin:login": "302 302 302 302 / 302 302 302 302",
    "admin:logout": "302 403 403 302 / 302 403 403 302",
    "admin:password_change": "302 403 403 302 / 302 403 403 302",
    "admin:password_change_done": "302 403 403 200 / 302 403 403 405",
    "admin:autocomplete": "302 403 403 403 / 302 403 403 405",
    "admin:jsi18n": "302 403 403 200 / 302 403 403 405",
    "admin:view_on_site": "302 403 403 404 / 302 403 403 404",
    "admin:app_list": "302 403 403 404 / 302 403 403 404",
    "admin:*_changelist": "302 403 403 200 / 302 403 403 200,302",
    "admin:*_add": "302 403 403 200,403 / 302 403 403 200,403",
    "admin:*_history": "302 403 403 302 / 302 403 403 302",
    "admin:quotas_resource_delete": "302 403 403 403 / 302 403 403 403",
    "admin:*_delete": "302 403 403 302,403 / 302 403 403 302,403",
    "admin:*_change": "302 403 403 302 / 302 403 403 302,403",
    "admin:unnamed": "302 403 403 302,404 / 302 403 403 302,404",
    # The console's own pages
    "overview": READ,
    "search": READ,
    "system": READ,
    # The sweep
    "sweep:overview": READ,
    "sweep:run": READ_ONE,
    "sweep:arm": ADMIN_ASKS_ONE,
    "sweep:disarm": ACTS_ON_ONE,
    # Operations
    "operations:list": READ,
    "operations:groups": READ,
    "operations:page": READ_ONE,
    "operations:act": "302 403 422 422 / 302 403 422 422",
    "operations:actions": READ,
    "operations:action": READ_ONE,
    "operations:cancel": ACTS_ON_ONE,
    "operations:pause": ACTS_ON_ONE,
    "operations:resume": ACTS_ON_ONE,
    "operations:rate": ACTS_ON_ONE,
    "operations:take_back": "302 403 404 404 / 302 403 404 404",
    "operations:dead": READ,
    "operations:send_again": ACTS_ON_ONE,
    # Flags
    "flags:list": READ,
    "flags:new": "302 403 200 200 / 302 403 200 200",
    "flags:page": READ_ONE,
    "flags:bulk": "302 405 405 405 / 302 403 422 422",
    "flags:undefined": READ,
    "flags:segments": READ,
    "flags:segment-new": "302 403 200 200 / 302 403 422 422",
    "flags:segment": "302 404 404 404 / 302 403 404 404",
    "flags:segment-delete": "302 403 404 404 / 302 403 404 404",
    "flags:rules": "302 403 404 404 / 302 403 404 404",
    "flags:variants": "302 403 404 404 / 302 403 404 404",
    "flags:settings": "302 403 404 404 / 302 403 404 404",
    "flags:why": READ_ONE,
    "flags:history": READ_ONE,
    "flags:revert": "302 403 404 404 / 302 403 404 404",
    "flags:state": "302 403 404 404 / 302 403 404 404",
    "flags:archive": "302 403 404 404 / 302 403 404 404",
    "flags:restore": "302 403 404 404 / 302 403 404 404",
    # Quotas
    "quotas:list": READ,
    "quotas:user": "302 404 404 404 / 302 403 405 405",
    "quotas:override": "302 403 404 404 / 302 403 404 404",
    "quotas:remove": "302 405 405 405 / 302 403 404 404",
    "quotas:reset": "302 403 404 404 / 302 403 404 404",
    "quotas:place": "302 403 404 404 / 302 403 404 404",
    "quotas:room": "302 403 404 404 / 302 403 404 404",
    "quotas:recount": "302 405 405 405 / 302 403 404 404",
    "quotas:correct": "302 405 405 405 / 302 403 404 404",
    "quotas:recount-all": "302 403 403 405 / 302 403 403 404",
    "quotas:drifts": READ,
    "quotas:restore": ACTS_ON_ONE,
    "quotas:export": READ,
    "quotas:import": "302 403 200 200 / 302 403 422 422",
    "quotas:many": "302 403 200 200 / 302 403 422 422",
    "quotas:tiers": READ,
    "quotas:policy": ADMIN_ASKS_ONE,
    "quotas:resources": READ,
    "quotas:resource-new": ADMIN_FORM,
    "quotas:resource": ADMIN_ASKS_ONE,
    # Breakers
    "breakers:list": READ,
    "breakers:page": READ_ONE,
    "breakers:override": "302 403 404 404 / 302 403 404 404",
    "breakers:clear": "302 403 405 405 / 302 403 404 404",
    # The JSON API: no session opens it. What tokens hear stands in tests/api/api_answers.py
    "api_docs": READ,
    "api:*": "401 401 401 401 / 401 401 401 401",
    # Live updates
    "live": "302 204 204 204 / 302 403 204 204",
}
