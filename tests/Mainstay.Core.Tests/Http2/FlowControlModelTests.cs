using Mainstay.Core.Http2;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Http2;

/// <summary>
/// A client and a server machine talk over wires that cut as they like; a twin that only adds and subtracts says what each may
/// send. Every byte arrives, once and in order, whatever the windows do.
/// </summary>
public class FlowControlModelTests
{
    [Fact]
    public void TwoMachines_AnySchedule_KeepTheirWindowsAndLoseNothing()
    {
        for (int seed = 0; seed < Math.Max(1, ParserPropertyTests.Count(80_000) / 2000); seed++)
        {
            var world = new TwoMachines(seed);
            world.Run();
        }
    }

    [Fact]
    public void Sending_AnyUpdatesAndSettings_AgreesWithTheTwin()
    {
        var random = new Random(11);
        for (int round = 0; round < Math.Max(1, ParserPropertyTests.Count(20_000) / 200); round++)
        {
            Machine server = Machine.Server();
            var twin = new SendTwin();
            int opened = 0;
            for (int i = 0; i < 200; i++)
            {
                server.Now += TimeSpan.FromSeconds(1);
                Step(server.Forget(), twin, random, ref opened);
                foreach ((int id, StreamRef stream) in twin.Streams) Assert.Equal(twin.Sendable(id), server.Connection.Sendable(stream));
            }
        }
    }

    private static void Step(Machine server, SendTwin twin, Random random, ref int opened)
    {
        int id = twin.Streams.Count == 0 ? 0 : twin.Streams.Keys.ElementAt(random.Next(twin.Streams.Count));
        switch (random.Next(5))
        {
            case 0 when opened < 8:
                id = opened++ * 2 + 1;
                server.Feed(Wire.Headers(id, true, Wire.Get));
                server.Answer(id, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
                twin.Open(id, server.Stream(id));
                break;
            case 1 when id > 0:
                int increment = random.Next(1, 50_000);
                server.Feed(Wire.WindowUpdate(id, (uint)increment));
                Assert.Equal(twin.Widen(id, increment), server.Events.Count > 0);
                break;
            case 2:
                increment = random.Next(1, 50_000);
                server.Feed(Wire.WindowUpdate(0, (uint)increment));
                Assert.Equal(twin.WidenAll(increment), server.Events.Count > 0);
                break;
            case 3:
                int initial = random.Next(3) == 0 ? 0 : random.Next(100_000);
                server.Feed(Wire.Settings((4, (uint)initial)));
                twin.SetInitial(initial);
                break;
            case 4 when id > 0:
                int wanted = random.Next(100_000);
                int expected = Math.Min(wanted, twin.Sendable(id));
                Assert.Equal(expected, server.Write(twin.Streams[id], wanted));
                twin.Send(id, expected);
                break;
            default: break;
        }
    }

    /// <summary>RFC 9113 section 6.9.2 in sums: window = initial + updates - sent.</summary>
    private sealed class SendTwin
    {
        private readonly Dictionary<int, long> _updates = [], _sent = [];
        private long _connectionUpdates = 65535, _connectionSent;
        private int _initial = 65535;

        public Dictionary<int, StreamRef> Streams { get; } = [];

        public void Open(int id, StreamRef stream) => (Streams[id], _updates[id], _sent[id]) = (stream, 0, 0);

        public int Sendable(int id) => (int)Math.Max(0, Math.Min(Window(id), _connectionUpdates - _connectionSent));

        public bool Widen(int id, int increment)
        {
            bool closed = Window(id) <= 0;
            _updates[id] += increment;
            return closed && Window(id) > 0;
        }

        public bool WidenAll(int increment)
        {
            bool closed = _connectionUpdates - _connectionSent <= 0;
            _connectionUpdates += increment;
            return closed;
        }

        public void SetInitial(int initial) => _initial = initial;

        public void Send(int id, int count)
        {
            _sent[id] += count;
            _connectionSent += count;
        }

        private long Window(int id) => _initial + _updates[id] - _sent[id];
    }

    /// <summary>Uploads from a client to a server that consumes when it likes.</summary>
    private sealed class TwoMachines
    {
        private const int Streams = 5;
        private readonly Random _random;
        private readonly Http2Settings _settings;
        private readonly Http2Connection _client, _server;
        private readonly Http2Workspace _workspace = new();
        private readonly List<byte> _toServer = [], _toClient = [];
        private readonly byte[] _room = new byte[1 << 16];
        private readonly List<(StreamRef Stream, int Count)> _held = [];
        private readonly long[] _sent = new long[Streams], _received = new long[Streams], _total = new long[Streams];
        private readonly StreamRef[] _uploads = new StreamRef[Streams];
        private readonly bool[] _done = new bool[Streams], _ended = new bool[Streams];
        private Instant _now = new(1);

        public TwoMachines(int seed)
        {
            _random = new Random(seed);
            _settings = new Http2Settings(StreamWindow: 65535 + _random.Next(50_000), ConnectionWindow: 65535 + _random.Next(100_000));
            _client = new Http2Connection(_workspace);
            _server = new Http2Connection(_workspace);
            _client.Begin(Http2Role.Client, new Http2Settings(), 1);
            _server.Begin(Http2Role.Server, _settings, 2);
            Say(_client, _toServer, (ref FrameBuffer output) => _client.Start(ref output));
            Say(_server, _toClient, (ref FrameBuffer output) => _server.Start(ref output));
        }

        public void Run()
        {
            for (int i = 0; i < Streams; i++)
            {
                _total[i] = _random.Next(300_000);
                Say(_client, _toServer, (ref FrameBuffer output) =>
                    Assert.Equal(HeadWrite.Written, _client.TryOpen("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"u8, false, false, ref output, out _uploads[i])));
            }

            for (int step = 0; step < 20_000 && !_ended.All(e => e); step++)
            {
                _now += TimeSpan.FromMilliseconds(50);
                switch (_random.Next(4))
                {
                    case 0: Upload(_random.Next(Streams)); break;
                    case 1: Deliver(_toServer, _server, _toClient); break;
                    case 2: Deliver(_toClient, _client, _toServer); break;
                    default: ConsumeSome(); break;
                }

                Assert.True(_held.Sum(h => h.Count) <= _settings.ConnectionWindow);
            }

            Assert.Equal(_total, _received);
            Assert.All(_ended, Assert.True);
        }

        private void Upload(int i)
        {
            if (_done[i]) return;
            long left = _total[i] - _sent[i];
            int wanted = (int)Math.Min(left, _random.Next(1, 30_000));
            bool ends = wanted == left;
            Say(_client, _toServer, (ref FrameBuffer output) =>
            {
                byte[] content = new byte[wanted];
                for (int k = 0; k < wanted; k++) content[k] = (byte)(_sent[i] + k + i);
                int taken = _client.WriteData(_uploads[i], content, ends, ref output);
                _sent[i] += taken;
                _done[i] = ends && taken == wanted;
            });
        }

        private void ConsumeSome()
        {
            if (_held.Count == 0) return;
            int at = _random.Next(_held.Count);
            (StreamRef stream, int count) = _held[at];
            int part = _random.Next(1, count + 1);
            if (part == count) _held.RemoveAt(at);
            else _held[at] = (stream, count - part);
            Say(_server, _toClient, (ref FrameBuffer output) => Assert.True(_server.Consume(stream, part, ref output)));
        }

        private void Deliver(List<byte> wire, Http2Connection to, List<byte> back)
        {
            int count = _random.Next(Math.Min(wire.Count, 20_000) + 1);
            byte[] input = [.. wire[..count]];
            int position = 0;
            Say(to, back, (ref FrameBuffer output) =>
            {
                while (to.TryRead(input, ref position, ref output, _now, out Http2Event e)) OnEvent(to, e, input);
            });
            Assert.False(to.IsFailed);
            wire.RemoveRange(0, position);
        }

        private void OnEvent(Http2Connection to, in Http2Event e, byte[] input)
        {
            if (to != _server || e.Kind != Http2EventKind.Data) return;
            int i = e.Stream.Id / 2;
            ReadOnlySpan<byte> content = e.Bytes.Of(input);
            bool inOrder = true;
            for (int k = 0; k < content.Length; k++) inOrder &= content[k] == (byte)(_received[i] + k + i);
            Assert.True(inOrder);
            _received[i] += content.Length;
            _ended[i] |= e.EndStream;
            if (content.Length > 0) _held.Add((e.Stream, content.Length));
        }

        private void Say(Http2Connection from, List<byte> wire, Machine.Writes writes)
        {
            var output = new FrameBuffer(_room);
            writes(ref output);
            Assert.False(from.IsFailed);
            wire.AddRange(output.Written);
        }
    }
}
