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
    # About the API itself
    "openapi": ("", READ),
}
