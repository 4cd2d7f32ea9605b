using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Mainstay.Core.Balancing;

namespace Mainstay.Core.Http2;

/// <summary>
/// The handshake fields of RFC 6455 section 4, which HTTP/2 does without (RFC 8441 section 5): made where one side of the proxy
/// speaks HTTP/1.1 and the other HTTP/2.
/// </summary>
internal static class WebSocketKey
{
    /// <summary>Of a key and of an answer as text.</summary>
    public const int KeyLength = 24, AnswerLength = 28;

    /// <summary>The answer to a key, as text. All zero: there is none.</summary>
    [InlineArray(AnswerLength)]
    public struct Answer
    {
        private byte _first;
    }

    /// <summary>A key that differs from one stream to the next; it is no secret.</summary>
    public static void Write(Span<byte> destination, ulong seed)
    {
        Span<byte> nonce = stackalloc byte[16];
        var random = new SplitMix64(seed);
        BitConverter.TryWriteBytes(nonce, random.Next());
        BitConverter.TryWriteBytes(nonce[8..], random.Next());
        Base64.EncodeToUtf8(nonce, destination, out _, out _);
    }

    /// <summary>Base64 of the SHA-1 of the key and the constant of RFC 6455 section 1.3.</summary>
    public static void WriteAnswer(ReadOnlySpan<byte> key, out Answer answer)
    {
        ReadOnlySpan<byte> constant = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;
        answer = default;
        if (key.Length > 64) return;
        Span<byte> text = stackalloc byte[64 + constant.Length];
        key.CopyTo(text);
        constant.CopyTo(text[key.Length..]);
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(text[..(key.Length + constant.Length)], digest);
        Base64.EncodeToUtf8(digest, answer, out _, out _);
    }
}
