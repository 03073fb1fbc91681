"""An HTTP server: python server.py PORT HOW."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT, HOW = int(sys.argv[1]), sys.argv[2]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0" if HOW == "http1.0" else "HTTP/1.1"
    asked = 0

    def do_GET(self):
        self.answer(503 if HOW == "never-ready" else 200, b"")

    def do_POST(self):
        Handler.asked += 1
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if HOW == "hangs":
            time.sleep(60)
        if HOW == "dies" and Handler.asked == 2:
            sys.stderr.write("out of words\n")
            sys.stderr.flush()
            os._exit(3)
        reply = json.dumps({"id": "?" if HOW == "wrong-id" else request["id"], "output": request["source"]}).encode()
        if HOW == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (reply[:5], reply[5:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.answer(500 if HOW == "500" else 200, b"x" * 70_000 if HOW == "floods" else reply)
            if HOW == "twice":
                self.answer(200, reply)

    def answer(self, status, body):
        self.send_response(status)
        if HOW != "no-length" or self.command == "GET":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
