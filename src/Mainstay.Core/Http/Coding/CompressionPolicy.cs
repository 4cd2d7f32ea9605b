using System.Buffers.Text;
using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http.Coding;

/// <summary>Whether a response may be compressed: what the client takes, what the response is, and whether its size would tell a secret.</summary>
public sealed class CompressionPolicy
{
    /// <summary>Longer media types than any that is known.</summary>
    private const int LongestType = 128;

    private readonly byte[][] _types;

    /// <summary>"text/" of "text/*".</summary>
    private readonly byte[][] _families;

    private readonly bool _crossSite;

    public CompressionPolicy(CompressSnapshot compress)
    {
        Snapshot = compress;
        _types = [.. compress.Types.Where(type => !type.EndsWith('*')).Select(Lower)];
        _families = [.. compress.Types.Where(type => type.EndsWith('*')).Select(type => Lower(type[..^1]))];
        _crossSite = compress.CrossSite;
        if (compress.Brotli > 0) Available |= CodingSet.Brotli;
        if (compress.Gzip > 0) Available |= CodingSet.Gzip;
    }

    public CompressSnapshot Snapshot { get; }

    /// <summary>Identity among them.</summary>
    public CodingSet Available { get; } = CodingSet.Identity;

    public int LevelOf(ContentCoding coding) => coding == ContentCoding.Brotli ? Snapshot.Brotli : Snapshot.Gzip;

    /// <summary>What a response to this request may be sent in; identity where it is not to be compressed.</summary>
    /// <param name="fromHere">The answer is a file's: whoever asks gets the same, so that its size tells nothing.</param>
    public ContentCoding Choose(RequestHead request, ReadOnlySpan<byte> head, bool fromHere)
    {
        AcceptEncoding accept = AcceptEncoding.Of(request.Fields, head);
        if (!accept.TryChoose(Available, out ContentCoding coding) || coding == ContentCoding.Identity) return ContentCoding.Identity;
        return fromHere || _crossSite || !IsForAnotherSite(request, head) ? coding : ContentCoding.Identity;
    }

    /// <summary>Whether this is a response that is compressed for who takes it.</summary>
    public bool IsEligible(ResponseHead response, ReadOnlySpan<byte> head)
    {
        // A part of something, nothing at all, or no answer yet.
        if (response.Status is < 200 or 204 or 205 or 206 or 304) return false;
        if (response.Body.Kind == BodyKind.Length && response.Body.Length < Snapshot.MinSize) return false;
        bool typed = false;
        foreach (ref readonly HeaderField field in response.Fields)
        {
            ReadOnlySpan<byte> name = field.NameRange.Of(head), value = field.ValueRange.Of(head);
            switch (name.Length)
            {
                case 7 when Ascii.EqualsIgnoreCase(name, "trailer"u8): return false;
                case 12 when Ascii.EqualsIgnoreCase(name, "content-type"u8):
                    if (!IsListed(value)) return false;
                    typed = true;
                    break;
                case 13 when Ascii.EqualsIgnoreCase(name, "content-range"u8): return false;
                case 13 when Ascii.EqualsIgnoreCase(name, "cache-control"u8):
                    if (ForbidsTransforms(value)) return false;
                    break;
                case 14 when Ascii.EqualsIgnoreCase(name, "content-length"u8):
                    // Of a response to HEAD; the parser has looked at all others.
                    if (Utf8Parser.TryParse(value, out long length, out _) && length < Snapshot.MinSize) return false;
                    break;
                case 16 when Ascii.EqualsIgnoreCase(name, "content-encoding"u8):
                    if (!Ascii.EqualsIgnoreCase(value, "identity"u8)) return false;
                    break;
            }
        }

        return typed;
    }

    /// <summary>By its media type alone.</summary>
    public bool IsListed(ReadOnlySpan<byte> contentType)
    {
        int semicolon = contentType.IndexOf((byte)';');
        ReadOnlySpan<byte> type = HttpBytes.Trim(semicolon < 0 ? contentType : contentType[..semicolon]);
        if (type.Length is 0 or > LongestType) return false;
        Span<byte> lower = stackalloc byte[LongestType];
        if (Ascii.ToLower(type, lower, out int length) != System.Buffers.OperationStatus.Done) return false;
        ReadOnlySpan<byte> name = lower[..length];
        foreach (byte[] listed in _types)
            if (name.SequenceEqual(listed)) return true;

        // An event stream holds its encoder for hours: only for who asks for that.
        if (name.SequenceEqual("text/event-stream"u8)) return false;
        foreach (byte[] family in _families)
            if (name.StartsWith(family)) return !name.StartsWith("application/grpc"u8);
        return false;
    }

    /// <summary>
    /// The conditions of BREACH: another site makes a browser send a request with the user's credentials, and whoever sees the length of the
    /// compressed answer learns whether what that site put into the request is in the answer too. Browsers say for whom they ask
    /// (Sec-Fetch-Site); of those that do not, a Referer of this host is good enough. A bearer token is not sent on its own.
    /// </summary>
    private static bool IsForAnotherSite(RequestHead request, ReadOnlySpan<byte> head)
    {
        bool hasCredentials = false, isOurs = false;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            ReadOnlySpan<byte> name = field.NameRange.Of(head), value = field.ValueRange.Of(head);
            switch (name.Length)
            {
                case 6 when field.Name == FieldName.Cookie: hasCredentials = true; break;
                case 7 when field.Name == FieldName.Referer: isOurs |= IsOfHost(value, request.Authority.Of(head)); break;
                case 13 when Ascii.EqualsIgnoreCase(name, "authorization"u8):
                    hasCredentials |= value.Length < 7 || !Ascii.EqualsIgnoreCase(value[..7], "bearer "u8);
                    break;
                case 14 when Ascii.EqualsIgnoreCase(name, "sec-fetch-site"u8):
                    if (!Ascii.EqualsIgnoreCase(value, "same-origin"u8) && !Ascii.EqualsIgnoreCase(value, "none"u8)) return HasCredentials(request, head);
                    isOurs = true;
                    break;
            }
        }

        return hasCredentials && !isOurs;
    }

    private static bool HasCredentials(RequestHead request, ReadOnlySpan<byte> head)
    {
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Name == FieldName.Cookie) return true;
            ReadOnlySpan<byte> value = field.ValueRange.Of(head);
            bool isBearer = value.Length >= 7 && Ascii.EqualsIgnoreCase(value[..7], "bearer "u8);
            if (field.NameLength == 13 && !isBearer && Ascii.EqualsIgnoreCase(field.NameRange.Of(head), "authorization"u8)) return true;
        }

        return false;
    }

    /// <summary>http://host[:port]/... or https://... of that authority.</summary>
    private static bool IsOfHost(ReadOnlySpan<byte> referer, ReadOnlySpan<byte> authority)
    {
        int start = referer.IndexOf("://"u8) + 3;
        if (start < 3 || authority.IsEmpty) return false;
        ReadOnlySpan<byte> rest = referer[start..];
        int end = rest.IndexOfAny((byte)'/', (byte)'?');
        return Ascii.EqualsIgnoreCase(end < 0 ? rest : rest[..end], authority);
    }

    private static bool ForbidsTransforms(ReadOnlySpan<byte> cacheControl)
    {
        while (HttpBytes.TryNextMember(ref cacheControl, out ReadOnlySpan<byte> directive))
            if (Ascii.EqualsIgnoreCase(directive, "no-transform"u8)) return true;
        return false;
    }

    private static byte[] Lower(string type) => Encoding.ASCII.GetBytes(type.ToLowerInvariant());
}
