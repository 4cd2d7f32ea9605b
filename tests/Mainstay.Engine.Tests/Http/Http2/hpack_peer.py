"""An HTTP/2 client by an implementation that is not ours: hpack_peer.py PORT SEED REQUESTS.

Sends requests with fields of every kind over one connection, and changes the size of its compression table on the way. The server
says in its body which fields it got, and gives the x- fields back as fields. Ends with 0 when both are as they should be.
"""

import random
import socket
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings

NAMES = ["x-a", "x-b", "x-longer-name-of-a-field", "x-trace", "accept", "authorization", "user-agent", "x-auth-token", "etag"]


def value(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return str(rng.randrange(3))
    if kind == 1:
        return rng.choice("abc") * rng.randrange(1, 200)
    if kind == 2:
        return "".join(chr(rng.randrange(33, 127)) for _ in range(rng.randrange(1, 60)))
    if kind == 3:
        return "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
    return "%x" % rng.getrandbits(64)


def answer(sock, connection, stream):
    """Reads until the stream has ended: its fields and its content."""
    fields, content = None, b""
    while True:
        data = sock.recv(65536)
        if not data:
            sys.exit("the connection ended")
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                fields = event.headers
            elif isinstance(event, h2.events.DataReceived):
                content += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                sock.sendall(connection.data_to_send())
                return fields, content.decode("latin-1")
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                sys.exit(f"refused: {event}")
        sock.sendall(connection.data_to_send())


def main():
    port, seed, count = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="latin-1"))
    connection.initiate_connection()
    sock.sendall(connection.data_to_send())
    for number in range(count):
        if number % 25 == 24:
            size = rng.choice([0, 64, 500, 4096, 65536])
            connection.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: size})
        sent = [(rng.choice(NAMES), value(rng)) for _ in range(rng.randrange(10))]
        stream = connection.get_next_available_stream_id()
        pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", f"127.0.0.1:{port}"), (":path", f"/{number % 7}")]
        connection.send_headers(stream, pseudo + sent, end_stream=True)
        sock.sendall(connection.data_to_send())
        fields, content = answer(sock, connection, stream)
        expected = [f"{name}: {text}" for name, text in sent]
        got = [line for line in content.split("\n") if line.split(":")[0] in NAMES]
        if got != expected:
            sys.exit(f"request {number}: sent {expected}, the server got {got}")
        echoed = [(name, text) for name, text in fields if name.startswith("x-") and name in NAMES]
        if echoed != [(name, text) for name, text in sent if name.startswith("x-")]:
            sys.exit(f"request {number}: sent {sent}, got back {fields}")
    print("ok")


main()
