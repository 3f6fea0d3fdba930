# A registry on loopback that answers for the public one where that can not be reached. The images
# in it are built here, from tests/images. Needs say.sh.

mirror=127.0.0.1:${PROVISION_MIRROR_PORT:-5555}
mirror_folder=/var/lib/provisioner-mirror
mirror_log=/var/log/provisioner-mirror.log

# public_registry_answers: within five seconds, with or without asking for a login.
public_registry_answers() {
  case $(curl -sS -m 5 -o /dev/null -w '%{http_code}' https://registry-1.docker.io/v2/ 2>/dev/null) in
  200 | 401) return 0 ;;
  *) return 1 ;;
  esac
}

mirror_answers() { curl -fsS -m 5 -o /dev/null "http://$mirror/v2/" 2>/dev/null; }

start_mirror() {
  if mirror_answers; then return; fi
  mkdir -p "$mirror_folder/registry"
  cat >"$mirror_folder/config.yml" <<YAML
version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: $mirror_folder/registry
  delete:
    enabled: true
http:
  addr: $mirror
YAML
  # The lock of script/engine (9) must not stay with what it starts.
  setsid -f docker-registry serve "$mirror_folder/config.yml" >>"$mirror_log" 2>&1 </dev/null 9>&-
  for _ in {1..100}; do
    if mirror_answers; then
      say "registry mirror started on http://$mirror"
      return
    fi
    sleep 0.1
  done
  fail 69 "the registry mirror does not answer on http://$mirror:" "$(tail -n 5 "$mirror_log")"
}
