"""Every router of /api/v1. A part of the console joins by one line here."""

from django.http import HttpRequest
from ninja import Router

from flags.api import flags_router, segments_router
from incidents.operations.api import router as operations
from incidents.operations.api_actions import router as operation_actions
from ops_console.api_base.schema import ConsoleAPI
from ops_console.api_base.scopes import any_token
from ops_console.audit.api import router as audit
from ops_console.contract.api import router as processes
from quotas.api import router as quotas

api = ConsoleAPI("What the console's pages do, for programs. docs/howto/api.md tells how to call it.")
document = Router()


@document.get("/openapi.json", auth=any_token, include_in_schema=False)
def openapi(request: HttpRequest) -> object:
    """This document, for every token."""
    return dict(api.get_openapi_schema())


api.add_router("", document)
api.add_router("", flags_router)
api.add_router("", segments_router)
api.add_router("", audit)
api.add_router("", quotas)
api.add_router("", operations)
api.add_router("", operation_actions)
api.add_router("", processes)
