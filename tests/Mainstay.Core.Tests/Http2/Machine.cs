using System.Text;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>A frame that the machine has written.</summary>
internal sealed record SentFrame(FrameType Type, FrameFlags Flags, int StreamId, byte[] Payload)
{
    public ErrorCode Code => (ErrorCode)(uint)Number(Type == FrameType.GoAway ? 4 : 0);

    public int Number(int at = 0) => (Payload[at] << 24) | (Payload[at + 1] << 16) | (Payload[at + 2] << 8) | Payload[at + 3];
}

/// <summary>An event with what it refers to.</summary>
internal sealed record Seen(Http2EventKind Kind, int StreamId, string Text, bool End, Http2Reason Reason, Http2Event Event)
{
    public override string ToString() => $"{Kind} {StreamId} {(End ? "end " : "")}{(Reason == 0 ? "" : Reason)} {Text}";
}

/// <summary>A connection with its wires: bytes of a peer in, events and frames out.</summary>
internal sealed class Machine
{
    private readonly byte[] _room = new byte[512 * 1024];
    private byte[] _kept = [];

    private Machine(Http2Role role, Http2Settings settings)
    {
        Workspace = new Http2Workspace();
        Connection = new Http2Connection(Workspace);
        Connection.Begin(role, settings, 7);
        Do((ref FrameBuffer output) => Assert.True(Connection.Start(ref output)));
    }

    public delegate void Writes(ref FrameBuffer output);

    public Http2Workspace Workspace { get; }
    public Http2Connection Connection { get; }
    public List<Seen> Events { get; } = [];
    public List<SentFrame> Sent { get; } = [];
    public List<byte> SentBytes { get; } = [];
    public Instant Now { get; set; } = new(1_000_000_000_000);

    /// <summary>Give content back as soon as it is seen.</summary>
    public bool Consumes { get; set; } = true;

    /// <summary>A server whose client has said its preface and empty settings; what both said of it is forgotten.</summary>
    public static Machine Server(Http2Settings? settings = null)
    {
        Machine machine = RawServer(settings);
        machine.Feed(Wire.Preface, Wire.Settings(), Wire.SettingsAck);
        return machine.Forget();
    }

    public static Machine RawServer(Http2Settings? settings = null) => new(Http2Role.Server, settings ?? new Http2Settings());

    /// <summary>A client whose server has said empty settings.</summary>
    public static Machine Client(Http2Settings? settings = null, params (int, uint)[] peer)
    {
        Machine machine = RawClient(settings);
        machine.Feed(Wire.Settings(peer), Wire.SettingsAck);
        return machine.Forget();
    }

    public static Machine RawClient(Http2Settings? settings = null) => new(Http2Role.Client, settings ?? new Http2Settings());

    public Machine Forget()
    {
        Events.Clear();
        Sent.Clear();
        SentBytes.Clear();
        return this;
    }

    /// <summary>All in one read.</summary>
    public Machine Feed(params byte[][] pieces) => Read(pieces.SelectMany(piece => piece).ToArray());

    /// <summary>In reads of so many bytes.</summary>
    public Machine FeedIn(int size, byte[] bytes)
    {
        for (int at = 0; at < bytes.Length; at += size) Read(bytes[at..Math.Min(bytes.Length, at + size)]);
        return this;
    }

    public Machine Do(Writes writes)
    {
        var output = new FrameBuffer(_room);
        writes(ref output);
        Take(output.Written);
        return this;
    }

    public StreamRef Stream(int id) => Events.Last(e => e.StreamId == id).Event.Stream;

    /// <summary>Client: a request goes out.</summary>
    public StreamRef Open(string head, bool ends = true, HeadWrite expected = HeadWrite.Written)
    {
        StreamRef stream = default;
        Do((ref FrameBuffer output) => Assert.Equal(expected, Connection.TryOpen(Bytes(head), true, ends, ref output, out stream)));
        return stream;
    }

    /// <summary>Server: a response's head goes out.</summary>
    public Machine Answer(int id, string head, bool ends = true, HeadWrite expected = HeadWrite.Written)
    {
        StreamRef stream = Stream(id);
        return Do((ref FrameBuffer output) => Assert.Equal(expected, Connection.TryWriteHead(stream, Bytes(head), ends, ref output)));
    }

    public int Write(StreamRef stream, int count, bool ends = false)
    {
        int taken = 0;
        Do((ref FrameBuffer output) => taken = Connection.WriteData(stream, new byte[count], ends, ref output));
        return taken;
    }

    public Seen Only => Assert.Single(Events);

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private Machine Read(byte[] bytes)
    {
        byte[] input = [.. _kept, .. bytes];
        int position = 0;
        var output = new FrameBuffer(_room);
        while (Connection.TryRead(input, ref position, ref output, Now, out Http2Event e))
        {
            bool isText = e.Kind is Http2EventKind.Head or Http2EventKind.Interim or Http2EventKind.Trailer;
            string text = e.Kind == Http2EventKind.Data ? Encoding.Latin1.GetString(e.Bytes.Of(input))
                : isText ? Encoding.Latin1.GetString(Workspace.Text(e)) : "";
            Events.Add(new Seen(e.Kind, e.Stream.Id, text, e.EndStream, e.Reason, e));
            if (e.Kind == Http2EventKind.Data && Consumes) Assert.True(Connection.Consume(e.Stream, e.Bytes.Length, ref output));
            if (output.Room < _room.Length / 2) output = Flush(output);
        }

        Assert.False(Connection.WaitsForOutput);
        _kept = input[position..];
        Assert.True(_kept.Length < Http2Connection.MaxInput || Connection.IsFailed);
        Take(output.Written);
        return this;
    }

    private FrameBuffer Flush(FrameBuffer output)
    {
        Take(output.Written);
        return new FrameBuffer(_room);
    }

    private void Take(ReadOnlySpan<byte> written)
    {
        SentBytes.AddRange(written);
        if (written.StartsWith(Http2Connection.Preface)) written = written[Http2Connection.Preface.Length..];
        while (!written.IsEmpty)
        {
            Assert.True(FrameHeader.TryRead(written, out FrameHeader header));
            byte[] payload = written.Slice(FrameHeader.Size, header.Length).ToArray();
            Sent.Add(new SentFrame(header.Type, header.Flags, header.StreamId, payload));
            written = written[(FrameHeader.Size + header.Length)..];
        }
    }
}
