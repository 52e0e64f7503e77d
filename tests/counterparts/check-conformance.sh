#!/usr/bin/env bash
# scim2-tester, a conformance checker that nobody here wrote, against a daemon of its own: no error is let pass.
#   check-conformance.sh PATH-OF-PORTVAKT [postgres://… | sqlite:…]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin conformance "${1:-}"

ok "the settings and the policy are in order" daemon_settings generic http://127.0.0.1:9 "${2:-}" < /dev/null
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create generic)"
tester() {
  "$CP_ROOT/scim-server/scim.sh" test --data "$WORK/tester" -- "$BASE/scim/v2/generic" "$TOKEN" > "$WORK/tester.log" 2>&1 && return 0
  grep -A3 '^ERROR' "$WORK/tester.log" | cut -c1-220 >&2; tail -n 5 "$WORK/tester.log" | cut -c1-220 >&2; return 1
}
ok "the checker finds no error" tester
echo "  $(tail -n 1 "$WORK/tester.log")"
