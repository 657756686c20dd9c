"""Feature flags: what a flag says (rules), who it lets in (evaluate), and all of them at hand (compile)."""
