#!/usr/bin/env bash
# aiosmtpd 1.4.6 as the mail server: takes every message, keeps it as a file, can refuse or delay on purpose.
#   smtp.sh start --port 9551 --data DIR/cp-smtp [--tls starttls|implicit] [--auth user:password]
#   smtp.sh list --data ..      one line per message (recipients, subject, first words)     smtp.sh stop|status --data ..
# Faults by recipient: reject@... 550 at RCPT, later@... 451 at RCPT, slow@... 8 s before the answer, datafail@... 554 after DATA
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
LIST=0; pre=(); for a in "$@"; do if [ "$a" = list ]; then LIST=1; else pre+=("$a"); fi; done
cp_args "${pre[@]}"; PORT="${PORT:-9551}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-smtp}"
if [ $LIST = 1 ]; then exec python3 "$HERE/sink.py" list "$DATA/mail"; fi
install_it() { VENV="$(cp_venv smtp aiosmtpd==1.4.6)"; }
case "$ACTION" in
  install) install_it; echo installed;;
  start) install_it; mkdir -p "$DATA/mail"
    T="$(cp_opt --tls none)"; if [ "$T" != none ] && [ ! -f "$DATA/key.pem" ]; then openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext basicConstraints=critical,CA:FALSE -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$DATA/key.pem" -out "$DATA/ca.crt" 2>/dev/null; fi
    cp_spawn smtp "$VENV/bin/python" "$HERE/sink.py" serve "$DATA/mail" "$PORT" "$T" "$(cp_opt --auth -)" "$DATA"
    cp_wait_tcp 127.0.0.1 "$PORT" 15; echo "smtp          127.0.0.1:$PORT  tls=$T auth=$(cp_opt --auth none)"; echo "messages      $DATA/mail/*.eml  (smtp.sh list --data $DATA)";;
  stop) cp_stop smtp;; status) cp_alive smtp && echo running || echo stopped;;
esac
