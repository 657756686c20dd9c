"""The answer to an error that the application did not handle, sent where CORS and the request id still reach it."""

from typing import Any

from ops_client.asgi.problems import send_problem
from ops_client.asgi.types import App, Message, Receive, Scope, Send

_PROBLEM = {
    "type": "about:blank",
    "title": "Internal Server Error",
    "status": 500,
    "code": "internal_error",
    "detail": "The server could not answer this request. Give the request id to support.",
}


class UnhandledErrorMiddleware:
    """Answers 500 as problem details and raises the error again, so that the server logs it and Sentry reports it.

    Starlette answers such errors outside of all middlewares: a script in a browser could not read that answer. An
    application with an own handler for Exception or 500, or in debug mode, is left to answer itself.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _answers_itself(scope.get("app")):
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            # What was begun cannot be taken back.
            if not started:
                await send_problem(send, _PROBLEM)
            raise


def _answers_itself(application: Any) -> bool:
    handlers = getattr(application, "exception_handlers", {})
    return bool(getattr(application, "debug", False)) or 500 in handlers or Exception in handlers
