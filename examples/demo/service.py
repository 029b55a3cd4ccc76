"""A small HTTP service that knows nothing of Tidewatch: it answers, after calling others.

    service.py PORT [--call URL]... [--sometimes URL] [--fail PERCENT] [--delay SECONDS] [--busy]

It fails exactly PERCENT of its requests for /pay (evenly spread), waits SECONDS before it answers, calls each URL once
per request, and the URL of --sometimes on every tenth. A busy one computes all the time, as much as it is let.
"""

import argparse
import hashlib
import http.client
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

connections = threading.local()


def call(url):
    """GETs the url over a connection that this thread keeps open."""
    parts = urllib.parse.urlsplit(url)
    kept = connections.__dict__.setdefault("by_host", {})
    for attempt in range(2):
        connection = kept.get(parts.netloc)
        if connection is None:
            connection = kept[parts.netloc] = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request("GET", parts.path or "/")
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            kept.pop(parts.netloc, None)
            if attempt:
                return 502


class Turns:
    """Counts requests, so that shares of them are exact and not a matter of luck."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def next(self):
        with self.lock:
            self.count += 1
            return self.count

    def fails(self, percent):
        """Takes a turn and says whether it is one of the percent that fail."""
        turn = self.next()
        return turn * percent // 100 > (turn - 1) * percent // 100


def compute():
    """Without holding the interpreter, so that requests are answered meanwhile."""
    while True:
        hashlib.pbkdf2_hmac("sha256", b"word", b"index", 10_000)


def handler(options, turns, payments):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave in one write each; without this they would wait for each other's ACK.
        disable_nagle_algorithm = True

        def do_GET(self):
            turn = turns.next()
            time.sleep(options.delay)
            statuses = [call(url) for url in options.call]
            if options.sometimes and turn % 10 == 0:
                call(options.sometimes)
            failed = self.path == "/pay" and payments.fails(options.fail)
            status = 500 if failed or any(status >= 500 for status in statuses) else 200
            body = b'{"ok": %s}\n' % (b"true" if status == 200 else b"false")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--call", action="append", default=[])
    parser.add_argument("--sometimes")
    parser.add_argument("--fail", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    if options.busy:
        threading.Thread(target=compute, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", options.port), handler(options, Turns(), Turns())).serve_forever()


main()
