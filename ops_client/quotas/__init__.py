"""Quotas and rate limits: the limit in force, the decision, and how a refusal is reported."""
