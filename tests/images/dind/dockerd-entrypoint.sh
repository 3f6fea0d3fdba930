#!/bin/sh
# Options are dockerd's. Works with --privileged, and with every capability but one where that is refused.
set -e
case ${1:-} in
'' | -*) set -- dockerd "$@" ;;
esac
if [ "$1" != dockerd ]; then exec "$@"; fi
# Without --privileged these arrive read-only.
for folder in /sys /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint -q "$folder"; then mount -o remount,bind,rw "$folder"; fi
done
# Version 2 of control groups: no process may sit in a group that hands controllers down.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  while read -r process; do echo "$process" >/sys/fs/cgroup/init/cgroup.procs || true; done </sys/fs/cgroup/cgroup.procs
  sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control || true
fi
# What a killed predecessor left behind.
rm -f /var/run/docker.pid
find /run/docker -name '*.pid' -delete 2>/dev/null || true
exec "$@"
