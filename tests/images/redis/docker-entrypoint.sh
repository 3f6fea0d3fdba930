#!/bin/sh
# Options, or a configuration file, are meant for the server; root becomes redis.
set -e
case ${1:-} in
-* | *.conf) set -- redis-server "$@" ;;
esac
case ${1:-} in
redis-server | valkey-server)
  # Debian's build accepts only loopback without a password, the official one everybody.
  case $* in
  *protected-mode*) ;;
  *) if [ ! -f "${2:-}" ] || ! grep -q '^ *protected-mode' "$2"; then set -- "$@" --protected-mode no; fi ;;
  esac
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis:redis {} + 2>/dev/null || true
    exec setpriv --reuid=redis --regid=redis --clear-groups -- "$@"
  fi
  ;;
esac
exec "$@"
