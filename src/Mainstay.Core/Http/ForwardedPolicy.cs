using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>
/// What servers are told about the client: a <see cref="ForwardedSnapshot"/> with its texts made ready. Immutable.
/// </summary>
public sealed class ForwardedPolicy
{
    /// <summary>A longer request id from outside is replaced.</summary>
    private const int MaxRequestId = 128;

    private readonly ImmutableArray<AddressRange> _trusted;

    public ForwardedPolicy(ForwardedSnapshot snapshot)
    {
        _trusted = snapshot.Trusted;
        XForwarded = snapshot.XForwarded;
        Standard = snapshot.Standard;
        Via = snapshot.Via;
        RequestIdName = Encoding.ASCII.GetBytes(snapshot.RequestIdHeader);
        RequestIdLower = Encoding.ASCII.GetBytes(snapshot.RequestIdHeader.ToLowerInvariant());
    }

    internal bool XForwarded { get; }
    internal bool Standard { get; }
    internal bool Via { get; }
    internal byte[] RequestIdName { get; }
    private byte[] RequestIdLower { get; }

    public bool HasRequestId => RequestIdName.Length > 0;

    /// <summary>Whether the peer's own statements about the client are believed; to be asked once for each connection.</summary>
    public bool IsTrusted(NetAddress peer)
    {
        foreach (AddressRange range in _trusted)
            if (range.Contains(peer)) return true;
        return false;
    }

    /// <summary>
    /// The request id that a trusted peer sent: visible ASCII without quotes and separators, so that it can go into any log line.
    /// When there is none, the caller makes one.
    /// </summary>
    public bool TryFindRequestId(RequestHead request, ReadOnlySpan<byte> head, bool trustedPeer, out ByteRange id)
    {
        id = default;
        if (!HasRequestId || !trustedPeer) return false;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.NameLength != RequestIdLower.Length || !IsRequestId(field.NameRange.Of(head))) continue;
            id = field.ValueRange;
            return id.Length is > 0 and <= MaxRequestId && id.Of(head).IndexOfAnyExcept(HttpBytes.RequestId) < 0;
        }

        return false;
    }

    /// <summary>The request id's field, or a name that a CGI style server takes for it.</summary>
    internal bool IsRequestId(ReadOnlySpan<byte> name) => FieldNames.EqualsEitherDash(name, RequestIdLower);

    internal bool IsRequestId(in HeaderField field, ReadOnlySpan<byte> head) =>
        field.NameLength == RequestIdLower.Length && IsRequestId(field.NameRange.Of(head));
}
