"""The human page: what the backend does now for one user."""
