#!/usr/bin/env python3
"""Writes shop.pcap: a small shop as a packet capture at its switch would have seen it. The same bytes every time.

    web (10.1.0.5) -> front (10.1.0.10:8080) -> cart (10.1.0.20:8000) and payments (10.1.0.30:8000)

One keep-alive connection carries three requests, one of which fails with 500 because payments does; one segment is sent
twice, two arrive out of order, one connection is older than the capture, one is refused, and one speaks Redis.
"""

import struct
import sys

START = 1_767_225_600_000_000  # 2026-01-01 00:00:00 UTC, microseconds
WEB, FRONT, CART, PAYMENTS, STORE = "10.1.0.5", "10.1.0.10", "10.1.0.20", "10.1.0.30", "10.1.0.40"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

packets = []


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return bytes(int(part) for part in text.split("."))


def packet(micros, source, destination, sequence, acknowledged, flags, payload=b""):
    (source_ip, source_port), (destination_ip, destination_port) = source, destination
    numbers = (sequence % 2**32, acknowledged % 2**32)
    tcp = struct.pack("!HHIIBBHHH", source_port, destination_port, *numbers, 5 << 4, flags, 64240, 0, 0)
    pseudo = address(source_ip) + address(destination_ip) + struct.pack("!BBH", 0, 6, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
    length = 20 + len(tcp) + len(payload)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, len(packets), 0x4000, 64, 6, 0)
    ip += address(source_ip) + address(destination_ip)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    macs = b"\x02\0" + address(destination_ip) + b"\x02\0" + address(source_ip)
    packets.append((START + micros, macs + b"\x08\x00" + ip + tcp + payload))


class Connection:
    """Both ends of a connection; `at` counts microseconds from the beginning of the capture."""

    def __init__(self, at, client, server, sequence, is_known=True):
        self.client, self.server = client, server
        self.sent, self.answered = sequence, sequence + 1_000_000_000
        if is_known:
            packet(at, client, server, self.sent, 0, SYN)
            packet(at + 200, server, client, self.answered, self.sent + 1, SYN | ACK)
            packet(at + 400, client, server, self.sent + 1, self.answered + 1, ACK)
            self.sent, self.answered = self.sent + 1, self.answered + 1

    def ask(self, at, payload, again=False):
        for repeat in range(2 if again else 1):
            packet(at + 300 * repeat, self.client, self.server, self.sent, self.answered, PSH | ACK, payload)
        self.sent += len(payload)

    def answer(self, at, payload, swapped=False):
        half = len(payload) // 2
        parts = [(0, payload[:half]), (half, payload[half:])]
        for number, (offset, part) in enumerate(reversed(parts) if swapped else parts):
            packet(at + 50 * number, self.server, self.client, self.answered + offset, self.sent, PSH | ACK, part)
        self.answered += len(payload)

    def close(self, at):
        packet(at, self.client, self.server, self.sent, self.answered, FIN | ACK)
        packet(at + 100, self.server, self.client, self.answered, self.sent + 1, FIN | ACK)
        packet(at + 200, self.client, self.server, self.sent + 1, self.answered + 1, ACK)


def request(method, path, host, body="", headers=""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: shop\r\n{headers}{length}\r\n{body}".encode()


def response(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def main():
    trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    keep_alive = Connection(0, (WEB, 40001), (FRONT, 8080), 1_000)
    old = Connection(0, (FRONT, 40100), (STORE, 6379), 5_000, is_known=False)

    keep_alive.ask(1_000, request("GET", "/products/17?token=secret", "shop.example"))
    old.ask(1_500, b"*2\r\n$3\r\nGET\r\n$7\r\nprod:17\r\n")
    old.answer(1_700, b"$3\r\ntea\r\n")
    keep_alive.answer(4_000, response("200 OK", '{"id": 17, "name": "tea"}'))

    cart = Connection(1_000_000, (FRONT, 40101), (CART, 8000), 4_294_967_200)
    keep_alive.ask(1_000_500, request("GET", "/cart", "shop.example", headers=trace), again=True)
    cart.ask(1_002_000, request("GET", "/carts/0f8fad5b-d9cb-469f-a165-70867728950e", "cart:8000", headers=trace))
    cart.answer(1_010_000, response("200 OK", '{"items": [17]}'), swapped=True)
    keep_alive.answer(1_012_000, response("200 OK", '{"items": 1}'))
    cart.close(1_020_000)

    payments = Connection(2_000_000, (FRONT, 40102), (PAYMENTS, 8000), 9_000)
    keep_alive.ask(2_000_500, request("POST", "/checkout", "shop.example", '{"pay": true}'))
    payments.ask(2_002_000, request("POST", "/payments", "payments:8000", '{"amount": 4}'))
    payments.answer(2_900_000, response("500 Internal Server Error", '{"error": "no bank"}'))
    keep_alive.answer(2_903_000, response("500 Internal Server Error", '{"error": "payment"}'))
    payments.close(2_910_000)
    keep_alive.close(3_000_000)

    packet(3_100_000, (FRONT, 40103), (CART, 9999), 77, 0, SYN)
    packet(3_100_150, (CART, 9999), (FRONT, 40103), 0, 78, RST | ACK)

    with open(sys.argv[1] if len(sys.argv) > 1 else "shop.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for micros, frame in sorted(packets, key=lambda packet: packet[0]):
            file.write(struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, len(frame), len(frame)) + frame)


main()
