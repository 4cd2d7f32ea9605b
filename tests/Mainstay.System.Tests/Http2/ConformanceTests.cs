using Mainstay.System.Tests.Daemon;
using static Mainstay.System.Tests.Http2.FramePeer;
using static Mainstay.System.Tests.Http2.WireFrame;

namespace Mainstay.System.Tests.Http2;

/// <summary>
/// The running program against a client that breaks the rules, one by one, in the order of RFC 9113 and RFC 7541. The machine's own
/// tests have every rule; these show that the answers reach the wire, and that no connection is kept or lost by mistake.
/// </summary>
public sealed class ConformanceTests(RunningDaemon daemon) : IClassFixture<RunningDaemon>
{
    private const int ProtocolError = 1, FlowControlError = 3, StreamClosed = 5, FrameSizeError = 6, RefusedStream = 7, CompressionError = 9, Calm = 11;

    private static readonly (string Name, string Value)[] s_get =
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];

    private static readonly (string Name, string Value)[] s_post = [(":method", "POST"), .. s_get[1..]];

    private static readonly Dictionary<string, Action<FramePeer>> s_cases = new()
    {
        // Whatever a sound client may do.
        ["generic/1 GET"] = p => Serves(p, Head(1, true, s_get)),
        ["generic/1 HEAD"] = p =>
        {
            p.Send(Head(1, true, [(":method", "HEAD"), .. s_get[1..]]));
            Assert.Equal(0, p.ExpectResponse(1));
        },
        ["generic/1 POST with content"] = p => Serves(p, Head(1, false, s_post), Frame(Data, EndStream, 1, new byte[100])),
        ["generic/1 POST with trailer"] = p => Serves(p, Head(1, false, s_post), Frame(Data, 0, 1, new byte[100]), Head(1, true, ("x-sum", "1"))),
        ["generic/2 priority in HEADERS"] = p => Serves(p, Frame(Headers, EndStream | EndHeaders | WithPriority, 1, [.. Number(0), 255, .. Block(s_get)])),
        ["generic/2 padded HEADERS"] = p => Serves(p, Frame(Headers, EndStream | EndHeaders | Padded, 1, [3, .. Block(s_get), 0, 0, 0])),
        ["generic/2 padded DATA"] = p => Serves(p, Head(1, false, s_post), Frame(Data, EndStream | Padded, 1, [2, 1, 2, 3, 0, 0])),
        ["generic/2 HEADERS in many pieces"] = p => Serves(p, [Frame(Headers, EndStream, 1, Block(s_get)[..3]), .. Pieces(1, Block(s_get)[3..])]),
        ["generic/2 PRIORITY before its stream"] = p => Serves(p, Frame(Priority, 0, 1, [.. Number(0), 0]), Head(1, true, s_get)),
        ["generic/2 WINDOW_UPDATE"] = p => Serves(p, Head(1, true, s_get), Frame(WindowUpdate, 0, 1, Number(1)), Frame(WindowUpdate, 0, 0, Number(1))),
        ["generic/2 PING"] = p => p.ExpectAlive(),
        ["generic/2 GOAWAY, then the streams end"] = p => Serves(p, Head(1, true, s_get), Frame(GoAway, 0, 0, [.. Number(0), .. Number(0)])),
        ["generic/3 indexed field"] = p => Serves(p, Frame(Headers, EndStream | EndHeaders, 1, [0x82, 0x84, 0x86, 0x41, .. Text("a")])),
        ["generic/3 literal, indexed, by name"] = p =>
        {
            p.Send(Frame(Headers, EndStream | EndHeaders, 1, [0x82, 0x84, 0x86, 0x41, .. Text("a"), 0x40, .. Text("x-a"), .. Text("y")]));
            p.ExpectResponse(1);
            Serves(p, 3, Frame(Headers, EndStream | EndHeaders, 3, 0x82, 0x84, 0x86, 0xBF, 0xBE));
        },
        ["generic/3 Huffman code"] = p => Serves(p, Frame(Headers, EndStream | EndHeaders, 1, [0x82, 0x84, 0x86, 0x41, 0x8C, 0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B, 0xA0, 0xAB, 0x90, 0xF4, 0xFF])),
        ["generic/3 table size updates"] = p => Serves(p, Frame(Headers, EndStream | EndHeaders, 1, [0x20, 0x3F, 0xE1, 0x1F, 0x82, 0x84, 0x86, 0x41, .. Text("a")])),
        ["generic/4 streams at once"] = p =>
        {
            p.Send([.. Enumerable.Range(0, 100).Select(i => Head(i * 2 + 1, true, s_get))]);
            var open = new HashSet<int>(Enumerable.Range(0, 100).Select(i => i * 2 + 1));
            while (open.Count > 0)
            {
                WireFrame frame = p.Read() ?? throw new InvalidOperationException("the connection ended");
                Assert.NotEqual(Reset, frame.Type);
                if (frame.Type is Data or Headers && (frame.Flags & EndStream) != 0) open.Remove(frame.Stream);
            }
        },

        // 4 Frames
        ["4.1 unknown type"] = p => Lives(p, Frame(0x16, 0, 0, new byte[8])),
        ["4.1 unknown flags"] = p => Lives(p, Frame(Ping, 0x16, 0, new byte[8])),
        ["4.1 reserved bit"] = p => Lives(p, Frame(Ping, 0, int.MinValue, new byte[8])),
        ["4.2 DATA of 2^14"] = p => Serves(p, Head(1, false, s_post), Frame(Data, EndStream, 1, new byte[16384])),
        ["4.2 DATA too large"] = p => Fails(p, FrameSizeError, Head(1, false, s_post), Frame(Data, 0, 1, new byte[16385])),
        ["4.2 HEADERS too large"] = p => Fails(p, FrameSizeError, Frame(Headers, EndStream | EndHeaders, 1, Block([.. s_get, ("x", new string('y', 16384))]))),
        ["4.3 invalid field block"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, 0x40)),
        ["4.3 PRIORITY inside a field block"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream, 1, Block(s_get)), Frame(Priority, 0, 1, [.. Number(0), 0])),
        ["4.3 another stream inside a field block"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream, 1, Block(s_get)), Head(3, true, s_get)),

        // 5.1 Stream states
        ["5.1 idle: DATA"] = p => Fails(p, ProtocolError, Frame(Data, EndStream, 1, 1)),
        ["5.1 idle: RST_STREAM"] = p => Fails(p, ProtocolError, Frame(Reset, 0, 1, Number(8))),
        ["5.1 idle: WINDOW_UPDATE"] = p => Fails(p, ProtocolError, Frame(WindowUpdate, 0, 1, Number(100))),
        ["5.1 idle: CONTINUATION"] = p => Fails(p, ProtocolError, Frame(Continuation, EndHeaders, 1, Block(s_get))),
        ["5.1 half-closed: DATA"] = p => Resets(p, StreamClosed, Head(1, true, s_get), Frame(Data, EndStream, 1, 1)),
        ["5.1 half-closed: HEADERS"] = p => Resets(p, StreamClosed, Head(1, true, s_get), Head(1, true, s_get)),
        ["5.1 half-closed: CONTINUATION"] = p => Fails(p, ProtocolError, Head(1, true, s_get), Frame(Continuation, EndHeaders, 1, Block(s_get))),
        ["5.1 closed by RST_STREAM: DATA"] = p => Resets(p, StreamClosed, Head(1, false, s_post), Frame(Reset, 0, 1, Number(8)), Frame(Data, EndStream, 1, 1)),
        ["5.1 closed by RST_STREAM: HEADERS"] = p => Resets(p, StreamClosed, Head(1, false, s_post), Frame(Reset, 0, 1, Number(8)), Head(1, true, s_get)),
        ["5.1 closed: DATA"] = p => AfterResponse(p, StreamClosed, Frame(Data, EndStream, 1, 1)),
        ["5.1 closed: HEADERS"] = p => AfterResponse(p, StreamClosed, Head(1, true, s_get)),
        ["5.1 closed: WINDOW_UPDATE and RST_STREAM are late"] = p =>
        {
            Serves(p, Head(1, true, s_get));
            Lives(p, Frame(WindowUpdate, 0, 1, Number(1)), Frame(Reset, 0, 1, Number(8)), Frame(Priority, 0, 1, [.. Number(0), 0]));
        },
        ["5.1.1 even stream"] = p => Fails(p, ProtocolError, Head(2, true, s_get)),
        ["5.1.1 lower stream"] = p => Fails(p, ProtocolError, Head(5, true, s_get), Head(3, true, s_get)),
        ["5.1.2 too many streams"] = p =>
        {
            p.Send([.. Enumerable.Range(0, 129).Select(i => Head(i * 2 + 1, false, s_post))]);
            p.ExpectReset(257, RefusedStream);
        },
        ["5.3 a stream that depends on itself"] = p => Resets(p, ProtocolError, Frame(Headers, EndStream | EndHeaders | WithPriority, 1, [.. Number(1), 255, .. Block(s_get)])),
        ["5.4.1 the connection is closed after GOAWAY"] = p => Fails(p, FrameSizeError, Frame(Ping, 0, 0, 0, 0, 0)),
        ["5.5 unknown frame inside a field block"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream, 1, Block(s_get)), Frame(0x16, 0, 0)),
        ["5.5 unknown setting"] = p => Lives(p, Settings((0xFF, 1))),

        // 6 Frames
        ["6.1 DATA on stream 0"] = p => Fails(p, ProtocolError, Frame(Data, EndStream, 0, 1)),
        ["6.1 padding too long"] = p => Fails(p, ProtocolError, Head(1, false, s_post), Frame(Data, EndStream | Padded, 1, 6, 1, 2, 3)),
        ["6.2 HEADERS without CONTINUATION"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream, 1, Block(s_get)), Frame(Ping, 0, 0, new byte[8])),
        ["6.2 HEADERS on stream 0"] = p => Fails(p, ProtocolError, Head(0, true, s_get)),
        ["6.2 padding too long"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream | EndHeaders | Padded, 1, [255, .. Block(("x", "y"))])),
        ["6.3 PRIORITY on stream 0"] = p => Fails(p, ProtocolError, Frame(Priority, 0, 0, [.. Number(0), 0])),
        ["6.3 PRIORITY of wrong size"] = p => Resets(p, FrameSizeError, Head(1, false, s_post), Frame(Priority, 0, 1, Number(0))),
        ["6.4 RST_STREAM on stream 0"] = p => Fails(p, ProtocolError, Frame(Reset, 0, 0, Number(8))),
        ["6.4 RST_STREAM of wrong size"] = p => Fails(p, FrameSizeError, Head(1, false, s_post), Frame(Reset, 0, 1, 0, 0, 8)),
        ["6.5 SETTINGS ack with payload"] = p => Fails(p, FrameSizeError, Frame(WireFrame.Settings, Ack, 0, 0)),
        ["6.5 SETTINGS on a stream"] = p => Fails(p, ProtocolError, Frame(WireFrame.Settings, 0, 1)),
        ["6.5 SETTINGS of wrong size"] = p => Fails(p, FrameSizeError, Frame(WireFrame.Settings, 0, 0, 0, 1, 0)),
        ["6.5.2 ENABLE_PUSH 2"] = p => Fails(p, ProtocolError, FramePeer.Settings((2, 2))),
        ["6.5.2 INITIAL_WINDOW_SIZE above 2^31-1"] = p => Fails(p, FlowControlError, FramePeer.Settings((4, 0x8000_0000))),
        ["6.5.2 MAX_FRAME_SIZE too small"] = p => Fails(p, ProtocolError, FramePeer.Settings((5, 16383))),
        ["6.5.2 MAX_FRAME_SIZE too large"] = p => Fails(p, ProtocolError, FramePeer.Settings((5, 16777216))),
        ["6.5.3 SETTINGS are acknowledged"] = p =>
        {
            p.Send(FramePeer.Settings((3, 100), (1, 0)));
            int acknowledged = 0;
            p.ReadTo(frame => frame is { Type: WireFrame.Settings, Flags: Ack, Payload.Length: 0 } && ++acknowledged == 2);
            Assert.Equal(2, acknowledged);
        },
        ["6.6 PUSH_PROMISE"] = p => Fails(p, ProtocolError, Head(1, false, s_post), Frame(PushPromise, EndHeaders, 1, [.. Number(2), .. Block(s_get)])),
        ["6.7 PING is answered with its payload"] = p => p.ExpectAlive(),
        ["6.7 PING ack is not answered"] = p => Lives(p, Frame(Ping, Ack, 0, new byte[8])),
        ["6.7 PING on a stream"] = p => Fails(p, ProtocolError, Frame(Ping, 0, 1, new byte[8])),
        ["6.7 PING of wrong size"] = p => Fails(p, FrameSizeError, Frame(Ping, 0, 0, new byte[6])),
        ["6.8 GOAWAY on a stream"] = p => Fails(p, ProtocolError, Frame(GoAway, 0, 1, new byte[8])),
        ["6.9 WINDOW_UPDATE of 0"] = p => Fails(p, ProtocolError, Frame(WindowUpdate, 0, 0, Number(0))),
        ["6.9 WINDOW_UPDATE of 0 on a stream"] = p => Resets(p, ProtocolError, Head(1, false, s_post), Frame(WindowUpdate, 0, 1, Number(0))),
        ["6.9 WINDOW_UPDATE of wrong size"] = p => Fails(p, FrameSizeError, Frame(WindowUpdate, 0, 0, 0, 0, 1)),
        ["6.9.1 DATA waits for the window"] = p =>
        {
            p.Send(FramePeer.Settings((4, 1)), Head(1, true, s_get));
            p.ExpectContent(1);
            p.Send(Frame(WindowUpdate, 0, 1, Number(100)));
            p.ExpectContent(2); // "one", "two"
        },
        ["6.9.1 connection window overflows"] = p => Fails(p, FlowControlError, Frame(WindowUpdate, 0, 0, Number(int.MaxValue)), Frame(WindowUpdate, 0, 0, Number(int.MaxValue))),
        ["6.9.1 stream window overflows"] = p => Resets(p, FlowControlError, Head(1, false, s_post), Frame(WindowUpdate, 0, 1, Number(int.MaxValue))),
        ["6.9.2 window of a stream grows by SETTINGS"] = p =>
        {
            p.Send(FramePeer.Settings((4, 0)), Head(1, true, s_get));
            Assert.Equal(Headers, p.ReadTo(frame => frame.Stream == 1)!.Type);
            p.Send(FramePeer.Settings((4, 2)));
            p.ExpectContent(2);
        },
        ["6.9.2 negative window"] = p =>
        {
            p.Send(FramePeer.Settings((4, 2)), Head(1, true, s_get));
            p.ExpectContent(2);
            p.Send(FramePeer.Settings((4, 0)), Frame(WindowUpdate, 0, 1, Number(2)));
            p.ExpectAlive(); // the window is 0 now
            p.Send(Frame(WindowUpdate, 0, 1, Number(1)));
            p.ExpectContent(1);
        },
        ["6.10 CONTINUATION after the end of a block"] = p => Fails(p, ProtocolError, Head(1, false, s_post), Frame(Continuation, EndHeaders, 1, Block(s_get))),
        ["6.10 CONTINUATION on stream 0"] = p => Fails(p, ProtocolError, Frame(Headers, EndStream, 1, Block(s_get)), Frame(Continuation, EndHeaders, 0, Block(s_get))),
        ["6.10 CONTINUATION after DATA"] = p => Fails(p, ProtocolError, Head(1, false, s_post), Frame(Data, 0, 1, 1), Frame(Continuation, EndHeaders, 1, Block(s_get))),
        ["7 unknown error codes"] = p => Lives(p, Head(1, false, s_post), Frame(Reset, 0, 1, Number(0xFF)), Frame(GoAway, 0, 0, [.. Number(0), .. Number(0xFF)])),

        // 8 Messages
        ["8.1 second HEADERS without END_STREAM"] = p => Resets(p, ProtocolError, Head(1, false, s_post), Head(1, false, ("x", "y"))),
        ["8.1 pseudo-field in a trailer"] = p => Resets(p, ProtocolError, Head(1, false, s_post), Head(1, true, (":method", "GET"))),
        ["8.1.1 content-length too large"] = p => Resets(p, ProtocolError, Head(1, false, [.. s_post, ("content-length", "2")]), Frame(Data, EndStream, 1, 1)),
        ["8.1.1 content-length too small"] = p => Resets(p, ProtocolError, Head(1, false, [.. s_post, ("content-length", "1")]), Frame(Data, 0, 1, 1), Frame(Data, EndStream, 1, 1)),
        ["8.2.1 upper case"] = p => Malformed(p, [.. s_get, ("X-Test", "ok")]),
        ["8.2.1 line break in a value"] = p => Malformed(p, [.. s_get, ("x", "a\r\nb: c")]),
        ["8.2.2 connection"] = p => Malformed(p, [.. s_get, ("connection", "keep-alive")]),
        ["8.2.2 te"] = p => Malformed(p, [.. s_get, ("te", "trailers, deflate")]),
        ["8.2.2 transfer-encoding"] = p => Malformed(p, [.. s_post, ("transfer-encoding", "chunked")]),
        ["8.3 unknown pseudo-field"] = p => Malformed(p, [.. s_get, (":test", "ok")]),
        ["8.3 response's pseudo-field"] = p => Malformed(p, [.. s_get, (":status", "200")]),
        ["8.3 pseudo-field after a field"] = p => Malformed(p, [.. s_get[..3], ("x", "y"), s_get[3]]),
        ["8.3.1 empty :path"] = p => Malformed(p, [.. s_get[..2], (":path", ""), s_get[3]]),
        ["8.3.1 no :method"] = p => Malformed(p, s_get[1..]),
        ["8.3.1 no :scheme"] = p => Malformed(p, [s_get[0], .. s_get[2..]]),
        ["8.3.1 no :path"] = p => Malformed(p, [.. s_get[..2], s_get[3]]),
        ["8.3.1 :method twice"] = p => Malformed(p, [s_get[0], .. s_get]),
        ["8.3.1 host is not :authority"] = p => Malformed(p, [.. s_get, ("host", "evil.example")]),
        ["8.5 CONNECT with a path"] = p => Malformed(p, (":method", "CONNECT"), (":authority", "a:1"), (":path", "/"), (":scheme", "http")),
        ["8.6 what breaks HTTP/1.1 rules only is answered 400"] = p =>
        {
            p.Send(Head(1, true, [.. s_get[..2], (":path", "/<>"), s_get[3]]));
            Assert.Equal(0x8C, p.ReadTo(frame => frame.Type == Headers)!.Payload[0]); // :status 400
            p.ExpectAlive();
        },

        // 10.5 Floods
        ["10.5 rapid reset"] = p => Floods(p, i => [.. Head(i * 2 + 1, true, s_get), .. Frame(Reset, 0, i * 2 + 1, Number(8))]),
        ["10.5 made you reset"] = p => Floods(p, i => [.. Head(i * 2 + 1, true, s_get), .. Frame(WindowUpdate, 0, i * 2 + 1, Number(0))]),
        ["10.5 CONTINUATION"] = p => Floods(p, i => i == 0 ? Frame(Headers, 0, 1, Block(s_get)) : Frame(Continuation, 0, 1)),
        ["10.5 SETTINGS"] = p => Floods(p, _ => FramePeer.Settings()),
        ["10.5 PING"] = p => Floods(p, _ => Frame(Ping, 0, 0, new byte[8])),
        ["10.5 empty DATA"] = p => Floods(p, i => i == 0 ? Head(1, false, s_post) : Frame(Data, 0, 1)),
        ["10.5 PRIORITY"] = p => Floods(p, _ => Frame(Priority, 0, 1, [.. Number(0), 0])),
        ["10.5.1 head too large"] = p =>
        {
            p.Send(Head(1, true, [.. s_get, .. Enumerable.Range(0, 3).Select(i => ($"x{i}", new string('y', 5000)))]));
            p.ExpectResponse(1);
            byte[] block = Block([.. s_get, .. Enumerable.Range(0, 8).Select(i => ($"x{i}", new string('y', 5000)))]);
            p.Send([Frame(Headers, EndStream, 3, block[..16384]), .. Pieces(3, block[16384..])]);
            WireFrame head = p.ReadTo(frame => frame.Stream == 3)!;
            Assert.Equal((Headers, "431"), (head.Type, global::System.Text.Encoding.ASCII.GetString(head.Payload, 2, 3)));
            p.ExpectAlive();
        },

        // RFC 7541
        ["hpack/2.3.3 index beyond the tables, indexed"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0xC6])),
        ["hpack/2.3.3 index beyond the tables, by name"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0x7F, 0x07, .. Text("x")])),
        ["hpack/4.2 size update at the end of a block"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0x21])),
        ["hpack/5.2 padding of more than 7 bits"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0, .. Text("x"), 0x82, 0xF8, 0xFF])),
        ["hpack/5.2 padding of zeros"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0, .. Text("x"), 0x81, 0x00])),
        ["hpack/5.2 end of string"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0, .. Text("x"), 0x84, 0xFF, 0xFF, 0xFF, 0xFF])),
        ["hpack/6.1 index 0"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [.. Block(s_get), 0x80])),
        ["hpack/6.3 table larger than allowed"] = p => Fails(p, CompressionError, Frame(Headers, EndStream | EndHeaders, 1, [0x3F, 0xE2, 0x1F, .. Block(s_get)])),
    };

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rule_KeptOrBroken_IsAnsweredAsItSays(string rule)
    {
        using var peer = new FramePeer(daemon.Port, []);
        s_cases[rule](peer);
    }

    [Fact]
    public void Preface_Broken_EndsTheConnection()
    {
        using var peer = new FramePeer(daemon.Port, null);
        peer.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), Frame(Ping, 0, 0, new byte[8]));
        peer.ExpectGoAway(ProtocolError);
    }

    [Fact]
    public void Preface_CutAtEveryByte_IsServed()
    {
        byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. FramePeer.Settings(), .. Head(1, true, s_get)];
        for (int cut = 1; cut < preface.Length; cut += cut < 26 ? 1 : 7)
        {
            using var peer = new FramePeer(daemon.Port, null);
            peer.Send(preface[..cut]);
            peer.Send(preface[cut..]);
            peer.ExpectResponse(1);
        }
    }

    /// <summary>Bytes of every kind, from many connections at once: the program goes on serving, and no worker dies.</summary>
    [Fact]
    public void Connections_OfDamagedFrames_HurtNobody()
    {
        int worker = daemon.WorkerPid();
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            using var peer = new FramePeer(daemon.Port, []);
            byte[] bytes = [.. Enumerable.Range(0, 20).SelectMany(j => RandomFrame(random, j))];
            for (int k = random.Next(4); k > 0; k--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                peer.Send(bytes);
                if (random.Next(2) == 0) peer.Read();
            }
            catch (global::System.Net.Sockets.SocketException)
            {
                // It has seen enough and closed.
            }
        }

        using var sound = new FramePeer(daemon.Port, []);
        Serves(sound, Head(1, true, s_get));
        Assert.Equal(worker, daemon.WorkerPid());
    }

    private static byte[] RandomFrame(Random random, int number)
    {
        int stream = random.Next(3) == 0 ? random.Next(12) : number * 2 + 1;
        return random.Next(8) switch
        {
            0 or 1 => Head(stream, true, s_get),
            2 => Head(stream, false, s_post),
            3 => Frame(Data, random.Next(2), stream, new byte[random.Next(2000)]),
            4 => Frame(WindowUpdate, 0, random.Next(2) * stream, Number((uint)random.Next())),
            5 => Frame(Reset, 0, stream, Number(8)),
            6 => FramePeer.Settings((random.Next(10), (uint)random.Next(100_000))),
            _ => Frame(random.Next(12), random.Next(256), stream, new byte[random.Next(20)]),
        };
    }

    private static byte[] Head(int stream, bool ends, params (string, string)[] fields) =>
        Frame(Headers, EndHeaders | (ends ? EndStream : 0), stream, Block(fields));

    private static byte[][] Pieces(int stream, byte[] block)
    {
        byte[][] pieces = [.. block.Chunk(Math.Max(16, block.Length / 4)).Select(piece => Frame(Continuation, 0, stream, piece))];
        pieces[^1][4] = EndHeaders;
        return pieces;
    }

    private static void Serves(FramePeer peer, params byte[][] frames) => Serves(peer, 1, frames);

    private static void Serves(FramePeer peer, int stream, params byte[][] frames)
    {
        peer.Send(frames);
        Assert.Equal(3, peer.ExpectResponse(stream)); // "one" or "two"
    }

    private static void Lives(FramePeer peer, params byte[][] frames)
    {
        peer.Send(frames);
        peer.ExpectAlive();
    }

    private static void Fails(FramePeer peer, int code, params byte[][] frames)
    {
        peer.Send(frames);
        peer.ExpectGoAway(code);
    }

    private static void Resets(FramePeer peer, int code, params byte[][] frames)
    {
        peer.Send(frames);
        peer.ExpectReset(1, code);
    }

    private static void Malformed(FramePeer peer, params (string, string)[] fields) => Resets(peer, ProtocolError, Head(1, true, fields));

    private static void AfterResponse(FramePeer peer, int code, params byte[][] frames)
    {
        Serves(peer, Head(1, true, s_get));
        Fails(peer, code, frames);
    }

    private static void Floods(FramePeer peer, Func<int, byte[]> frame)
    {
        try
        {
            peer.Send([.. Enumerable.Range(0, 2000).Select(frame)]);
        }
        catch (global::System.Net.Sockets.SocketException)
        {
            // Closed before it had taken all of it.
        }

        WireFrame? goAway = peer.ReadTo(f => f.Type == GoAway);
        Assert.True(goAway is null || goAway.Code == Calm, $"ended with {goAway?.Code}");
    }
}
