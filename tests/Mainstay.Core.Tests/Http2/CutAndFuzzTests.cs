using Mainstay.Core.Http2;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Http2;

/// <summary>
/// The same bytes give the same events however they are cut, and any bytes at all give an end that the peer is told of.
/// MAINSTAY_FUZZ=5000000 makes it millions.
/// </summary>
public class CutAndFuzzTests
{
    [Fact]
    public void TryRead_EveryMessageCutAtEveryByte_GivesTheSameEventsAndFrames()
    {
        foreach ((Http2Role role, byte[] bytes) in Conversations())
        {
            (string events, string sent) whole = Play(role, machine => machine.Feed(bytes));
            Assert.Equal(whole, Play(role, machine => machine.FeedIn(1, bytes)));
            for (int cut = 1; cut < bytes.Length; cut++)
                Assert.Equal(whole, Play(role, machine => machine.Feed(bytes[..cut]).Feed(bytes[cut..])));
        }
    }

    [Fact]
    public void TryRead_DamagedConversations_EndInAnErrorThatIsToldOrGoOn()
    {
        Random random = ParserPropertyTests.Seeded(21);
        (Http2Role Role, byte[] Bytes)[] sound = [.. Conversations()];
        int failed = 0, count = ParserPropertyTests.Count(8_000);
        for (int i = 0; i < count; i++)
        {
            (Http2Role role, byte[] bytes) = sound[random.Next(sound.Length)];
            byte[] damaged = Damage(bytes, random);
            Machine machine = Make(role);
            machine.FeedIn(random.Next(1, 200), damaged);
            if (!machine.Connection.IsFailed) continue;
            failed++;
            Assert.Equal(FrameType.GoAway, machine.Sent[^1].Type);
            Assert.Equal(machine.Events[^1].Reason.Code(), machine.Sent[^1].Code);
            Assert.NotEqual(Http2Reason.None, machine.Events[^1].Reason);
        }

        Assert.InRange(failed, count / 10, count * 9 / 10);
    }

    [Fact]
    public void TryRead_RandomFrames_NeverThrowsAndKeepsItsCounts()
    {
        Random random = ParserPropertyTests.Seeded(22);
        for (int i = 0; i < ParserPropertyTests.Count(1_500); i++)
        {
            Machine server = Machine.Server(new Http2Settings(MaxStreams: 8));
            var open = new HashSet<int>();
            for (int j = 0; j < 60 && !server.Connection.IsFailed; j++)
            {
                server.Now += TimeSpan.FromSeconds(1);
                server.Forget().Feed(RandomFrame(random));
                foreach (Seen e in server.Events) Track(open, e);
                if (random.Next(6) == 0) AnswerOne(server, open, random);
                if (server.Connection.IsFailed) break;
                Assert.InRange(server.Connection.OpenStreams, 0, 8);
                Assert.True(server.Connection.OpenStreams <= open.Count, "a stream is open that the caller never heard of");
            }
        }
    }

    private static void Track(HashSet<int> open, Seen e)
    {
        if (e.Kind is Http2EventKind.Head or Http2EventKind.HeadRefused) open.Add(e.StreamId);
        if (e.Kind == Http2EventKind.Reset) open.Remove(e.StreamId);
    }

    private static void AnswerOne(Machine server, HashSet<int> open, Random random)
    {
        if (open.Count == 0) return;
        int id = open.ElementAt(random.Next(open.Count));
        for (int slot = 0; slot < 8; slot++)
        {
            var stream = new StreamRef(slot, id);
            if (!server.Connection.IsAlive(stream)) continue;
            server.Do((ref FrameBuffer output) => server.Connection.TryWriteHead(stream, "HTTP/1.1 200 OK\r\n\r\n"u8, random.Next(2) == 0, ref output));
            if (random.Next(2) == 0) server.Do((ref FrameBuffer output) => server.Connection.WriteData(stream, new byte[random.Next(3)], random.Next(2) == 0, ref output));
            if (random.Next(4) == 0) server.Do((ref FrameBuffer output) => server.Connection.TryReset(stream, ErrorCode.Cancel, ref output));
        }
    }

    private static byte[] RandomFrame(Random random)
    {
        int id = random.Next(8) * 2 + (random.Next(20) == 0 ? 0 : 1);
        bool end = random.Next(2) == 0;
        switch (random.Next(10))
        {
            case 0 or 1: return Wire.Headers(id, end, random.Next(2) == 0 ? Wire.Get : Wire.Post);
            case 2: return Wire.Data(id, end, new string('x', random.Next(5)));
            case 3: return Wire.WindowUpdate(random.Next(3) == 0 ? 0 : id, (uint)random.Next(200));
            case 4: return Wire.Reset(id);
            case 5: return Wire.Settings((random.Next(10), (uint)random.Next(70_000)));
            case 6: return Wire.Priority(id, random.Next(8));
            case 7: return [.. Wire.Frame(FrameType.Headers, FrameFlags.EndStream, id, Wire.Block(Wire.Get)), .. Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, id)];
            default:
                byte[] payload = new byte[random.Next(3) switch { 0 => 4, 1 => 8, _ => random.Next(20) }];
                random.NextBytes(payload);
                return Wire.Frame((FrameType)random.Next(13), (FrameFlags)random.Next(256), random.Next(2) == 0 ? 0 : id, payload);
        }
    }

    private static IEnumerable<(Http2Role, byte[])> Conversations()
    {
        byte[] block = Wire.Block([.. Wire.Get, ("cookie", "a=b"), ("cookie", "c=d"), ("x-long", new string('y', 60))]);
        byte[][] server =
        [
            [.. Wire.Preface, .. Wire.Settings((4, 100_000), (1, 100)), .. Wire.WindowUpdate(0, 1000), .. Wire.SettingsAck, .. Wire.Headers(1, true, Wire.Get)],
            [.. Greeting, .. Wire.Headers(1, false, Wire.Post), .. Wire.Data(1, false, "hello"), .. Wire.Frame(FrameType.Data, FrameFlags.Padded, 1, [2, .. "ab"u8, 0, 0]),
                .. Wire.Headers(1, true, ("x-sum", "1"))],
            [.. Greeting, .. Wire.Frame(FrameType.Headers, FrameFlags.EndStream, 1, block[..20]), .. Wire.Frame(FrameType.Continuation, 0, 1, block[20..50]),
                .. Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, 1, block[50..]), .. Wire.Ping(77), .. Wire.Priority(3, 1)],
            [.. Greeting, .. Wire.Headers(1, false, Wire.Post), .. Wire.Reset(1), .. Wire.Headers(3, true, [.. Wire.Get, ("X", "y")]), .. Wire.Headers(5, true, Wire.Get),
                .. Wire.Frame((FrameType)0xAB, 0, 9, new byte[30]), .. Wire.GoAway(0, ErrorCode.NoError)],
            [.. Greeting, .. Wire.Headers(1, false, Wire.Post), .. Wire.Data(1, true, "ok"), .. Wire.Data(1, true, "not ok"), .. Wire.Headers(0, true, Wire.Get)],
        ];
        foreach (byte[] bytes in server) yield return (Http2Role.Server, bytes);
        yield return (Http2Role.Client, [.. Wire.Settings((3, 10)), .. Wire.SettingsAck, .. Wire.Headers(1, false, (":status", "103")), .. Wire.Headers(1, false, Wire.Ok),
            .. Wire.Data(1, false, "hello"), .. Wire.Data(3, true, "too early"), .. Wire.Headers(1, true, ("grpc-status", "0")), .. Wire.GoAway(1, ErrorCode.NoError)]);
    }

    private static byte[] Greeting => [.. Wire.Preface, .. Wire.Settings(), .. Wire.SettingsAck];

    private static Machine Make(Http2Role role)
    {
        if (role == Http2Role.Server) return Machine.RawServer().Forget();
        Machine client = Machine.RawClient();
        for (int i = 0; i < 2; i++) client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        return client.Forget();
    }

    private static (string Events, string Sent) Play(Http2Role role, Action<Machine> feed)
    {
        Machine machine = Make(role);
        feed(machine);

        // Content comes in as many events as it came in reads: what counts is the text.
        var events = new List<string>();
        foreach (Seen e in machine.Events)
        {
            bool goesOn = e.Kind == Http2EventKind.Data && events.Count > 0 && events[^1].StartsWith($"Data {e.StreamId}:", StringComparison.Ordinal);
            if (goesOn) events[^1] += e.Text + (e.End ? " end" : "");
            else events.Add(e.Kind == Http2EventKind.Data ? $"Data {e.StreamId}:{e.Text}{(e.End ? " end" : "")}" : e.ToString());
        }

        return (string.Join('\n', events), Convert.ToHexString([.. machine.SentBytes]));
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        var damaged = new List<byte>(bytes);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(random.Next(3) == 0 ? 0 : 24, damaged.Count);
            switch (random.Next(4))
            {
                case 0: damaged[at] = (byte)random.Next(256); break;
                case 1: damaged[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: damaged.RemoveAt(at); break;
                default: damaged.InsertRange(at, bytes[..Math.Min(bytes.Length, random.Next(40))]); break;
            }
        }

        return [.. damaged];
    }
}
