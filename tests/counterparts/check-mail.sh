#!/usr/bin/env bash
# Mail through aiosmtpd: STARTTLS with a certificate of one's own, sign-in, umlauts, and recipients that misbehave.
#                                                                                check-mail.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin mail "${1:-}"
SMTP="$CP_ROOT/smtp/smtp.sh"; SMTP_DATA="$WORK/smtp"; SMTP_PORT="$(cp_free_port)"
also_stop "$SMTP" "$SMTP_DATA"
smtp() { DATA="" PORT="" "$SMTP" "$1" --port "$SMTP_PORT" --data "$SMTP_DATA" "${@:2}" > "$WORK/smtp.log" 2>&1; }
smtp start --tls starttls --auth portvakt:hemligt-för-prov || { cat "$WORK/smtp.log" >&2; exit 1; }

ok "the settings are in order" daemon_settings op "http://127.0.0.1:9" <<TOML

[mail]
smtp = "smtp://localhost:$SMTP_PORT"
starttls = true
ca_file = "$SMTP_DATA/ca.crt"
username = "portvakt"
password = "hemligt-för-prov"
from = "Björkbackens portvakt <portvakt@forening.example>"
bounces_to = "returer@forening.example"
digest_to = ["it@forening.example"]
TOML
mails() { ls "$SMTP_DATA/mail"/*.eml 2>/dev/null | wc -l; }
newest() { ls "$SMTP_DATA/mail"/*.eml | tail -n 1; }

ok "a letter goes" portvakt mail test asa@forening.example
ok "it arrived once" [ "$(mails)" = 1 ]
MAIL="$(newest)"
has() { grep -q "$1" "$MAIL"; }
ok "over an encrypted connection, signed in" bash -c 'grep -q "^X-Tls: True" "$1" && grep -q "^X-Authenticated: True" "$1"' _ "$MAIL"
ok "what cannot be delivered goes to its own address" has '^X-MailFrom: returer@forening.example'
for header in 'Auto-Submitted: auto-generated' 'List-Id: Portvakt <portvakt.forening.example>' 'Message-ID: <' 'Date: ' 'Content-Language: sv'; do
  ok "it bears $header" has "^$header"
done
readable() { python3 - "$MAIL" <<'PY'
import email, email.policy, sys
m = email.message_from_bytes(open(sys.argv[1], "rb").read(), policy=email.policy.default)
text, html = m.get_body(("plain",)).get_content(), m.get_body(("html",)).get_content()
ok = "rätt inställd" in text and "rätt inställd" in html and "prefers-color-scheme" in html
ok = ok and "<img" not in html and "src=" not in html and m["Subject"] == "Ett prov från Portvakt" and "Björkbackens" in m["From"]
sys.exit(0 if ok else f"{m['Subject']} {m['From']}\n{text}\n{html}")
PY
}
ok "text and HTML say the same, and nothing is fetched" readable
ok "a slow server is waited for" portvakt mail test slow@forening.example
said() { ! portvakt mail test "$1@forening.example" > "$WORK/said" 2>&1 && grep -q "$2" "$WORK/said" && ! grep -q "$1@" "$WORK/said"; }
ok "an unknown mailbox is refused, and the address is not repeated" said reject 'no such mailbox'
ok "a busy one is told as such" said later 'try again later'
ok "a message that is refused after it was sent, too" said datafail 'message refused'
ok "nothing of that arrived" [ "$(mails)" = 2 ]
troubles() { portvakt mail list --format json | python3 -c 'import json,sys; sys.exit(0 if sorted(one["state"] for one in json.load(sys.stdin))==["refused","refused"] else 1)'; }
ok "the list names what was refused" troubles

# --- what comes back
ID="$(sed -n 's/^Message-ID: <\([^@]*\)@.*/\1/p' "$MAIL")"
report() { cat <<MAIL
From: MAILER-DAEMON@mx.example
To: returer@forening.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; asa@forening.example
Action: $1
Status: $2
Diagnostic-Code: smtp; 550 5.1.1 mailbox unavailable

--b
Content-Type: text/rfc822-headers

Message-ID: <$ID@forening.example>

--b--
MAIL
}
mkdir -p "$WORK/new"; report failed 5.1.1 > "$WORK/new/1"
late() { ! report delayed 4.4.1 | portvakt mail bounce > /dev/null 2>&1; }
ok "a letter that is only late has not come back" late
came_back() { portvakt mail bounce "$WORK/new" | grep -q "$ID (test) came back"; }
ok "one that failed has, from a folder of messages" came_back
bounced() { portvakt mail list --format json | python3 -c 'import json,sys; sys.exit(0 if any(one["state"]=="bounced" and "mailbox unavailable" in one["said"] for one in json.load(sys.stdin)) else 1)'; }
ok "and the list says so" bounced
