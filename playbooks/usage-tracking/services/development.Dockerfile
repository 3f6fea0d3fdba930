# For work on the services: their packages, and a program that starts one again when a source changes. The sources are
# mounted, not copied, so that a change to them is no change of this image.
FROM python:3.12-slim AS packages
COPY requirements.txt ./
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM packages AS development
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check watchfiles==1.3.0
RUN groupadd --gid 10001 usage && useradd --uid 10001 --gid usage --no-create-home usage
WORKDIR /app
USER 10001:10001
