"""Customers of the shop, each with a few requests a second over a connection that stays open.

    customers.py URL CUSTOMERS PER_SECOND
"""

import http.client
import sys
import threading
import time
import urllib.parse

PATHS = ["/", "/cart/17", "/catalog/4711", "/", "/recommend", "/search"]


def visit(url, per_second):
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


def main():
    url, customers, per_second = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    visits = [threading.Thread(target=visit, args=(url, per_second)) for _ in range(customers)]
    for visitor in visits:
        visitor.start()
    for visitor in visits:
        visitor.join()


main()
