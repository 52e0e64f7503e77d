#!/usr/bin/env bash
# Chromium (Debian) driven by npm playwright-core 1.65.1 (no browser download), with npm axe-core 4.14.1 beside it.
#   ui.sh install
#   ui.sh run SCRIPT.mjs [arguments]     the script gets globalThis.browser (a launched Chromium) and the arguments in process.argv.slice(2)
#   ui.sh login START-URL USER PASSWORD  opens START-URL, fills the first login form, prints the address, title and text it ends on
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"; M="$CP_CACHE/npm-playwright"
install_it() {
  command -v chromium >/dev/null || cp_apt chromium fonts-dejavu-core
  [ -d "$M/node_modules/playwright-core" ] && [ -d "$M/node_modules/axe-core" ] && return 0
  mkdir -p "$M"
  (cd "$M" && npm init -y >/dev/null 2>&1 && npm install --no-audit --no-fund --silent playwright-core@1.65.1 axe-core@4.14.1 >&2)
}
install_it
case "${1:-install}" in
  install) echo "chromium $(chromium --version --no-sandbox 2>/dev/null | head -1), playwright-core 1.65.1, axe-core 4.14.1";;
  run) shift; exec env NODE_PATH="$M/node_modules" MODULES="$M" node "$HERE/ui.mjs" "$(realpath "$1")" "${@:2}";;
  login) shift; exec env MODULES="$M" node "$HERE/ui.mjs" login "$@";;
esac
