"""The jars of examples/studies/first-study.toml as an oTree project, for `cargo xtask bench participants --peer`.

The same pages in the same order: consent, instructions, one question of understanding (two tries), six jars shuffled, an
estimate and a rating each, one optional remark. What differs is said in README.md beside this file.
"""

from os import environ

SESSION_CONFIGS = [dict(name="jars", app_sequence=["jars"], num_demo_participants=2)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.0, participation_fee=0.0)
ROOMS = [dict(name="jars", display_name="Jars")]
PARTICIPANT_FIELDS = ["order"]
LANGUAGE_CODE = "en"
REAL_WORLD_CURRENCY_CODE = "USD"
USE_POINTS = False
ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = environ.get("OTREE_ADMIN_PASSWORD")
SECRET_KEY = "a bench has no secrets"
