#!/bin/sh
set -e
case ${1:-minio} in
minio | sh | bash | mc) exec "$@" ;;
*) exec minio "$@" ;;
esac
