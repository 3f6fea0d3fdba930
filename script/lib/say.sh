# Messages for people go to standard error; standard output is for results.

say() { printf '%s\n' "$*" >&2; }

# fail CODE MESSAGE...: each further word is a line of its own.
fail() {
  local code=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$code"
}
