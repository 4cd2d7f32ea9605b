using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Mainstay.Link;

/// <summary>
/// A message as bytes, little-endian, one a datagram:
/// <code>
///  0      1      2             4                8                                16
/// +------+------+-------------+----------------+--------------------------------+-----------...
/// | kind |  0   | text length |       id       |             number             |  text, UTF-8
/// +------+------+-------------+----------------+--------------------------------+-----------...
/// </code>
/// </summary>
public static class LinkCodec
{
    /// <summary>Goes up when the meaning of a message changes; keeper and worker of different versions do not work together.</summary>
    public const int Version = 3;

    public const int HeaderLength = 16;

    /// <summary>Added to the number of sockets asked for: the endpoint is for the user that started the program only.</summary>
    public const long PrivateListener = 1 << 16;

    /// <summary>Room for the longest path of Linux (PATH_MAX).</summary>
    public const int MaxTextLength = 4096;

    public const int MaxLength = HeaderLength + MaxTextLength;

    /// <summary>Writes a message and returns its length.</summary>
    /// <exception cref="ArgumentException">The text is longer than <see cref="MaxTextLength"/> bytes.</exception>
    public static int Write(in LinkMessage message, Span<byte> destination)
    {
        int length = Encoding.UTF8.GetByteCount(message.Text);
        if (length > MaxTextLength) throw new ArgumentException($"a link message's text has {length} bytes, at most {MaxTextLength} fit");
        destination[0] = (byte)message.Kind;
        destination[1] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], (ushort)length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], message.Id);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], message.Number);
        return HeaderLength + Encoding.UTF8.GetBytes(message.Text, destination[HeaderLength..]);
    }

    /// <summary>False for anything that <see cref="Write"/> would not have written.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out LinkMessage message)
    {
        message = default;
        if (bytes.Length < HeaderLength || bytes.Length > MaxLength || bytes[1] != 0 || !IsKnown((LinkKind)bytes[0])) return false;
        ReadOnlySpan<byte> text = bytes[HeaderLength..];
        if (text.Length != BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]) || !Utf8.IsValid(text)) return false;
        message = new LinkMessage(
            (LinkKind)bytes[0],
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            Encoding.UTF8.GetString(text));
        return true;
    }

    private static bool IsKnown(LinkKind kind) => kind is
        (>= LinkKind.Hello and <= LinkKind.OpenFile) or (>= LinkKind.Configuration and <= LinkKind.File);
}
