#!/usr/bin/env python3
"""A small CRM that knows no OpenID: it shows who the proxy says is there.   page.py PORT"""
import html, http.server, json, sys


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        told = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-portvakt-")}
        rows = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in sorted(told.items()))
        facts = json.dumps({"path": self.path, "told": told, "cookie": self.headers.get("Cookie", "")})
        body = f"""<!doctype html><html lang="sv"><meta charset="utf-8"><title>CRM</title><h1>CRM</h1>
<p id="who">{html.escape(told.get("x-portvakt-user", ""))}</p><table>{rows}</table><p><a id="next" href="/kampanjer?sida=2">Nästa sida</a></p>
<script type="application/json">{facts}</script></html>""".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
