"""A gRPC server and client by an implementation that is not ours: grpc_peer.py serve PORT | call PORT.

Messages are bytes, so that no protobuf compiler is needed. serve says "ready" and serves until its input ends; call makes every
kind of call through the given port and says what came of each, a line each.
"""

import sys
from concurrent import futures

import grpc

SERVING = b"\x08\x01"


def fail(request, context):
    context.set_trailing_metadata((("why", "because"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 100 %")


def slow(request, context):
    context.add_callback(lambda: print("cancelled", flush=True))
    remaining = context.time_remaining()
    yield ("deadline" if remaining is not None and remaining < 60 else "none").encode()
    while context.is_active():
        import time

        time.sleep(0.01)


def metadata(request, context):
    given = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-initial", "first"),))
    context.set_trailing_metadata((("x-trailing", "last"), ("x-bytes-bin", b"\x00\xff")))
    return given.get("x-given", "").encode()


HANDLERS = {
    "Echo": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
    "Count": grpc.unary_stream_rpc_method_handler(
        lambda request, context: (b"%d" % i for i in range(int(request)))
    ),
    "Sum": grpc.stream_unary_rpc_method_handler(
        lambda requests, context: b"%d" % sum(len(r) for r in requests)
    ),
    "Chat": grpc.stream_stream_rpc_method_handler(
        lambda requests, context: (r.upper() for r in requests)
    ),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Slow": grpc.unary_stream_rpc_method_handler(slow),
    "Metadata": grpc.unary_unary_rpc_method_handler(metadata),
}
HEALTH = {"Check": grpc.unary_unary_rpc_method_handler(lambda request, context: SERVING)}


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("test.Peer", HANDLERS),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", HEALTH),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop(0)


def call(port):
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)])

    def say(name, outcome):
        print(f"{name}: {outcome}", flush=True)

    def failing(name, invoke):
        try:
            invoke()
            say(name, "no error")
        except grpc.RpcError as error:
            trailing = {k: v for k, v in error.trailing_metadata() or () if k == "why"}
            say(name, f"{error.code().name} {error.details()} {trailing}")

    def method(kind, name):
        return getattr(channel, kind)(f"/test.Peer/{name}")

    say("unary", method("unary_unary", "Echo")(b"hello", timeout=20).decode())
    large = b"x" * 3_000_000
    say("unary-large", method("unary_unary", "Echo")(large, timeout=20) == large)
    say("empty", method("unary_unary", "Echo")(b"", timeout=20) == b"")
    say("server-stream", sum(int(m) for m in method("unary_stream", "Count")(b"1000", timeout=20)))
    say("client-stream", method("stream_unary", "Sum")((b"x" * i for i in range(1000)), timeout=20).decode())

    # Each message is sent after the answer to the one before has come: nothing on the way may hold one back.
    import queue

    outbox = queue.Queue()
    answers = method("stream_stream", "Chat")(iter(outbox.get, None), timeout=20)
    said = []
    for word in (b"one", b"two", b"three"):
        outbox.put(word)
        said.append(next(answers).decode())
    outbox.put(None)
    said += [m.decode() for m in answers]
    say("bidi", " ".join(said))

    response, done = method("unary_unary", "Metadata").with_call(b"", metadata=(("x-given", "yes"),), timeout=20)
    initial, trailing = dict(done.initial_metadata()), dict(done.trailing_metadata())
    say("metadata", f"{response.decode()} {initial.get('x-initial')} {trailing.get('x-trailing')} {trailing.get('x-bytes-bin')}")
    failing("status", lambda: method("unary_unary", "Fail")(b"", timeout=20))
    failing("unknown", lambda: method("unary_unary", "Nothing")(b"", timeout=20))
    failing("deadline", lambda: list(method("unary_stream", "Slow")(b"", timeout=0.3)))
    stream = method("unary_stream", "Slow")(b"", timeout=20)
    say("deadline-seen", next(stream).decode())
    stream.cancel()
    echoes = [method("unary_unary", "Echo").future(b"%d" % i, timeout=20) for i in range(500)]
    say("parallel", sum(int(e.result()) for e in echoes))


if __name__ == "__main__":
    {"serve": serve, "call": call}[sys.argv[1]](int(sys.argv[2]))
