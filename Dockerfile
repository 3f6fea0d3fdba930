# provision in an image of its own: for machines and CI jobs that have Docker and no Python. docs/integrations.md says how.
#
#   docker build -t provision .
#   docker build -t provision --build-arg PACKAGES="docker-cli docker-buildx git" .
#
# PYTHON is any Debian image with Python 3.11 or newer. PACKAGES are Debian's, beside the ssh client: `docker-cli` and
# `docker-buildx` for builds that need BuildKit, `git` for the commit in the revisions.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /source
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY provisioner ./provisioner
# No pip in what is kept, and of the 400 services of AWS's SDK only those that are called.
RUN python -m venv --without-pip /opt/provision \
 && python -m pip --python /opt/provision/bin/python install --no-cache-dir --disable-pip-version-check . \
 && cd /opt/provision/lib/python*/site-packages/botocore/data \
 && find . -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name secretsmanager ! -name 'sso*' ! -name sts ! -name signin \
      -exec rm -r {} +

FROM ${PYTHON}
ARG PACKAGES=""
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends openssh-client ${PACKAGES} >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
 && useradd --uid 1000 --create-home provision \
 && mkdir /work && chown provision /work
COPY --from=build /opt/provision /opt/provision
ENV PATH=/opt/provision/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER provision
WORKDIR /work
ENTRYPOINT ["provision"]
