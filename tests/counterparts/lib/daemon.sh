# shellcheck shell=bash
# The daemon as the checks start it, and what they say about it. Sourced, never run by itself.
#
#   check_begin NAME BIN      a work folder, ports, and the promise to clean up; sets WORK, BIN, BASE.
#                             With PORTVAKT_KEEP=1 in the environment the folder stays for a look afterwards
#   daemon_settings ID ISSUER [DATABASE-URL]   writes settings and policy for one directory; more settings from stdin
#   daemon_start / daemon_stop / portvakt ARGUMENTS...
#   wire_to URL / faults RULES    a proxy that loses, cuts and delays on demand
#   ok SENTENCE COMMAND...    one assertion; the first that fails ends the check with the daemon's last words
#   until_ok SECONDS COMMAND...   the same command again until it succeeds or the time is up
source "$(dirname "${BASH_SOURCE[0]}")/counterpart.sh"
TOOLS="$CP_ROOT/tools"

check_begin() { # check_begin NAME BIN
  [ -x "${2:-}" ] || { echo "usage: check-$1.sh PATH-OF-PORTVAKT …" >&2; exit 2; }
  CHECK="$1"; BIN="$(realpath "$2")"; ASSERTED=0
  WORK="$(mktemp -d "${TMPDIR:-/tmp}/portvakt-$CHECK.XXXXXX")"; chmod 755 "$WORK"
  DATA="$WORK/daemon"; mkdir -p "$DATA"
  DAEMON_PORT="$(cp_free_port)"; BASE="http://127.0.0.1:$DAEMON_PORT"
  STOP=(); trap 'check_end $?' EXIT; trap 'exit 143' TERM; trap 'exit 130' INT
}
also_stop() { STOP+=("$1 stop --data $2"); } # also_stop SCRIPT DATA : a counterpart that ends with the check
check_end() {
  local status="$1" one
  trap - EXIT TERM INT
  if [ "$status" != 0 ]; then
    echo "--- the daemon's last words"; tail -n 25 "$DATA/log/portvakt.log" 2>/dev/null || true
    [ ! -s "$WORK/idp.log" ] || { echo "--- the provider's start"; tail -n 15 "$WORK/idp.log"; }
  fi
  daemon_stop >/dev/null 2>&1 || true
  for one in "${STOP[@]}"; do $one >/dev/null 2>&1 || true; done
  DATA="$WORK/sink"; cp_stop hook-sink >/dev/null 2>&1 || true
  DATA="$WORK/wire"; cp_stop wire >/dev/null 2>&1 || true
  if [ "$status" = 0 ]; then echo "$CHECK: $ASSERTED assertions held"; else echo "$CHECK: failed after $ASSERTED assertions" >&2; fi
  if [ -n "${PORTVAKT_KEEP:-}" ]; then echo "$CHECK: kept $WORK"; else rm -rf "$WORK"; fi
  exit "$status"
}

ok() { # ok SENTENCE COMMAND... : prints the sentence, ends the check if it is not so
  local sentence="$1"; shift
  if "$@"; then ASSERTED=$((ASSERTED + 1)); echo "  ok    $sentence"; else echo "  NOT   $sentence" >&2; echo "        ($*)" | cut -c1-300 >&2; exit 1; fi
}
until_ok() { # until_ok SECONDS COMMAND...
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt "$end" ] || return 1; sleep 0.3; done
}

wire_to() { # wire_to URL : a bad wire before it at $WIRE, told by `faults`; every exchange in $WORK/wire.jsonl
  local port; port="$(cp_free_port)"; WIRE="http://127.0.0.1:$port"
  (DATA="$WORK/wire"; cp_spawn wire python3 "$TOOLS/faultproxy.py" --listen "127.0.0.1:$port" --target "$1" --log "$WORK/wire.jsonl")
  cp_wait_http "$WIRE/__faults" 10
}
faults() { curl -sS --fail --max-time 5 -o /dev/null -X POST "$WIRE/__faults" --data "$1"; } # faults JSON-LIST-OF-RULES

portvakt() { "$BIN" --config "$DATA/portvakt.toml" "$@"; }
daemon_start() {
  cp_spawn portvakt "$BIN" --config "$DATA/portvakt.toml" serve
  until_ok 30 answers 200 "$BASE/readyz" || { echo "the daemon does not become ready" >&2; tail -n 25 "$DATA/log/portvakt.log" >&2; return 1; }
}
daemon_stop() { cp_stop portvakt; }

# Settings for one directory, with a policy whose rules stand on the group names and an attribute of the people used here.
daemon_settings() { # daemon_settings DIRECTORY ISSUER [DATABASE-URL] < more settings
  cat > "$DATA/portvakt.toml" <<TOML
[server]
listen = "127.0.0.1:$DAEMON_PORT"
public_url = "$BASE"

[database]
url = "${3:-sqlite:$DATA/portvakt.db}"

[policy]
file = "$DATA/policy.toml"

[language]
default = "sv"

[[directory]]
id = "$1"
kind = "generic"
name = "Föreningens katalog"
domains = ["forening.example"]

[directory.oidc]
issuer = "$2"
client_id = "crm-daemon"
client_secret = "crm-daemon-secret"
subject_claim = "sub"
subject_is = "userName"
TOML
  cat >> "$DATA/portvakt.toml"; chmod 600 "$DATA/portvakt.toml"
  sed "s/@DIRECTORY@/$1/" "$CP_LIB_DIR/policy.toml" > "$DATA/policy.toml"
  portvakt check
}

# --- asking the daemon
status_of() { curl -sS -o /dev/null -w '%{http_code}' --max-time 15 "$@" || true; } # status_of [CURL-OPTIONS] URL
answers() { local want="$1" got; shift; got="$(status_of "$@" 2>/dev/null)"; [[ " $want " == *" $got "* ]]; } # answers "200 204" [CURL-OPTIONS] URL
scim() { # scim METHOD PATH [BODY] : prints the answer, fails on 4xx and 5xx
  curl -sS --fail-with-body --max-time 15 -X "$1" "$SCIM$2" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' ${3:+--data "$3"}
}
provision_person() { # provision_person NAME GIVEN FAMILY LANGUAGE : prints the id
  scim POST /Users "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"$1\",\"externalId\":\"ext-$1\",\"name\":{\"givenName\":\"$2\",\"familyName\":\"$3\",\"formatted\":\"$2 $3\"},\"displayName\":\"$2 $3\",\"title\":\"Volontär\",\"preferredLanguage\":\"$4\",\"emails\":[{\"value\":\"$1@forening.example\",\"type\":\"work\",\"primary\":true}],\"active\":true}" \
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'
}
provision_group() { # provision_group NAME MEMBER-ID... : prints the id
  local name="$1" members; shift; members="$(printf '{"value":"%s"},' "$@")"
  scim POST /Groups "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"$name\",\"externalId\":\"ext-$name\",\"members\":[${members%,}]}" \
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'
}
set_active() { # set_active ID true|false : as an identity provider does it
  scim PATCH "/Users/$1" "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"active\",\"value\":$2}]}" >/dev/null
}
sign_in() { # sign_in DIRECTORY USER PASSWORD [LANGUAGE] : the cookies in $WORK/USER.jar, the last page in $WORK/USER.page, the account of it in $WORK/USER.json
  python3 "$TOOLS/oidc_login.py" --start-url "$BASE/sso/login?directory=$1&return_to=/sso/verify" --user "$2" --password "$3" \
    --language "${4:-sv}" --jar "$WORK/$2.jar" --page "$WORK/$2.page" > "$WORK/$2.json"
}
ended_with() { # ended_with USER STATUS : how the last sign-in of USER ended, and that it ended with us
  python3 - "$WORK/$1.json" "$2" "$BASE" <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))
sys.exit(0 if str(told["status"]) == sys.argv[2] and told["final_url"].startswith(sys.argv[3]) else f'ended with {told["status"]} at {told["final_url"]}')
PY
}
session_lives() { answers 200 -b "$WORK/$1.jar" "$BASE/sso/verify"; }
session_is_dead() { answers "401 302 303 403" -b "$WORK/$1.jar" "$BASE/sso/verify"; }
account_has() { portvakt account list --format json | python3 "$TOOLS/look.py" has "$1" "$2" "$3"; } # account_has USER KEY VALUE
