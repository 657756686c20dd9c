"""What tests of the client share."""

from hypothesis import settings

# A busy machine is no failure of the code: examples are bounded in number, not in time.
settings.register_profile("client", deadline=None)
settings.load_profile("client")
