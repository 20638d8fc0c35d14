from hypothesis import settings

# Decisions are quick; a busy machine is no reason to fail.
settings.register_profile("decisions", deadline=None)
settings.load_profile("decisions")
