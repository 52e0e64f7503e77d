#!/usr/bin/env bash
# nginx with auth_request, as deploy/ ships it, in front of a small page that knows no OpenID; people sign in at npm
# oidc-provider. Who is deactivated over SCIM is refused at the next click.        check-edge.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin edge "${1:-}"
IDP="$CP_ROOT/idp-oidc-provider/idp.sh"; IDP_DATA="$WORK/op"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT"
EDGE="$CP_ROOT/edge/nginx.sh"; EDGE_DATA="$WORK/edge"; EDGE_PORT="$(cp_free_port)"; CRM_PORT="$(cp_free_port)"
SITE="https://127.0.0.1:$EDGE_PORT"; PASSWORD="Sommar-2031"
CADDY="$CP_ROOT/edge/caddy.sh"; CADDY_DATA="$WORK/caddy"; CADDY_PORT="$(cp_free_port)"; SITE2="https://127.0.0.1:$CADDY_PORT"
also_stop "$IDP" "$IDP_DATA"; also_stop "$EDGE" "$EDGE_DATA"; also_stop "$CADDY" "$CADDY_DATA"

(DATA="" PORT="" "$IDP" start --port "$IDP_PORT" --data "$IDP_DATA" --redirect "$SITE/sso/callback" --redirect "$SITE2/sso/callback" --postlogout "$SITE/sso/signed-out" > "$WORK/idp.log" 2>&1)
daemon_settings op "$ISSUER" < /dev/null > /dev/null
sed -i "s#^public_url = .*#public_url = \"$SITE\"\nalso_at = [\"$SITE2\"]#" "$DATA/portvakt.toml"
ok "the settings with the proxy's address are in order" portvakt check
ok "the daemon becomes ready" daemon_start
edge() { DATA="" PORT="" "$EDGE" start --port "$EDGE_PORT" --data "$EDGE_DATA" --portvakt "127.0.0.1:$DAEMON_PORT" --crm "127.0.0.1:$CRM_PORT" --component member >> "$WORK/edge.log" 2>&1 || { cat "$WORK/edge.log" >&2; return 1; }; }
ok "nginx takes the files of deploy/ and starts" edge
TOKEN="$(portvakt directory token create op)"; SCIM="$BASE/scim/v2/op"
anna="$(provision_person anna.andersson Anna Andersson sv)"
bo="$(provision_person bo.lindstrom Bo Lindström sv)"
provision_group styrelse "$anna" > /dev/null; provision_group crm-utskick "$bo" > /dev/null

see() { curl -sSk --max-time 15 "$@"; }
# --- nobody
went() { see -o /dev/null -w '%{redirect_url}' "$@"; }
ok "nobody is sent to the provider, and back to this host" bash -c '[[ "$1" == "$2/auth?"* || "$1" == "$2/request"* || "$1" == "$2/"*request_uri* ]]' _ "$(went "$SITE/kampanjer?sida=1&q=%C3%A5")" "$ISSUER"
ok "the page itself is not shown" bash -c '[ "$(curl -sSk "$1" | grep -c "<h1>CRM")" = 0 ]' _ "$SITE/kampanjer"
ok "and cannot be reached by a header that somebody made up" bash -c '[ "$(curl -sSk -H "X-Portvakt-User: anna.andersson" -H "X-Portvakt-Roles: board" "$1" | grep -c "<h1>CRM")" = 0 ]' _ "$SITE/kampanjer"

# --- a sign-in that begins at the page
enter() { # enter USER PATH : plays the browser from the page's own address
  python3 "$TOOLS/oidc_login.py" --insecure --start-url "$SITE$2" --user "$1" --password "$PASSWORD" --language sv --jar "$WORK/$1.jar" --page "$WORK/$1.page" > "$WORK/$1.json"
}
landed() { python3 -c 'import json,sys; told=json.load(open(sys.argv[1])); sys.exit(0 if told["final_url"]==sys.argv[2] and told["status"]==200 else "ended at %s with %s" % (told["final_url"], told["status"]))' "$WORK/$1.json" "$2"; }
fact() { # fact USER NAME VALUE : what the page was told
  python3 - "$WORK/$1.page" "$2" "$3" <<'PY'
import json, re, sys
told = json.loads(re.search(r'json">(.*)</script>', open(sys.argv[1], encoding="utf-8").read()).group(1))
value = told["told"].get(sys.argv[2], "") if sys.argv[2].startswith("x-") else told[sys.argv[2]]
sys.exit(0 if value == sys.argv[3] else f"{sys.argv[2]} is {value!r}")
PY
}
ok "Bo signs in from where he was" enter bo.lindstrom '/kampanjer?sida=1&q=%C3%A5'
ok "and comes back to it, query and all" landed bo.lindstrom "$SITE/kampanjer?sida=1&q=%C3%A5"
ok "the page is told who he is" fact bo.lindstrom x-portvakt-user bo.lindstrom
ok "his name, encoded" fact bo.lindstrom x-portvakt-name 'Bo%20Lindstr%C3%B6m'
ok "his roles" fact bo.lindstrom x-portvakt-roles communicator
ok "and that he is limited" fact bo.lindstrom x-portvakt-limited true
as() { local user="$1"; shift; see -b "$WORK/$user.jar" "$@"; }
made_up() { as bo.lindstrom -H 'X-Portvakt-Roles: board' -H 'X-Portvakt-Narrowed: made-up' "$SITE/kampanjer" > "$WORK/made-up.page" && fact made-up x-portvakt-roles communicator && fact made-up x-portvakt-narrowed false; }
ok "what the browser itself sends under these names is replaced" made_up
no_session() { grep -q '"cookie": "[^;]' "$WORK/made-up.page" && ! grep -q 'portvakt=' "$WORK/made-up.page"; }
ok "the page gets the browser's other cookies and not the session" no_session
ok "a form that is sent while signed in arrives" bash -c '[ "$(curl -sSk -b "$1" -X POST -d a=b -o /dev/null -w "%{http_code}" "$2")" = 200 ]' _ "$WORK/bo.lindstrom.jar" "$SITE/kampanjer"

# --- a part that needs more
part() { as "$1" -o "$WORK/part.page" -w '%{http_code}' "$SITE/ekonomi/bok"; }
refused() { [ "$(part bo.lindstrom)" = 403 ]; }
ok "Bo may not use the part that wants another component" refused
ok "the page says so in Swedish, with whom to turn to" grep -q "Du kommer inte åt det här" "$WORK/part.page"
reference() { grep -o '<b class="mono">[^<]*' "$WORK/part.page" | cut -d'>' -f2; }
looked_up() { [[ "$(portvakt audit show "$(reference)")" == *turned_away* ]]; }
ok "its reference can be looked up" looked_up
ok "Anna signs in" enter anna.andersson /kampanjer
stepped_up() { local went; went="$(see -b "$WORK/anna.andersson.jar" -o /dev/null -w '%{http_code}' "$SITE/ekonomi/bok")"; [ "$went" = 303 ]; }
ok "the provider never said when she signed in, so she is sent there again" stepped_up
ok "she goes there and comes back" enter anna.andersson /ekonomi/bok
ok "to the part that wants a fresh sign-in" landed anna.andersson "$SITE/ekonomi/bok"

# --- the same behind Caddy, at a second host of the settings
caddy() { DATA="" PORT="" "$CADDY" start --port "$CADDY_PORT" --data "$CADDY_DATA" --tls "$EDGE_DATA" --portvakt "127.0.0.1:$DAEMON_PORT" --crm "127.0.0.1:$CRM_PORT" --component member >> "$WORK/edge.log" 2>&1 || { cat "$WORK/edge.log" >&2; return 1; }; }
if command -v caddy > /dev/null || [ "$(id -u)" = 0 ]; then
  ok "Caddy takes the file of deploy/ and starts" caddy
  enter2() { python3 "$TOOLS/oidc_login.py" --insecure --start-url "$SITE2$2" --user "$1" --password "$PASSWORD" --language sv --jar "$WORK/caddy.jar" --page "$WORK/caddy.page" > "$WORK/caddy.json"; }
  ok "Bo signs in from where he was" enter2 bo.lindstrom '/kampanjer?sida=1&q=%C3%A5'
  ok "and comes back to that host, query and all" landed caddy "$SITE2/kampanjer?sida=1&q=%C3%A5"
  ok "the page is told who he is" fact caddy x-portvakt-user bo.lindstrom
  made_up2() { see -b "$WORK/caddy.jar" -H 'X-Portvakt-Roles: board' -H 'X-Portvakt-Narrowed: made-up' "$SITE2/kampanjer" > "$WORK/caddy.page" && fact caddy x-portvakt-roles communicator && fact caddy x-portvakt-narrowed false; }
  ok "what the browser itself sends under these names is replaced" made_up2
  part2() { [ "$(see -b "$WORK/caddy.jar" -o "$WORK/part.page" -w '%{http_code}' "$SITE2/ekonomi/bok")" = 403 ] && grep -q "Du kommer inte åt det här" "$WORK/part.page"; }
  ok "a part that wants another component is closed to him, with a page that says why" part2
  ok "a script is told plainly" bash -c '[ "$(curl -sSk -H "Sec-Fetch-Mode: cors" -o /dev/null -w "%{http_code}" "$1")" = 401 ]' _ "$SITE2/kampanjer"
else
  echo "  skipped: the same behind Caddy, which is not installed"
fi

# --- the next click
ok "Bo's session is good" bash -c '[ "$(curl -sSk -b "$1" -o /dev/null -w "%{http_code}" "$2")" = 200 ]' _ "$WORK/bo.lindstrom.jar" "$SITE/kampanjer"
ok "his directory deactivates him" set_active "$bo" false
click() { local began; began="$(date +%s%N)"; [ "$(as bo.lindstrom -o "$WORK/click.page" -w '%{http_code}' "$SITE/kampanjer")" != 200 ] && ! grep -q "<h1>CRM" "$WORK/click.page" && TOOK=$((($(date +%s%N) - began) / 1000000)) && [ "$TOOK" -lt 1000 ]; }
ok "the next click is refused" click
echo "        (it took $TOOK ms)"
again() { ! enter bo.lindstrom /kampanjer && grep -q "Du kommer inte in i CRM:et" "$WORK/bo.lindstrom.page"; }
ok "he is told so when he signs in again" again
ok "a form that he sends now is not sent again after a sign-in" bash -c '[[ "$(curl -sSk -X POST -d a=b -o /dev/null -w "%{redirect_url}" "$1")" != *kampanjer* ]]' _ "$SITE/kampanjer"

# --- the same with a real browser
if command -v chromium > /dev/null && command -v npm > /dev/null; then
  ok "Bo comes back" set_active "$bo" true
  browser() { "$TOOLS/ui.sh" run "$CP_ROOT/edge/click.mjs" "$SITE/kampanjer" bo.lindstrom "$PASSWORD" "$SCIM/Users/$bo" "$TOKEN" | sed 's/^/        /' && [ "${PIPESTATUS[0]}" = 0 ]; }
  ok "a browser signs in, he is deactivated, and its next click is refused" browser
else
  echo "  skipped: the same with Chromium, which is not installed"
fi
