"""Settings for every test: hypothesis is reproducible and never judged by the clock."""

import hypothesis

hypothesis.settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("default")
