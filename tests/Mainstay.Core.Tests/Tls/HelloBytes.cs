using System.Text;

namespace Mainstay.Core.Tests.Tls;

/// <summary>Writes ClientHello messages, sound ones and others, as records.</summary>
internal static class HelloBytes
{
    public static byte[] Vector8(params byte[] content) => [(byte)content.Length, .. content];

    public static byte[] Vector16(params byte[] content) => [(byte)(content.Length >> 8), (byte)content.Length, .. content];

    public static byte[] Extension(int type, params byte[] content) => [(byte)(type >> 8), (byte)type, .. Vector16(content)];

    public static byte[] ServerName(string name) => ServerName(Encoding.Latin1.GetBytes(name));

    public static byte[] ServerName(byte[] name) => Extension(0, Vector16([0, .. Vector16(name)]));

    public static byte[] Protocols(params string[] names) =>
        Extension(16, Vector16([.. names.SelectMany(name => Vector8(Encoding.ASCII.GetBytes(name)))]));

    /// <summary>A handshake message with these extensions; null leaves their vector out.</summary>
    public static byte[] Hello(byte[]? extensions, int sessionLength = 32, int ciphers = 2)
    {
        byte[] body =
        [
            3, 3, .. new byte[32], .. Vector8(new byte[sessionLength]), .. Vector16([.. Enumerable.Repeat<byte>(0x13, ciphers * 2)]),
            .. Vector8(0), .. extensions is null ? [] : Vector16(extensions),
        ];
        return [1, (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length, .. body];
    }

    /// <summary>The message in records of these lengths; the last length is used for the rest.</summary>
    public static byte[] Records(byte[] message, params int[] lengths)
    {
        var stream = new List<byte>();
        for (int at = 0, record = 0; at < message.Length; record++)
        {
            int wanted = lengths.Length == 0 ? message.Length : lengths[Math.Min(record, lengths.Length - 1)];
            int length = Math.Min(wanted, message.Length - at);
            stream.AddRange([22, 3, 1, (byte)(length >> 8), (byte)length]);
            stream.AddRange(message.AsSpan(at, length));
            at += length;
        }

        return [.. stream];
    }
}
