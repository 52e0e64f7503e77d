#!/usr/bin/env bash
# The whole way round, with systems that nobody here wrote: Canaille pushes people over a bad wire, they sign in through
# oidc-provider, Tryton (its own API) and scim2-server (SCIM) are the CRMs, letters go through aiosmtpd. Who is deactivated in
# Canaille is out of all of them, also where the push was told 429, and where Tryton was down meanwhile.
#   check-circle.sh PATH-OF-PORTVAKT [postgres://…]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin circle "${1:-}"; DATABASE="${2:-}"
part() { # part SCRIPT DATA PORT ACTION [MORE] : a counterpart, in a process of its own
  local script="$1" data="$2" port="$3" action="$4"; shift 4
  DATA="" PORT="" "$script" "$action" --port "$port" --data "$data" "$@" >> "$data.log" 2>&1 || { tail -n 15 "$data.log" >&2; return 1; }
}
OP="$CP_ROOT/idp-oidc-provider/idp.sh"; OP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$OP_PORT"
CANAILLE="$CP_ROOT/idp-canaille/idp.sh"; CA_PORT="$(cp_free_port)"; PEOPLE="http://127.0.0.1:$CA_PORT"
TRYTON="$CP_ROOT/crm-trytond/crm.sh"; TR_PORT="$(cp_free_port)"; CRM="http://127.0.0.1:$TR_PORT"
SERVER="$CP_ROOT/scim-server/scim.sh"; SV_PORT="$(cp_free_port)"; OTHER="http://127.0.0.1:$SV_PORT"
SMTP="$CP_ROOT/smtp/smtp.sh"; SMTP_PORT="$(cp_free_port)"
also_stop "$OP" "$WORK/op"; also_stop "$CANAILLE" "$WORK/ca"; also_stop "$TRYTON" "$WORK/tryton"
also_stop "$SERVER" "$WORK/server"; also_stop "$SMTP" "$WORK/smtp"
crm() { python3 "$CP_ROOT/crm-trytond/tryton.py" "$CRM" "$@"; }
group_in_server() { curl -sS --fail -o /dev/null "$OTHER/Groups" -H 'Content-Type: application/scim+json' --data "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"$1\"}"; }

ok "Tryton starts" part "$TRYTON" "$WORK/tryton" "$TR_PORT" start
for group in "CRM Board" "CRM Mailings"; do ok "it has the group $group" crm group "$group"; done
ok "scim2-server starts" part "$SERVER" "$WORK/server" "$SV_PORT" start
for group in Styrelse Utskick; do ok "it has the group $group" group_in_server "$group"; done
ok "the mail server starts" part "$SMTP" "$WORK/smtp" "$SMTP_PORT" start
ok "oidc-provider starts" part "$OP" "$WORK/op" "$OP_PORT" start --redirect "$BASE/sso/callback" --backchannel "$BASE/sso/backchannel-logout/ca" --postlogout "$BASE/sso/signed-out"

settings() { # settings [LINES-OF-MAIL]
  daemon_settings ca "$ISSUER" "$DATABASE" <<TOML
par = "off"

[[target]]
id = "tryton"
kind = "rest"
url = "$CRM"
description = "$(realpath "$CP_ROOT/../../config/targets/tryton.toml")"
user_name = "admin"
secret = "admin-pass-9531"
values = { database = "crm" }
roles = { board = "CRM Board", communicator = "CRM Mailings" }

[[target]]
id = "server"
kind = "scim"
url = "$OTHER"
secret = "a-token-that-this-server-does-not-ask-for"
roles = { board = "Styrelse", communicator = "Utskick" }

[mail]
smtp = "smtp://localhost:$SMTP_PORT"
from = "Björkbackens portvakt <portvakt@forening.example>"
${1:-}
TOML
}
ok "the settings, the policy and the description are in order" settings
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create ca)"; SCIM="$BASE/scim/v2/ca"
wire_to "$BASE"
ok "Canaille starts and pushes through the wire" part "$CANAILLE" "$WORK/ca" "$CA_PORT" start --scim-url "$WIRE/scim/v2/ca" --scim-token "$TOKEN" --redirect "$BASE/sso/callback" --postlogout "$BASE/"
drive() { python3 "$CP_ROOT/idp-canaille/drive.py" "$PEOPLE" "$@" > /dev/null; }

in_tryton() { # in_tryton LOGIN ACTIVE GROUP...
  crm user "$1" 2> "$WORK/user.log" | python3 -c '
import json, sys
user = json.loads(sys.stdin.read() or "{}")
sys.exit(0 if str(user.get("active")).lower() == sys.argv[2] and user.get("groups") == sorted(sys.argv[3:]) else 1)' "$@"
}
in_server() { python3 "$TOOLS/stands.py" "$OTHER" none "$@"; }
enters_tryton() { crm login "$1" "Hoeg-Berg-4711" > "$WORK/$1.crm" 2>/dev/null; }
kept_out() { ! enters_tryton "$1"; }
no_session_in_tryton() { ! crm ask "$(cat "$WORK/$1.session")" > /dev/null 2>&1; }
everywhere() { # everywhere LOGIN : in both CRMs, and signed in to both
  ok "$1 comes into Tryton, with the group of the role" until_ok 30 in_tryton "$1" true "CRM Mailings"
  ok "and into the other CRM" until_ok 30 in_server "$1" true Utskick
  crm password "$1" "Hoeg-Berg-4711"
  ok "$1 signs in to Tryton" enters_tryton "$1"
  cp "$WORK/$1.crm" "$WORK/$1.session"
  ok "and through oidc-provider" sign_in ca "$1" "Sommar-2031"
  ok "the session is good" session_lives "$1"
}
out() { # out LOGIN : of everything
  ok "the account of $1 is deactivated" until_ok 30 account_has "$1" status deactivated
  ok "the session is dead" session_is_dead "$1"
  ok "nobody of that name signs in again" no_sign_in "$1"
  ok "Tryton lets $1 in no more" until_ok "${2:-30}" kept_out "$1"
  ok "the session there is good for nothing" no_session_in_tryton "$1"
  ok "the other CRM has closed the user" until_ok 30 in_server "$1" false
}
no_sign_in() { ! sign_in ca "$1" "Sommar-2031" && ended_with "$1" 403; }
helpers() { drive group-set crm-utskick "$@"; }

everywhere bo.lindstrom
ok "Canaille deactivates Bo" drive deactivate bo.lindstrom
out bo.lindstrom
ok "Canaille takes him back" drive activate bo.lindstrom
ok "he is in Tryton as he was" until_ok 30 in_tryton bo.lindstrom true "CRM Mailings"
ok "and in the other CRM" until_ok 30 in_server bo.lindstrom true Utskick

# --- the push is told 429 and lost: Canaille tries nothing again
ok "Cecilia becomes a helper" helpers bo.lindstrom cecilia.oberg
everywhere cecilia.oberg
faults '[{"method": "PUT", "path": "/Users", "status": 429, "headers": {"Retry-After": "2"}, "body": "{}", "times": 1}]'
ok "Canaille deactivates Cecilia, and is told 429" drive deactivate cecilia.oberg
ok "she is still in: nobody was told" account_has cecilia.oberg status active
faults '[]'
ok "Canaille saves her again" drive deactivate cecilia.oberg
out cecilia.oberg

# --- Tryton is down meanwhile
ok "Bo signs in to Tryton again" enters_tryton bo.lindstrom
cp "$WORK/bo.lindstrom.crm" "$WORK/bo.lindstrom.session"
ok "and through oidc-provider" sign_in ca bo.lindstrom "Sommar-2031"
ok "Tryton is taken down" part "$TRYTON" "$WORK/tryton" "$TR_PORT" stop
ok "Canaille deactivates Bo" drive deactivate bo.lindstrom
ok "he is out of the other CRM at once" until_ok 30 in_server bo.lindstrom false
waits() { portvakt account show bo.lindstrom --format json | python3 -c 'import json,sys; sys.exit(0 if any(one["target"] == "tryton" and one["pending"] for one in json.load(sys.stdin)["told"]) else 1)'; }
ok "what Tryton must hear waits" until_ok 20 waits

# --- the daemon ends in the middle, and comes back with a daily digest
ok "the daemon ends" daemon_stop
ok "the settings want a digest" settings 'digest_to = ["it@forening.example"]
digest_at = "00:00"'
ok "the daemon comes back" daemon_start
ok "Tryton comes back" part "$TRYTON" "$WORK/tryton" "$TR_PORT" start
ok "what waited is delivered" portvakt target drain tryton --within 90s
out bo.lindstrom 60
nothing_dead() { [ "$(portvakt target dead tryton | wc -l)" = 0 ] && [ "$(portvakt target dead server | wc -l)" = 0 ]; }
ok "nothing is a dead letter" nothing_dead
digest() { python3 - "$WORK/smtp/mail" <<'PY'
import email, email.policy, pathlib, sys
for file in pathlib.Path(sys.argv[1]).glob("*.eml"):
    letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    text = letter.get_body(("plain",)).get_content()
    if letter["To"] == "it@forening.example" and "Avaktiverade: " in text and "har slutat" in text:
        sys.exit(0)
sys.exit(1)
PY
}
ok "the digest lies with the IT department, and says how many have left" until_ok 60 digest
