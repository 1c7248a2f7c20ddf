"""Settings for commands that need no database and no environment: `policy lint`, `policy test` and `policy schema`.

With them a policy's own repository can check its files, in a checkout of the portal that nobody has set up.
"""

import os

from hitlportal.environment import environment

_environment = dict(os.environ)
os.environ.clear()
os.environ.update(environment.standalone())
try:
    from hitlportal.settings import *  # noqa: F403
finally:
    os.environ.clear()
    os.environ.update(_environment)

DATABASES = {}
