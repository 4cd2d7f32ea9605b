using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Mainstay.System.Tests.Http2;

/// <summary>A frame as it is on the wire (RFC 9113 section 4.1).</summary>
internal sealed record WireFrame(int Type, int Flags, int Stream, byte[] Payload)
{
    public const int Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, PushPromise = 5, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    public const int EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8, WithPriority = 32;

    /// <summary>Of RST_STREAM and GOAWAY.</summary>
    public int Code => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));
}

/// <summary>
/// An HTTP/2 client that does what it is told, sound or not, and shares no line with what it tests. Reading has a deadline: an answer
/// that does not come is a failure, not a wait.
/// </summary>
internal sealed class FramePeer : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)s_deadline.TotalMilliseconds };
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <param name="settings">Sent with the preface; null: nothing is sent.</param>
    public FramePeer(int port, (int Id, uint Value)[]? settings)
    {
        _socket.Connect("127.0.0.1", port);
        if (settings is not null) Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), Settings(settings));
    }

    /// <summary>What one read gets together, as far as the kernel keeps it so.</summary>
    public void Send(params byte[][] frames) => _socket.Send(frames.SelectMany(frame => frame).ToArray());

    /// <summary>The next frame; null at the end of the connection.</summary>
    public WireFrame? Read()
    {
        byte[]? header = ReadExactly(9);
        if (header is null) return null;
        int length = (header[0] << 16) | (header[1] << 8) | header[2];
        byte[]? payload = ReadExactly(length);
        return payload is null ? null : new WireFrame(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
    }

    /// <summary>Reads on to a frame; null when the connection ends before it.</summary>
    public WireFrame? ReadTo(Func<WireFrame, bool> wanted)
    {
        while (Read() is { } frame)
            if (wanted(frame)) return frame;
        return null;
    }

    /// <summary>GOAWAY with that code, and then the end of the connection.</summary>
    public void ExpectGoAway(int code)
    {
        WireFrame? goAway = ReadTo(frame => frame.Type == WireFrame.GoAway);
        Assert.True(goAway is not null, "the connection ended without GOAWAY");
        Assert.Equal(code, goAway.Code);
        while (Read() is not null)
        {
        }
    }

    public void ExpectReset(int stream, int code)
    {
        WireFrame? reset = ReadTo(frame => (frame.Type == WireFrame.Reset && frame.Stream == stream) || frame.Type == WireFrame.GoAway);
        Assert.True(reset is not null, "the connection ended without RST_STREAM");
        Assert.Equal((WireFrame.Reset, code), (reset.Type, reset.Code));
        ExpectAlive();
    }

    /// <summary>A ping is answered: whatever came before it has been borne.</summary>
    public void ExpectAlive()
    {
        byte[] opaque = BitConverter.GetBytes(Stopwatch.GetTimestamp());
        Send(Frame(WireFrame.Ping, 0, 0, opaque));
        WireFrame? answer = ReadTo(frame => frame.Type is WireFrame.GoAway || (frame.Type == WireFrame.Ping && frame.Payload.AsSpan().SequenceEqual(opaque)));
        Assert.True(answer is not null, "the connection ended");
        Assert.Equal((WireFrame.Ping, WireFrame.Ack), (answer.Type, answer.Flags));
    }

    /// <summary>The stream is answered 200 and ends. Returns the length of its content.</summary>
    public int ExpectResponse(int stream)
    {
        WireFrame? head = ReadTo(frame => frame.Stream == stream || frame.Type == WireFrame.GoAway);
        Assert.True(head is not null, "the connection ended without a response");
        Assert.Equal(WireFrame.Headers, head.Type);
        Assert.Equal(0x88, head.Payload[0]); // :status 200 in the static table
        int length = 0;
        for (WireFrame? frame = head; (frame!.Flags & WireFrame.EndStream) == 0; length += frame.Payload.Length)
        {
            frame = ReadTo(f => f.Stream == stream);
            Assert.True(frame?.Type == WireFrame.Data, "the response did not end");
        }

        return length;
    }

    /// <summary>The next DATA frame has so many bytes.</summary>
    public void ExpectContent(int length) => Assert.Equal(length, ReadTo(frame => frame.Type == WireFrame.Data)?.Payload.Length ?? -1);

    public static byte[] Frame(int type, int flags, int stream, params byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = (byte)type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public static byte[] Settings(params (int Id, uint Value)[] settings) =>
        Frame(WireFrame.Settings, 0, 0, [.. settings.SelectMany(s => (byte[])[(byte)(s.Id >> 8), (byte)s.Id, .. Number(s.Value)])]);

    public static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Literals without indexing and without Huffman code.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields) =>
        [.. fields.SelectMany(field => (byte[])[0, .. Text(field.Name), .. Text(field.Value)])];

    public static byte[] Text(string text)
    {
        var bytes = new List<byte>();
        int rest = text.Length - 127;
        bytes.Add((byte)Math.Min(text.Length, 127));
        for (; rest >= 128; rest >>= 7) bytes.Add((byte)(rest | 128));
        if (rest >= 0) bytes.Add((byte)rest);
        bytes.AddRange(Encoding.Latin1.GetBytes(text));
        return [.. bytes];
    }

    public void Dispose() => _socket.Dispose();

    private byte[]? ReadExactly(int length)
    {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            Assert.True(_clock.Elapsed < s_deadline * 2, "waited in vain for a frame");
            int count;
            try
            {
                count = _socket.Receive(bytes.AsSpan(at));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return null;
            }

            if (count == 0) return null;
            at += count;
        }

        return bytes;
    }
}
