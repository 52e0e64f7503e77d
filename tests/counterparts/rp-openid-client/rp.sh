#!/usr/bin/env bash
# npm openid-client 6.8.9, a certified relying party, as a CRM that people sign in to through an OpenID provider.
#   rp.sh start --port N --data DIR --issuer URL     clients crm (secret, RS256) and page (public, ES256)
#   rp.sh stop|status|install --data DIR
# /CLIENT/login[?ANY=PARAMETER] sends the browser to the provider; /CLIENT/me, /CLIENT/refresh and /CLIENT/logout are for who is
# signed in; /CLIENT/out is the back-channel, /heard what came there. While DIR/deaf exists the back-channel answers 503.
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cp_args "$@"; PORT="${PORT:-9990}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-rp}"
MODULES="$CP_CACHE/npm-openid-client"
install_it() {
  mkdir -p "$MODULES"
  ( flock 9
    if ! cmp -s "$HERE/package.json" "$MODULES/.installed"; then
      cp "$HERE/package.json" "$MODULES/" && (cd "$MODULES" && npm install --no-audit --no-fund --silent >&2) && cp "$HERE/package.json" "$MODULES/.installed"
    fi
  ) 9> "$MODULES/.lock"
}
case "$ACTION" in
  install) install_it; echo installed;;
  start) install_it; mkdir -p "$DATA"
    cp_spawn openid-client env PORT="$PORT" DATA="$DATA" ISSUER="$(cp_opt --issuer http://127.0.0.1:8080)" MODULES="$MODULES" node "$HERE/rp.mjs"
    cp_wait_tcp 127.0.0.1 "$PORT" 15; echo "clients       http://127.0.0.1:$PORT/crm/login  http://127.0.0.1:$PORT/page/login";;
  stop) cp_stop openid-client;;
  status) cp_alive openid-client && echo running || echo stopped;;
esac
