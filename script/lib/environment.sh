# The Python environment of the checkout: .venv. Needs say.sh and packages.sh.

# prepare_environment [EXTRA]: makes .venv and installs the project into it, with the extra's packages; again
# only when what it asks for has changed. Works in the current folder, the checkout.
prepare_environment() {
  local extra=${1:-} wanted
  if ! python_suits; then
    if ! can_install; then
      fail 69 'Python 3.11 or newer, with its venv module, is needed as python3.' \
        'On Debian or Ubuntu: apt-get install python3 python3-venv'
    fi
    install_packages python3 python3-venv
    python_suits || fail 69 "Python 3.11 or newer is needed; this machine's python3 is $(python3 --version 2>&1)."
  fi
  wanted="$extra $(cat setup.cfg pyproject.toml tests/constraints.txt | sha256sum)"
  if [ -x .venv/bin/pip ] && grep -qxF "$wanted" .venv/installed 2>/dev/null; then return; fi
  say "preparing .venv${extra:+ for $extra}"
  if [ ! -x .venv/bin/pip ]; then
    python3 -m venv .venv || fail 1 'python3 could not make .venv'
  fi
  .venv/bin/pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt --editable ".${extra:+[$extra]}" >&2 ||
    fail 1 'pip could not install the project into .venv'
  # What was installed with an extra serves without it as well; what is installed for the tests, for the site too.
  printf '%s\n' "$wanted" " ${wanted#* }" >.venv/installed
  if [ "$extra" = dev ]; then printf '%s\n' "docs ${wanted#* }" >>.venv/installed; fi
}

python_suits() { python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
