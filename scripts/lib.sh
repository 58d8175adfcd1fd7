# What the scripts share; sourced, from any folder.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Node.js that the pinned tools of contracts/ and tests/clients need, and what their native parts run on.
readonly min_node=20

have() { command -v "$1" >/dev/null 2>&1; }
note() { printf '%s\n' "$*" >&2; }
die() { note "error: $*"; exit 1; }

# One target folder for every verb, so that dependencies build once: the one given, a cache in the home folder
# when somebody made it, or the repository's own.
if [[ -z ${CARGO_TARGET_DIR:-} ]]; then
  CARGO_TARGET_DIR=$root/target
  if [[ -d $HOME/.cache/infinityvm/target ]]; then CARGO_TARGET_DIR=$HOME/.cache/infinityvm/target; fi
fi
export CARGO_TARGET_DIR
# An ivm from that folder may have been built by another checkout: programs that it creates depend on this one.
export IVM_SDK_PATH=${IVM_SDK_PATH:-$root}
# shellcheck disable=SC2034 # for those who source this
ivm=$CARGO_TARGET_DIR/release/ivm

# Debian's Rust that can compile std for the zkVM, and its linker. programs.lock says with which the ELFs were built.
readonly guest_packages=(rustc-web cargo-web rust-web-src lld-19)

have_guest_toolchain() {
  local installed
  have dpkg-query || return 1
  installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "${guest_packages[@]}" 2>/dev/null || true)
  (($(grep -c ' installed$' <<<"$installed") == ${#guest_packages[@]}))
}

# Why the pinned Solidity tools cannot run here; nothing when they can.
solidity_obstacle() {
  if [[ $(uname -sm) != "Linux x86_64" ]]; then
    echo "the pinned forge runs on Linux x86-64 only"
  elif ! have node || ! have npm; then
    echo "Node.js and npm not found (version $min_node or newer)"
  elif (($(node --print 'process.versions.node.split(".")[0]') < min_node)); then
    echo "Node.js is $(node --version), expected $min_node or newer"
  fi
}
