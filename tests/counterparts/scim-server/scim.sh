#!/usr/bin/env bash
# scim2-server 0.8.3: a SCIM 2.0 server nobody here wrote; in memory. A target to push to, and a reference to compare answers with.
#   scim.sh start --port 9521 --data DIR/cp-scim      (no authentication)
#   scim.sh test --data .. -- http://127.0.0.1:8080/scim/v2 TOKEN     runs scim2-cli's conformance checks against any SCIM server
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
T=0; rest=(); pre=()
for a in "$@"; do if [ "$a" = test ] && [ $T = 0 ]; then T=1; elif [ "$a" = -- ]; then T=2; elif [ $T = 2 ]; then rest+=("$a"); else pre+=("$a"); fi; done
cp_args "${pre[@]}"; PORT="${PORT:-9521}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-scim}"
install_it() { VENV="$(cp_venv scim scim2-cli==0.6.0 scim2-client==0.13.2 scim2-tester==0.5.2 scim2-server==0.8.3)"; }
install_it
if [ $T = 2 ]; then "$VENV/bin/scim" --url "${rest[0]}" ${rest[1]:+--header "Authorization: Bearer ${rest[1]}"} test --verbose | python3 "$(dirname "${BASH_SOURCE[0]}")/summary.py"; exit; fi
case "$ACTION" in
  install) echo installed;;
  start) mkdir -p "$DATA"; cp_spawn scim2-server "$VENV/bin/scim2-server" --hostname 127.0.0.1 --port "$PORT"; cp_wait_http "http://127.0.0.1:$PORT/ServiceProviderConfig" 20
    echo "SCIM base     http://127.0.0.1:$PORT  (no token)"; echo "tools         $VENV/bin/scim --url http://127.0.0.1:$PORT query user";;
  stop) cp_stop scim2-server;; status) cp_alive scim2-server && echo running || echo stopped;;
esac
