"""Quotas and rate limits: what is in force, what is decided, and how a refusal is told."""
