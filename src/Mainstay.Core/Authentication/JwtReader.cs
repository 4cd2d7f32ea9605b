using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Mainstay.Core.Http;

namespace Mainstay.Core.Authentication;

/// <summary>
/// A signed token in its compact form (RFC 7515 section 7.1), taken apart: nothing in it is to be believed before its signature has been
/// checked over <see cref="Signed"/>. Holds no reference into the request; used again for the next token.
/// </summary>
public sealed class JwtReader
{
    /// <summary>Of a whole token; servers and other proxies take no larger headers either.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>The largest is RSA's with a key of 8192 bits.</summary>
    private const int MaxSignature = 1024;

    private const int MaxDepth = 16;

    private readonly byte[] _bytes = new byte[MaxLength];
    private ByteRange _header;
    private ByteRange _payload;
    private ByteRange _signature;
    private ByteRange _keyId;
    private readonly byte[] _signed = new byte[MaxLength];
    private int _signedLength;

    public JwtAlgorithm Algorithm { get; private set; }

    /// <summary>Unescaped; empty where the token names no key.</summary>
    public ReadOnlySpan<byte> KeyId => _keyId.Of(_bytes);

    /// <summary>What the signature is over: header, dot and payload as they came.</summary>
    public ReadOnlySpan<byte> Signed => _signed.AsSpan(0, _signedLength);

    public ReadOnlySpan<byte> Signature => _signature.Of(_bytes);

    /// <summary>A JSON object.</summary>
    public ReadOnlySpan<byte> Payload => _payload.Of(_bytes);

    public JwtProblem Read(ReadOnlySpan<byte> token)
    {
        if (token.Length > MaxLength) return JwtProblem.TooLarge;
        int first = token.IndexOf((byte)'.'), last = token.LastIndexOf((byte)'.');
        if (first <= 0 || last <= first + 1 || token[(first + 1)..last].Contains((byte)'.')) return JwtProblem.Malformed;
        int used = 0;
        bool decoded = Decode(token[..first], ref used, out _header) && Decode(token[(first + 1)..last], ref used, out _payload);
        if (!decoded) return JwtProblem.Malformed;
        _signedLength = last;
        token[..last].CopyTo(_signed);
        JwtProblem problem = ReadHeader(ref used);
        if (problem != JwtProblem.None) return problem;
        decoded = Decode(token[(last + 1)..], ref used, out _signature);
        return decoded && _signature.Length is > 0 and <= MaxSignature ? JwtProblem.None : JwtProblem.Malformed;
    }

    /// <summary>Base64url without padding (RFC 7515 section 2); the platform's decoder would let padding and blanks pass.</summary>
    private bool Decode(ReadOnlySpan<byte> text, ref int used, out ByteRange range)
    {
        range = new ByteRange(used, 0);
        if (text.ContainsAny("= \t\r\n"u8)) return false;
        if (Base64Url.DecodeFromUtf8(text, _bytes.AsSpan(used), out _, out int length) != OperationStatus.Done) return false;
        range = new ByteRange(used, length);
        used += length;
        return true;
    }

    /// <summary>Members that occur twice are refused: two readers could each take another one (section 4).</summary>
    private JwtProblem ReadHeader(ref int used)
    {
        _keyId = default;
        bool hasAlgorithm = false, hasKeyId = false;
        JwtProblem found = JwtProblem.None;
        try
        {
            var json = new Utf8JsonReader(_header.Of(_bytes), new JsonReaderOptions { MaxDepth = MaxDepth });
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return JwtProblem.Malformed;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool isAlgorithm = json.ValueTextEquals("alg"u8), isKeyId = json.ValueTextEquals("kid"u8), isCritical = json.ValueTextEquals("crit"u8);
                json.Read();
                if (isAlgorithm)
                {
                    if (hasAlgorithm || json.TokenType != JsonTokenType.String) return JwtProblem.Malformed;
                    hasAlgorithm = true;
                    if (json.ValueIsEscaped || !JwtAlgorithms.TryParse(json.ValueSpan, out JwtAlgorithm algorithm)) found = JwtProblem.UnsupportedAlgorithm;
                    else Algorithm = algorithm;
                }
                else if (isKeyId)
                {
                    if (hasKeyId || json.TokenType != JsonTokenType.String || json.ValueSpan.Length > _bytes.Length - used) return JwtProblem.Malformed;
                    hasKeyId = true;
                    int length = json.CopyString(_bytes.AsSpan(used));
                    _keyId = new ByteRange(used, length);
                    used += length;
                }
                else if (isCritical)
                {
                    found = JwtProblem.CriticalExtension;
                }

                if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) json.Skip();
            }

            if (json.TokenType != JsonTokenType.EndObject || json.Read()) return JwtProblem.Malformed;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return JwtProblem.Malformed;
        }

        return !hasAlgorithm ? JwtProblem.Malformed : found;
    }
}
