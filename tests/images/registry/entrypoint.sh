#!/bin/sh
# A configuration file is served; registry's own commands are passed on.
set -e
case ${1:-} in
*.yml | *.yaml) set -- registry serve "$@" ;;
serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
