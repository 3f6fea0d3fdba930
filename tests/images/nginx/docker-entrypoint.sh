#!/bin/sh
# Before the server: templates become configuration, replacing only variables that exist
# (so $host stays), and the scripts in /docker-entrypoint.d run.
set -e
case ${1:-} in
nginx | nginx-debug)
  for script in /docker-entrypoint.d/*.envsh; do
    if [ -x "$script" ]; then . "$script"; fi
  done
  templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
  suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
  output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
  filter=${NGINX_ENVSUBST_FILTER:-}
  if [ -d "$templates" ]; then
    known=$(env | cut -d= -f1 | grep -E '^[A-Za-z_][A-Za-z0-9_]*$' | grep -E "$filter" | sed 's/.*/${&}/' | tr '\n' ' ')
    find -L "$templates" -type f -name "*$suffix" | sort | while read -r template; do
      result=$output/${template#"$templates"/}
      result=${result%"$suffix"}
      mkdir -p "$(dirname "$result")"
      envsubst "$known" <"$template" >"$result"
    done
  fi
  for script in /docker-entrypoint.d/*.sh; do
    if [ -x "$script" ]; then "$script"; fi
  done
  ;;
esac
exec "$@"
