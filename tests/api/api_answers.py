"""What every operation of the JSON API needs and answers: its scope, then what a viewer's, an operator's and an
admin's token with that scope hear.

Names and ids are of things that do not exist, so that 404 means "let in, and looked for it"; bodies are empty objects,
and nobody says If-Match. Without a token all hear 401, and without the scope 403.
"""

READ = "200 200 200"
READ_ONE = "404 404 404"

ANSWERS = {
    # Audit
    "audit_list": ("audit:read", READ),
    "audit_entry": ("audit:read", READ_ONE),
    # Flags
    "flag_list": ("flags:read", READ),
    "flag_show": ("flags:read", READ_ONE),
    "undefined_flags": ("flags:read", READ),
    "flag_create": ("flags:write", "403 422 422"),
    "flag_copy": ("flags:write", "403 422 422"),
    "flag_export": ("flags:read", READ),
    "flag_import": ("flags:write", "403 422 422"),
    "flag_edit": ("flags:write", "403 428 428"),
    "flag_state": ("flags:write", "403 422 422"),
    "flag_archive": ("flags:write", "403 428 428"),
    "flag_restore": ("flags:write", "403 428 428"),
    "flag_revert": ("flags:write", "403 422 422"),
    "flag_usage": ("flags:read", READ),
    "flag_history": ("flags:read", READ_ONE),
    "flag_why": ("flags:read", READ),
    "flag_preview": ("flags:read", READ_ONE),
    # Segments
    "segment_list": ("flags:read", READ),
    "segment_show": ("flags:read", READ_ONE),
    "segment_flags": ("flags:read", READ_ONE),
    "segment_create": ("flags:write", "403 422 422"),
    "segment_edit": ("flags:write", "403 428 428"),
    "segment_delete": ("flags:write", "403 428 428"),
    # Operations
    "operation_list": ("operations:read", READ),
    "operation_groups": ("operations:read", READ),
    "operation_page": ("operations:read", READ_ONE),
    "operation_act": ("operations:write", "403 422 422"),
    "operation_actions": ("operations:read", READ),
    "operation_action": ("operations:read", READ_ONE),
    "operation_action_step": ("operations:write", "403 422 422"),
    "operation_action_rate": ("operations:write", "403 422 422"),
    "operation_action_undo": ("operations:write", "403 404 404"),
    "operation_commands": ("operations:read", READ),
    "operation_command_again": ("operations:write", "403 404 404"),
    # Quotas
    "quota_users": ("quotas:read", "422 422 422"),
    "quota_user": ("quotas:read", READ_ONE),
    "quota_override_set": ("quotas:write", "403 422 422"),
    "quota_override_remove": ("quotas:write", "403 428 428"),
    "quota_usage_reset": ("quotas:write", "403 404 404"),
    "quota_overrides": ("quotas:read", READ),
    "quota_overrides_import": ("quotas:write", "403 422 422"),
    "quota_resources": ("quotas:read", READ),
    "quota_resource_create": ("quotas:write", "403 403 422"),
    "quota_resource": ("quotas:read", READ_ONE),
    "quota_resource_edit": ("quotas:write", "403 403 428"),
    "quota_tiers": ("quotas:read", READ),
    "quota_policies": ("quotas:read", READ),
    "quota_policy_effect": ("quotas:read", "422 422 422"),
    "quota_policy_try": ("quotas:write", "403 403 422"),
    "quota_refusals": ("quotas:read", READ_ONE),
    "quota_storage_recount": ("quotas:write", "403 404 404"),
    "quota_policy_set": ("quotas:write", "403 403 422"),
    "quota_policy_remove": ("quotas:write", "403 403 428"),
    # Processes
    "process_list": ("system:read", READ),
    "process_delete": ("system:write", "403 404 404"),
    "process_remove_lost": ("system:write", "403 422 422"),
    # About the API itself
    "openapi": ("", READ),
}
