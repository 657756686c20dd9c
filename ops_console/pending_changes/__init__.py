"""Changes that must be answered at once although another session holds a lock: tried, else queued and retried."""
