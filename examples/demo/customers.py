"""Customers of the shop: a few requests a second over a connection that stays open.

    customers.py URL PER_SECOND
"""

import http.client
import sys
import time
import urllib.parse

PATHS = ["/", "/cart/17", "/catalog/4711", "/", "/recommend"]


def main():
    url, per_second = urllib.parse.urlsplit(sys.argv[1]), float(sys.argv[2])
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    turn = 0
    while True:
        try:
            connection.request("GET", PATHS[turn % len(PATHS)])
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()
        turn += 1
        time.sleep(1 / per_second)


main()
