"""One file a subject; each holds a `router`."""
