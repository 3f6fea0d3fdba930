#!/bin/bash
# The first start makes the cluster, the user and the database, then runs the scripts in
# /docker-entrypoint-initdb.d against a server that listens on its socket only. Every start
# ends as the server itself.
set -Eeuo pipefail

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# value NAME [DEFAULT]: exports NAME from the variable, from the file that NAME_FILE names, or the default.
value() {
  local name=$1 file=${1}_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then fail "$name and $file are both set"; fi
  if [ -n "${!file:-}" ]; then
    export "$name=$(<"${!file}")"
  else
    export "$name=${!name:-${2:-}}"
  fi
  unset "$file"
}

query() {
  psql --set ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"
}

run_script() {
  echo "running $1"
  case $1 in
  *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
  *.sql) query --dbname "$POSTGRES_DB" --file "$1" ;;
  *.sql.gz) gunzip -c "$1" | query --dbname "$POSTGRES_DB" ;;
  *.sql.xz) xz -dc "$1" | query --dbname "$POSTGRES_DB" ;;
  *.sql.zst) zstd -dcq "$1" | query --dbname "$POSTGRES_DB" ;;
  *) echo "ignoring $1" ;;
  esac
}

make_cluster() {
  local password
  # initdb refuses a user id without a name (docker run --user 1234).
  if ! getent passwd "$(id -u)" >/dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp)
    NSS_WRAPPER_GROUP=$(mktemp)
    export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP LD_PRELOAD=libnss_wrapper.so
    echo "postgres:x:$(id -u):$(id -g)::$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
  fi
  password=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
  # The variable holds several options.
  # shellcheck disable=SC2086
  initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" ${POSTGRES_PASSWORD:+--pwfile="$password"} $POSTGRES_INITDB_ARGS
  rm -f "$password"
  unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

first_start() {
  local script
  value POSTGRES_USER postgres
  value POSTGRES_DB "$POSTGRES_USER"
  value POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    fail 'Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD'
  fi
  make_cluster
  PGUSER=$POSTGRES_USER pg_ctl --pgdata "$PGDATA" --wait -o "-c listen_addresses='' -p 5432" start
  export PGPASSWORD=$POSTGRES_PASSWORD
  if [ "$POSTGRES_DB" != postgres ]; then
    query --dbname postgres --set database="$POSTGRES_DB" <<<'CREATE DATABASE :"database";'
  fi
  for script in /docker-entrypoint-initdb.d/*; do
    if [ -e "$script" ]; then run_script "$script"; fi
  done
  PGUSER=$POSTGRES_USER pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
  unset PGPASSWORD
  echo 'PostgreSQL init process complete; ready for start up.'
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "${1:-}" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA"
    chmod 3777 /var/run/postgresql
    find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres {} + || true
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  value POSTGRES_PASSWORD
  if [ -s "$PGDATA/PG_VERSION" ]; then
    echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
  else
    first_start
  fi
fi
exec "$@"
