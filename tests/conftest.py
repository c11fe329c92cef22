"""What holds for all tests."""

from hypothesis import settings

# A busy machine takes longer for an example now and then, which is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
