"""`app`, for Flask's own server and gunicorn."""

import os

from ichrisbirch.app import create_app
from ichrisbirch.settings import from_environment

app = create_app(from_environment(), dict(os.environ))
