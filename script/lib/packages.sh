# Debian packages. Needs say.sh.

# can_install: is this a Debian or Ubuntu on which we may install packages?
can_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release
}

package_lists_are_fresh=
packages_log=/tmp/provisioner-apt.log

refresh_package_lists() {
  if [ -n "$package_lists_are_fresh" ]; then return; fi
  apt-get update -qq >"$packages_log" 2>&1 || fail 69 'apt-get update failed:' "$(tail -n 5 "$packages_log")"
  package_lists_are_fresh=yes
}

# is_offered NAME: does this distribution have such a package?
is_offered() {
  refresh_package_lists
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# install_packages NAME...: installs those that are missing. Services that come with them are not started:
# script/engine starts its own.
install_packages() {
  local missing=() name policy=/usr/sbin/policy-rc.d
  for name; do
    [ "$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null)" = 'install ok installed' ] || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  say "installing ${missing[*]}"
  refresh_package_lists
  (
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\nexit 101\n' >$policy
      chmod +x $policy
      trap 'rm -f $policy' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq --no-install-recommends "${missing[@]}" </dev/null
  ) >>"$packages_log" 2>&1 ||
    fail 69 "apt-get could not install ${missing[*]}:" "$(tail -n 5 "$packages_log")"
}
