"""The JSON API put together: its routers, its OpenAPI document and the page that explains it."""
