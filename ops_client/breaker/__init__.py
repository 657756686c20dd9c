"""Circuit breakers: when to stop calling a provider, and when to try it again."""
