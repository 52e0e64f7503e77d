#!/usr/bin/env bash
# Canaille 0.3.6: OpenID provider, SCIM *client* (pushes people and groups to the daemon) and SCIM server.
#   idp.sh start --port 9511 --data DIR/cp-canaille --scim-url http://127.0.0.1:8080/scim/v2/DIRECTORY [--scim-token TOKEN] [--redirect "URL URL"] [--id-alg RS256|""]  ("" leaves it to Canaille, which then signs with RS512)
#   idp.sh stop|status --data ..        idp.sh cli --data .. -- get user      (any canaille command, also pushes)
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
CLI=0; rest=(); pre=()
for a in "$@"; do if [ "$a" = cli ] && [ $CLI = 0 ]; then CLI=1; elif [ "$a" = -- ] && [ $CLI = 1 ]; then CLI=2; elif [ $CLI = 2 ]; then rest+=("$a"); else pre+=("$a"); fi; done
cp_args "${pre[@]}"
PORT="${PORT:-9511}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-canaille}"
install_it() { VENV="$(cp_venv canaille 'canaille[front,oidc,scim,sqlite,server]==0.3.6' scim2-client==0.7.5 scim2-models==0.6.12)"; }
start_it() {
  install_it; mkdir -p "$DATA"; export CANAILLE_CONFIG="$DATA/canaille.toml" CONFIG="$DATA/canaille.toml"
  local token driver; token="$(cp_opt --scim-token scim-push-token-0123456789)"; driver="driver-token-0123456789"
  if [ ! -f "$DATA/canaille.toml" ]; then
    openssl genrsa 2048 > "$DATA/key.pem" 2>/dev/null; chmod 600 "$DATA/key.pem"
    cat > "$DATA/canaille.toml" <<TOML
SECRET_KEY = "$(openssl rand -hex 24)"
SERVER_NAME = "127.0.0.1:$PORT"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
NAME = "Counterpart"
DATABASE = "sql"
LANGUAGE = "en"
ENABLE_PASSWORD_COMPROMISSION_CHECK = false
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///$DATA/canaille.sqlite"
[CANAILLE_SCIM]
ENABLE_SERVER = true
ENABLE_CLIENT = true
[CANAILLE_OIDC]
DYNAMIC_CLIENT_REGISTRATION_OPEN = true
REQUIRE_NONCE = true
TRUSTED_DOMAINS = [".localhost", "127.0.0.1", "localhost"]
ACTIVE_JWKS = ["""
$(cat "$DATA/key.pem")
"""]
TOML
    chmod 600 "$DATA/canaille.toml"
  fi
  (cd "$DATA" && "$VENV/bin/canaille" install >> "$DATA/install.log" 2>&1) || { tail -n 5 "$DATA/install.log" >&2; return 1; }
  (cd "$DATA" && SCIM_URL="$(cp_opt --scim-url http://127.0.0.1:8080/scim/v2)" SCIM_TOKEN="$token" SERVER_TOKEN="$driver" ID_ALG="$(cp_opt --id-alg RS256)" POSTLOGOUT="$(cp_opt --postlogout http://127.0.0.1:9990/bye)" \
    REDIRECTS="$(cp_opt --redirect 'http://127.0.0.1:9990/cb http://127.0.0.1:8080/sso/callback')" "$VENV/bin/python" "$HERE/seed.py" >> "$DATA/install.log" 2>&1) || { tail -n 15 "$DATA/install.log" >&2; return 1; }
  (cd "$DATA" && cp_spawn canaille "$VENV/bin/canaille" run --bind "127.0.0.1:$PORT")
  cp_wait_http "http://127.0.0.1:$PORT/.well-known/openid-configuration" 40
  echo "issuer        http://127.0.0.1:$PORT"
  echo "client        crm-daemon / crm-daemon-secret"
  echo "people        admin anna.andersson bo.lindstrom cecilia.oberg david.ek, password Sommar-2031-lang"
  echo "SCIM push to  client_uri of crm-daemon, bearer $token"
  echo "SCIM server   http://127.0.0.1:$PORT/scim/v2  bearer $driver   (a change made here is pushed on)"
}
[ $CLI = 2 ] && { install_it; cd "$DATA" || exit 1; CANAILLE_CONFIG="$DATA/canaille.toml" CONFIG="$DATA/canaille.toml" exec "$VENV/bin/canaille" "${rest[@]}"; }
case "$ACTION" in
  install) install_it; echo installed;;
  start) start_it;;
  stop) cp_stop canaille;;
  restart) cp_stop canaille; start_it;;
  status) cp_alive canaille && echo running || echo stopped;;
esac
