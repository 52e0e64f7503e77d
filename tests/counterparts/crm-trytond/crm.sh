#!/usr/bin/env bash
# Tryton 8.2 as the CRM: contacts, companies, mailing lists, access groups; JSON-RPC, on SQLite.
#   crm.sh start --port 9531 --data DIR/cp-tryton       administrator admin / admin-pass-9531, database crm
#   crm.sh stop|status --data ..
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
cp_args "$@"; PORT="${PORT:-9531}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-tryton}"; DB=crm
MODS="company party user_role marketing_email"
install_it() { VENV="$(cp_venv tryton trytond==8.2.1 trytond_party trytond_company trytond_user_role trytond_marketing_email 'psycopg[binary,pool]')"; }
start_it() {
  mkdir -p "$DATA/db" "$DATA/log"
  if [ ! -f "$DATA/trytond.conf" ]; then
    printf '%s\n' "[web]" "listen = 127.0.0.1:$PORT" "[database]" "uri = sqlite://" "path = $DATA/db" "[session]" "timeout = 3600" \
      "[password]" "length = 8" > "$DATA/trytond.conf"; chmod 600 "$DATA/trytond.conf"
  fi
  if [ ! -f "$DATA/.ready" ]; then
    : > "$DATA/db/$DB.sqlite"
    echo "admin-pass-9531" > "$DATA/pw"; chmod 600 "$DATA/pw"
    TRYTONPASSFILE="$DATA/pw" "$VENV/bin/trytond-admin" -c "$DATA/trytond.conf" -d "$DB" --all --email admin@forening.example >> "$DATA/log/admin.log" 2>&1
    # shellcheck disable=SC2086
    "$VENV/bin/trytond-admin" -c "$DATA/trytond.conf" -d "$DB" -u $MODS --activate-dependencies >> "$DATA/log/admin.log" 2>&1
    touch "$DATA/.ready"
  fi
  cp_spawn trytond "$VENV/bin/trytond" -c "$DATA/trytond.conf" -d "$DB"
  cp_wait_tcp 127.0.0.1 "$PORT" 60
  echo "JSON-RPC      POST http://127.0.0.1:$PORT/$DB/rpc/"
}
install_it
case "$ACTION" in
  install) echo installed;; start) start_it;; stop) cp_stop trytond;; restart) cp_stop trytond; start_it;;
  status) cp_alive trytond && echo running || echo stopped;;
esac
