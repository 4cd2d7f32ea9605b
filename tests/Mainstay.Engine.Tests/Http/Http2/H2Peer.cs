using System.Buffers.Binary;
using System.Text;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>A frame as it is on the wire.</summary>
internal sealed record Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    public bool IsEnd => (Flags & 1) != 0;

    /// <summary>Of RST_STREAM and GOAWAY.</summary>
    public int ErrorCode => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));
}

/// <summary>
/// One end of an HTTP/2 connection whose every frame a test writes itself, field blocks in literals without a table; for what no library would
/// do. What comes is not decoded beyond its frames.
/// </summary>
internal sealed class H2Peer(RawPeer peer) : IDisposable
{
    public const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    public RawPeer Raw { get; } = peer;

    /// <summary>A client whose preface and settings are sent.</summary>
    public static H2Peer Connect(ProxyBench bench, params (int Id, int Value)[] settings)
    {
        var peer = new H2Peer(bench.Connect());
        peer.Raw.Send(Preface);
        peer.Send(Frame.Settings, 0, 0, Settings(settings));
        return peer;
    }

    public static byte[] Settings(params (int Id, int Value)[] settings)
    {
        byte[] payload = new byte[settings.Length * 6];
        for (int i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteInt16BigEndian(payload.AsSpan(i * 6), (short)settings[i].Id);
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(i * 6 + 2), settings[i].Value);
        }

        return payload;
    }

    /// <summary>Literals that are not indexed, strings as they are.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new MemoryStream();
        foreach ((string name, string value) in fields)
        {
            block.WriteByte(0);
            foreach (string text in new[] { name, value })
            {
                byte[] bytes = Encoding.Latin1.GetBytes(text);
                if (bytes.Length < 127)
                {
                    block.WriteByte((byte)bytes.Length);
                }
                else
                {
                    block.WriteByte(127);
                    int rest = bytes.Length - 127;
                    for (; rest >= 128; rest >>= 7) block.WriteByte((byte)(rest | 128));
                    block.WriteByte((byte)rest);
                }

                block.Write(bytes);
            }
        }

        return block.ToArray();
    }

    public static byte[] Number(int number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    public static byte[] Bytes(byte type, int flags, int stream, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public static byte[] Get(int stream, string path = "/") => Request(stream, "GET", path, isEnd: true);

    public static byte[] Request(int stream, string method, string path, bool isEnd, params (string Name, string Value)[] fields) =>
        Bytes(Frame.Headers, isEnd ? 5 : 4, stream, Block([(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path), .. fields]));

    public void Send(byte type, int flags, int stream, ReadOnlySpan<byte> payload) => Raw.Send(Bytes(type, flags, stream, payload));

    public void Send(byte[] frame) => Raw.Send(frame);

    /// <summary>The next frame, or null when the connection has ended.</summary>
    public Frame? Read()
    {
        byte[] header;
        try
        {
            header = Raw.ReadExactly(9);
        }
        catch (Exception error) when (error is EndOfStreamException or System.Net.Sockets.SocketException)
        {
            return null;
        }

        byte[] payload = Raw.ReadExactly(BinaryPrimitives.ReadInt32BigEndian(header) >>> 8);
        return new Frame(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
    }

    /// <summary>Reads on to a frame of that type; null when the connection ends before it.</summary>
    public Frame? ReadTo(byte type, int stream = -1)
    {
        while (Read() is { } frame)
            if (frame.Type == type && (stream < 0 || frame.Stream == stream)) return frame;
        return null;
    }

    /// <summary>Reads on until the stream has ended; gives the bytes of its content.</summary>
    public int ReadContent(int stream)
    {
        int count = 0;
        while (Read() is { } frame)
        {
            if (frame.Stream != stream) continue;
            if (frame.Type == Frame.Reset) throw new InvalidDataException($"the stream was reset: {frame.ErrorCode}");
            if (frame.Type == Frame.Data) count += frame.Payload.Length;
            if (frame.IsEnd && frame.Type is Frame.Data or Frame.Headers) return count;
        }

        throw new EndOfStreamException("the connection ended before the stream");
    }

    public void Dispose() => Raw.Dispose();
}
