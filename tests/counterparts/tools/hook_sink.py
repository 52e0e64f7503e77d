#!/usr/bin/env python3
"""A CRM that only listens: takes webhooks and keeps them. Standard library only.

  hook_sink.py --listen 127.0.0.1:9580 --log deliveries.jsonl [--secret whsec_BASE64] [--refuse-file FILE]

Each delivery becomes one JSON line: {"t", "path", "id", "timestamp", "signature", "status", "body"}. With --secret the
signature is checked as Standard Webhooks says (HMAC-SHA256 over "id.timestamp.body", at most five minutes from now): a
delivery that does not verify is answered 401 and logged with "signature": false. While FILE exists every delivery is
answered 503, as by a CRM that is down. GET answers 200, so that a script can wait for it.
"""
import argparse, base64, hashlib, hmac, http.server, json, os, threading, time

ap = argparse.ArgumentParser()
ap.add_argument("--listen", required=True)
ap.add_argument("--log", required=True)
ap.add_argument("--secret")
ap.add_argument("--refuse-file")
a = ap.parse_args()
lock = threading.Lock()
log = open(a.log, "a", buffering=1, encoding="utf-8")


def key(secret):
    return base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else secret.encode()


def verifies(headers, body):
    """Whether one of the signatures in the header is ours and the timestamp is near."""
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    want = base64.b64encode(hmac.new(key(a.secret), f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    offered = [s.split(",", 1)[1] for s in headers.get("webhook-signature", "").split() if s.startswith("v1,")]
    return any(hmac.compare_digest(want, s) for s in offered)


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        signed = verifies(self.headers, body) if a.secret else None
        down = bool(a.refuse_file) and os.path.exists(a.refuse_file)
        status = 503 if down else 401 if signed is False else 204
        try:
            told = json.loads(body)
        except ValueError:
            told = body.decode("utf-8", "replace")
        line = {"t": round(time.time(), 3), "path": self.path, "id": self.headers.get("webhook-id"),
                "timestamp": self.headers.get("webhook-timestamp"), "signature": signed, "status": status, "body": told}
        with lock:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.answer(status)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


host, port = a.listen.rsplit(":", 1)
Server((host, int(port)), Hook).serve_forever()
