"""`api`, for uvicorn and gunicorn."""

from ichrisbirch.api import create_api
from ichrisbirch.settings import from_environment

api = create_api(from_environment())
