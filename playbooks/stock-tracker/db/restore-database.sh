#!/bin/sh
# Puts a dump of `pg_dump --format=custom`, read from standard input, in the place of the whole database.
# Nothing else may use the database meanwhile. TimescaleDB wants to be told before and after.
set -eu

dump=$(mktemp)
trap 'rm -f "$dump"' EXIT
cat >"$dump"
# A dump that was cut off is found here, before anything is dropped.
pg_restore --list "$dump" >/dev/null

query() { psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$1" -c "$2" >/dev/null; }

# TimescaleDB's workers are asked to end before their database goes: one of them is otherwise ended in the middle of something.
if query "$POSTGRES_DB" "select '_timescaledb_functions'::regnamespace" 2>/dev/null; then
  query "$POSTGRES_DB" 'select _timescaledb_functions.stop_background_workers()'
fi
query postgres "drop database if exists \"$POSTGRES_DB\" with (force)"
query postgres "create database \"$POSTGRES_DB\""
query "$POSTGRES_DB" 'create extension if not exists timescaledb'
query "$POSTGRES_DB" 'select timescaledb_pre_restore()'
pg_restore --no-owner --exit-on-error -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$dump"
query "$POSTGRES_DB" 'select timescaledb_post_restore()'
