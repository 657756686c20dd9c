"""Pure ASGI middlewares, one a file: nothing of a framework is needed."""
