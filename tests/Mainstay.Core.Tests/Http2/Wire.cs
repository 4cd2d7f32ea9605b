using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>Frames as a peer would send them, sound or not.</summary>
internal static class Wire
{
    public static readonly (string, string)[] Get = [(":method", "GET"), (":scheme", "https"), (":authority", "www.example.com"), (":path", "/")];
    public static readonly (string, string)[] Post = [(":method", "POST"), (":scheme", "https"), (":authority", "www.example.com"), (":path", "/")];
    public static readonly (string, string)[] Ok = [(":status", "200")];

    public static byte[] Preface => Http2Connection.Preface.ToArray();

    public static byte[] Frame(FrameType type, FrameFlags flags, int streamId, params byte[] payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(payload.Length, type, flags, streamId).Write(frame);
        payload.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    /// <summary>Literals without indexing, no Huffman code: any name and any value, however wrong.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        foreach ((string name, string value) in fields)
        {
            block.Add(0);
            Add(name);
            Add(value);
        }

        return [.. block];

        void Add(string text)
        {
            byte[] length = new byte[HpackInteger.MaxLength];
            block.AddRange(length[..HpackInteger.Write(length, 7, 0, text.Length)]);
            block.AddRange(Encoding.Latin1.GetBytes(text));
        }
    }

    public static byte[] Headers(int id, bool end, params (string, string)[] fields) =>
        Frame(FrameType.Headers, FrameFlags.EndHeaders | (end ? FrameFlags.EndStream : 0), id, Block(fields));

    public static byte[] Data(int id, bool end, string content) =>
        Frame(FrameType.Data, end ? FrameFlags.EndStream : 0, id, Encoding.Latin1.GetBytes(content));

    public static byte[] Settings(params (int Id, uint Value)[] settings)
    {
        byte[] payload = new byte[settings.Length * 6];
        for (int i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(i * 6), (ushort)settings[i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(i * 6 + 2), settings[i].Value);
        }

        return Frame(FrameType.Settings, 0, 0, payload);
    }

    public static byte[] SettingsAck => Frame(FrameType.Settings, FrameFlags.Ack, 0);

    public static byte[] Reset(int id, ErrorCode code = ErrorCode.Cancel) => Frame(FrameType.RstStream, 0, id, Number((uint)code));

    public static byte[] WindowUpdate(int id, uint increment) => Frame(FrameType.WindowUpdate, 0, id, Number(increment));

    public static byte[] Ping(ulong opaque = 1, bool ack = false)
    {
        byte[] payload = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, opaque);
        return Frame(FrameType.Ping, ack ? FrameFlags.Ack : 0, 0, payload);
    }

    public static byte[] GoAway(int last, ErrorCode code) => Frame(FrameType.GoAway, 0, 0, [.. Number((uint)last), .. Number((uint)code)]);

    public static byte[] Priority(int id, int dependsOn) => Frame(FrameType.Priority, 0, id, [.. Number((uint)dependsOn), 15]);

    public static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
