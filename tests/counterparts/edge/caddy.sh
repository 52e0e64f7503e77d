#!/usr/bin/env bash
# Debian's Caddy with deploy/Caddyfile as it is shipped, only with addresses of this machine. Speaks TLS with the
# certificate that nginx.sh made.
#   caddy.sh start --port 9572 --data DIR/caddy --tls DIR/edge --portvakt 127.0.0.1:8080 --crm 127.0.0.1:8000 [--component member]
#   caddy.sh stop|status|install --data ..
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
DEPLOY="$(cd "$CP_ROOT/../../deploy" && pwd)"
cp_args "$@"; PORT="${PORT:-9572}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-caddy}"
install_it() { command -v caddy > /dev/null || cp_apt caddy; }
start_it() {
  install_it; mkdir -p "$DATA"
  local tls; tls="$(cp_opt --tls "$DATA")"
  { printf '{\n\tadmin off\n\tauto_https off\n}\n\n'
    sed -e "s#^crm.example {#https://127.0.0.1:$PORT {\n\ttls $tls/tls.crt $tls/tls.key#" -e "s#127.0.0.1:8080#$(cp_opt --portvakt 127.0.0.1:8080)#" \
      -e "s#127.0.0.1:8000#$(cp_opt --crm 127.0.0.1:8000)#" -e "s#component=ledger#component=$(cp_opt --component ledger)#" "$DEPLOY/Caddyfile"
  } > "$DATA/Caddyfile"
  cp_spawn caddy env XDG_DATA_HOME="$DATA" XDG_CONFIG_HOME="$DATA" HOME="$DATA" caddy run --adapter caddyfile --config "$DATA/Caddyfile"
  cp_wait_tcp 127.0.0.1 "$PORT" 15
  echo "https         https://127.0.0.1:$PORT"
}
case "$ACTION" in
  install) install_it; echo installed;;
  start) start_it;;
  stop) cp_stop caddy;;
  restart) cp_stop caddy; start_it;;
  status) if cp_alive caddy; then echo running; else echo stopped; fi;;
esac
