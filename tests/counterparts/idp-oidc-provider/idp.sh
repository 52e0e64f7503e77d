#!/usr/bin/env bash
# npm oidc-provider 9.13.3 as an OpenID provider.
#   idp.sh start --port 9501 --data DIR/cp-oidcp [--redirect URL]... [--backchannel URL] [--postlogout URL] [--issuer URL] [--client-jwks FILE]
#   idp.sh rotate-keys | drop-keys --port .. --data ..   new signing keys (old ones still published | old ones gone), restart
#   idp.sh stop|status --data ..
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROTATE=""; args=()
for a in "$@"; do case "$a" in rotate-keys) ROTATE=1; args+=(restart);; drop-keys) ROTATE=drop; args+=(restart);; *) args+=("$a");; esac; done
cp_args "${args[@]}"
PORT="${PORT:-9501}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-oidcp}"
MODULES="$CP_CACHE/npm-oidc-provider"
install_it() {
  [ -f "$MODULES/node_modules/oidc-provider/package.json" ] && return 0
  mkdir -p "$MODULES" && cp "$HERE/package.json" "$MODULES/" && (cd "$MODULES" && npm install --no-audit --no-fund --silent >&2)
}
start_it() {
  install_it; mkdir -p "$DATA"
  local issuer; issuer="$(cp_opt --issuer "$(cat "$DATA/issuer" 2>/dev/null || echo "http://127.0.0.1:$PORT")")"; echo "$issuer" > "$DATA/issuer"
  [ -f "$DATA/accounts.json" ] || cp "$HERE/accounts.example.json" "$DATA/accounts.json"
  if [ ! -f "$DATA/clients.json" ]; then
    local reds=() i
    for ((i = 0; i < ${#EXTRA[@]}; i++)); do [ "${EXTRA[$i]}" = "--redirect" ] && reds+=("${EXTRA[$((i + 1))]}"); done
    [ ${#reds[@]} -gt 0 ] || reds=("http://127.0.0.1:8080/sso/callback" "http://127.0.0.1:9990/cb")
    JWKS="$(cp_opt --client-jwks)" BC="$(cp_opt --backchannel http://127.0.0.1:9990/bclo)" PL="$(cp_opt --postlogout http://127.0.0.1:9990/bye)" python3 - "$DATA/clients.json" "${reds[@]}" <<'PY'
import json, os, sys
base = {"redirect_uris": sys.argv[2:], "post_logout_redirect_uris": [os.environ["PL"]], "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "backchannel_logout_uri": os.environ["BC"], "backchannel_logout_session_required": True}
clients = [
  dict(base, client_id="crm-daemon", client_secret="crm-daemon-secret", client_name="CRM daemon (client_secret_basic)"),
  dict(base, client_id="crm-daemon-es256", client_secret="crm-daemon-secret", id_token_signed_response_alg="ES256", client_name="ID token signed ES256"),
  dict(base, client_id="crm-public", token_endpoint_auth_method="none", client_name="public client, PKCE only"),
  dict(base, client_id="crm-par", client_secret="crm-daemon-secret", require_pushed_authorization_requests=True, client_name="must push its authorization request"),
  {"client_id": "scim-pusher", "client_secret": "scim-pusher-secret", "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [], "scope": "scim"},
]
if os.environ["JWKS"]:
    clients.append(dict(base, client_id="crm-key", token_endpoint_auth_method="private_key_jwt", require_pushed_authorization_requests=True,
                        jwks=json.load(open(os.environ["JWKS"])), client_name="proves itself with a key, must push its request"))
json.dump(clients, open(sys.argv[1], "w"), indent=1)
PY
  fi
  cp_spawn oidc-provider env PORT="$PORT" DATA="$DATA" ISSUER="$issuer" MODULES="$MODULES" ROTATE="$ROTATE" GROUPS_IN="$(cp_opt --groups-in both)" BEHIND_PROXY="$([ "${issuer#https}" != "$issuer" ] && echo 1 || true)" node "$HERE/server.mjs"
  cp_wait_http "http://127.0.0.1:$PORT/.well-known/openid-configuration" 30
  echo "issuer        $issuer"
  echo "client        crm-daemon / crm-daemon-secret  (others: $DATA/clients.json)"
  echo "machine token scim-pusher / scim-pusher-secret (client_credentials, scope scim, resource=<daemon SCIM url> gives a JWT)"
  echo "people        $DATA/accounts.json, password Sommar-2031 (file is re-read at every login)"
}
case "$ACTION" in
  install) install_it; echo "installed";;
  start) start_it;;
  stop) cp_stop oidc-provider;;
  restart) cp_stop oidc-provider; start_it;;
  status) cp_alive oidc-provider && echo running || echo stopped;;
esac
