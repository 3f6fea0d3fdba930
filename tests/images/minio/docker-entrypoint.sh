#!/bin/bash
# [minio] server FOLDER [--address :9000] [--console-address :9001], with MINIO_ROOT_USER and
# MINIO_ROOT_PASSWORD, or the files that *_FILE name.
set -euo pipefail

fail() {
  printf 'ERROR %s\n' "$*" >&2
  exit 1
}

if [ "${1:-}" = minio ]; then shift; fi
if [ $# -eq 0 ]; then
  echo 'minio server FOLDER [--address :9000] [--console-address :9001]'
  exit 0
fi
if [ "$1" != server ]; then exec "$@"; fi
shift

folder=/data address=:9000 console=:9001
while [ $# -gt 0 ]; do
  case $1 in
  --address | --console-address) set -- "$1=${2:-}" "${@:3}"; continue ;;
  --address=*) address=${1#*=} ;;
  --console-address=*) console=${1#*=} ;;
  -*) ;;
  *) folder=$1 ;;
  esac
  shift
done

user=${MINIO_ROOT_USER:-minioadmin}
password=${MINIO_ROOT_PASSWORD:-minioadmin}
# As minio does, a relative name is one of a secret.
if [ -n "${MINIO_ROOT_USER_FILE:-}" ]; then user=$(cd /run/secrets 2>/dev/null || cd /; cat "$MINIO_ROOT_USER_FILE"); fi
if [ -n "${MINIO_ROOT_PASSWORD_FILE:-}" ]; then
  password=$(cd /run/secrets 2>/dev/null || cd /; cat "$MINIO_ROOT_PASSWORD_FILE")
fi
if [ ${#user} -lt 3 ] || [ ${#password} -lt 8 ]; then
  fail 'Invalid credentials: MINIO_ROOT_USER needs at least 3 and MINIO_ROOT_PASSWORD at least 8 characters'
fi

store=$folder/.store
mkdir -p "$store"
options=(--no-mon-config --dbstore-db-dir="$store" --dbstore-config-uri="file:$store/config.db" --rgw-data="$store")
admin() { radosgw-admin "${options[@]}" "$@" --uid root 2>/dev/null; }
if ! admin user info | grep -qF "\"secret_key\": \"$password\""; then
  # A key can only be given together with a new user, and a user who has buckets can not be removed.
  admin user rm >/dev/null || true
  admin user create --display-name root --access-key "$user" --secret-key "$password" >/dev/null ||
    fail "$folder was made with another user or password"
fi

cat >/tmp/nginx.conf <<NGINX
worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  server {
    listen ${address##*:};
    location /minio/health/ { return 200; }
    location / {
      proxy_pass http://127.0.0.1:7480;
      proxy_set_header Host \$http_host;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
  server {
    listen ${console##*:};
    default_type text/html;
    location / { return 200 "<!doctype html><title>MinIO Console (stand-in)</title>\n"; }
  }
}
NGINX
nginx -c /tmp/nginx.conf
exec radosgw "${options[@]}" -f --log-to-stderr --debug-rgw 0 --rgw-frontends='beast endpoint=127.0.0.1:7480'
