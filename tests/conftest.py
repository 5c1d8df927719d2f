"""For all tests."""

from hypothesis import settings

# A slow machine must not fail a test that is right.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
