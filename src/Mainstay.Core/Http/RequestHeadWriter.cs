using System.Collections.Immutable;

namespace Mainstay.Core.Http;

/// <summary>
/// What the writer has to know besides the request: the client, what is told of it, and the connection to the server.
/// </summary>
public readonly ref struct ForwardingContext
{
    public required ForwardedPolicy Policy { get; init; }

    /// <summary>The client's address as text, made once for each connection; empty for a unix socket.</summary>
    public required ReadOnlySpan<byte> ClientAddress { get; init; }

    /// <summary>Result of <see cref="ForwardedPolicy.IsTrusted"/> for the client's address.</summary>
    public required bool TrustedPeer { get; init; }

    /// <summary>The client came by TLS.</summary>
    public required bool Tls { get; init; }

    /// <summary>Taken over from a trusted peer or made; unused when the policy has no request id.</summary>
    public required ReadOnlySpan<byte> RequestId { get; init; }

    /// <summary>The server's authority: the Host of an HTTP/1.0 request that came without one.</summary>
    public required ReadOnlySpan<byte> DefaultHost { get; init; }

    /// <summary>The request came by HTTP/2, which Via tells.</summary>
    public bool Http2 { get; init; }

    /// <summary>Bytes of the received fields that the server is not to see: within a value, or whole lines; empty: none.</summary>
    public ByteRange Cut { get; init; }

    /// <summary>Names of fields, in lower case, that are ours to say: the client's are dropped, with '_' for '-' too.</summary>
    public ImmutableArray<byte[]> Dropped { get; init; }

    /// <summary>Further fields, each with its line end.</summary>
    public ReadOnlySpan<byte> Added { get; init; }

    /// <summary>What the client asked for, where a rule has put another Host in its place; empty = the request's own.</summary>
    public ReadOnlySpan<byte> ReceivedAuthority { get; init; }

    /// <summary>The server's connection is not to be kept.</summary>
    public bool Close { get; init; }
}

/// <summary>
/// Writes a request's head as the server gets it (RFC 9110 section 7.6): origin form, HTTP/1.1, without what was meant for us,
/// with what we say about the client. Not for CONNECT. Runs of lines that stay as they are go over in one copy; their order does
/// not change.
/// </summary>
public static class RequestHeadWriter
{
    /// <summary>Bytes that are added to the received head at most: the host three times, address, request id and names.</summary>
    public const int Overhead = 1536;

    /// <returns>Length of the head, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context)
    {
        var buffer = new HeadBuffer(destination);
        int copied = WriteLine(ref buffer, request, head, context);
        CopyFields(ref buffer, request, head, context, copied);
        WriteConnection(ref buffer, request, head, context.Close);
        if (context.Policy.XForwarded) WriteXForwarded(ref buffer, request, head, context);
        if (context.Policy.Standard) WriteForwarded(ref buffer, request, head, context);
        if (context.Policy.Via) buffer.Write(Via(request.MinorVersion, context.Http2));
        if (context.Policy.HasRequestId) WriteField(ref buffer, context.Policy.RequestIdName, context.RequestId);
        if (request.MaxForwards > 0) WriteMaxForwards(ref buffer, request.MaxForwards - 1);
        buffer.Write(context.Added);
        buffer.Write("\r\n"u8);
        return buffer.Result;
    }

    /// <summary>RFC 9110 section 7.6.3: the version in which the message was received.</summary>
    internal static ReadOnlySpan<byte> Via(int minorVersion, bool http2)
    {
        if (http2) return "Via: 2.0 mainstay\r\n"u8;
        return minorVersion == 0 ? "Via: 1.0 mainstay\r\n"u8 : "Via: 1.1 mainstay\r\n"u8;
    }

    /// <summary>Writes the request line and a Host that is not the received one; returns where copying starts.</summary>
    private static int WriteLine(ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context)
    {
        bool asReceived = request.Form is TargetForm.Origin or TargetForm.Asterisk;
        if (asReceived && !request.IsHttp10) return request.MethodRange.Start;
        buffer.Write(head[request.MethodRange.Start..request.MethodRange.End]);
        buffer.Write(" "u8);
        if (asReceived) buffer.Write(request.Target.Of(head));
        else WriteOriginForm(ref buffer, request, head);
        buffer.Write(" HTTP/1.1\r\n"u8);
        if (request.Form == TargetForm.Absolute) WriteField(ref buffer, "Host"u8, request.Authority.Of(head));
        else if (request.Authority.IsEmpty) WriteField(ref buffer, "Host"u8, context.DefaultHost);
        return request.FieldsStart;
    }

    /// <summary>RFC 9112 sections 3.2.1 and 3.2.4: an absolute target without a path becomes "/", or "*" for OPTIONS.</summary>
    private static void WriteOriginForm(ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> rest = head[request.Authority.End..request.Target.End];
        if (rest.IsEmpty && request.Method == RequestMethod.Options) buffer.Write("*"u8);
        else if (rest.IsEmpty || rest[0] == '?') buffer.Write("/"u8);
        buffer.Write(rest);
    }

    private static void CopyFields(
        ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context, int start)
    {
        ReadOnlySpan<HeaderField> fields = request.Fields;
        int end = request.FieldsStart;
        foreach (ref readonly HeaderField field in fields)
        {
            if (IsDropped(field, request, head, context))
            {
                CopyRun(ref buffer, head, start, end, context.Cut);
                start = field.End;
            }

            end = field.End;
        }

        if (start < end) CopyRun(ref buffer, head, start, end, context.Cut);
    }

    private static void CopyRun(ref HeadBuffer buffer, ReadOnlySpan<byte> head, int start, int end, ByteRange cut)
    {
        if (cut.Length == 0 || cut.Start < start || cut.End > end)
        {
            buffer.Write(head[start..end]);
            return;
        }

        buffer.Write(head[start..cut.Start]);
        buffer.Write(head[cut.End..end]);
    }

    private static bool IsDropped(in HeaderField field, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context)
    {
        if (field.IsHopByHop || field.IsOwn) return field.IsHopByHop;
        ForwardedPolicy policy = context.Policy;
        return field.Name switch
        {
            FieldName.Other => (policy.HasRequestId && policy.IsRequestId(field, head))
                || (!context.Dropped.IsDefaultOrEmpty && IsNamed(field.NameRange.Of(head), context.Dropped)),
            FieldName.Host => request.Form == TargetForm.Absolute,
            FieldName.Expect => !request.ExpectsContinue,
            FieldName.XForwardedFor => policy.XForwarded || !context.TrustedPeer,
            FieldName.XForwardedProto or FieldName.XForwardedHost or FieldName.ForwardedVariant => !context.TrustedPeer,
            FieldName.Forwarded => policy.Standard || !context.TrustedPeer,
            FieldName.MaxForwards => request.MaxForwards >= 0,
            _ => false,
        };
    }

    private static bool IsNamed(ReadOnlySpan<byte> name, ImmutableArray<byte[]> lowerNames)
    {
        foreach (byte[] lower in lowerNames)
            if (name.Length == lower.Length && FieldNames.EqualsEitherDash(name, lower)) return true;
        return false;
    }

    /// <summary>
    /// Connection with the options that are ours, and the fields it nominates (RFC 9110 sections 7.6.1, 7.8 and 10.1.4).
    /// </summary>
    private static void WriteConnection(ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head, bool close)
    {
        if (request.IsUpgrade)
        {
            WriteUpgrade(ref buffer, request.Fields, head);
            buffer.Write(request.AcceptsTrailers ? "TE: trailers\r\nConnection: upgrade, TE\r\n"u8 : "Connection: upgrade\r\n"u8);
        }
        else if (request.AcceptsTrailers)
        {
            buffer.Write(close ? "TE: trailers\r\nConnection: close, TE\r\n"u8 : "TE: trailers\r\nConnection: TE\r\n"u8);
        }
        else if (close)
        {
            buffer.Write("Connection: close\r\n"u8);
        }
    }

    internal static void WriteUpgrade(ref HeadBuffer buffer, ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head)
    {
        foreach (ref readonly HeaderField field in fields)
            if (field.Name == FieldName.Upgrade) WriteField(ref buffer, "Upgrade"u8, field.ValueRange.Of(head));
    }

    /// <summary>
    /// The chain of a trusted peer is extended by that peer; its word on scheme and host, seen nearer to the client, stays.
    /// </summary>
    private static void WriteXForwarded(ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context)
    {
        bool hasProto = HasOwn(request, FieldName.XForwardedProto), hasHost = HasOwn(request, FieldName.XForwardedHost);
        buffer.Write("X-Forwarded-For: "u8);
        if (context.TrustedPeer)
        {
            WriteChain(ref buffer, request.Fields, head, FieldName.XForwardedFor);
            hasProto |= Forwards(request, FieldName.XForwardedProto);
            hasHost |= Forwards(request, FieldName.XForwardedHost);
        }

        buffer.Write(context.ClientAddress.IsEmpty ? "unknown"u8 : context.ClientAddress);
        if (!hasProto) buffer.Write(context.Tls ? "\r\nX-Forwarded-Proto: https"u8 : "\r\nX-Forwarded-Proto: http"u8);
        buffer.Write("\r\n"u8);
        ReadOnlySpan<byte> authority = AuthorityOf(request, head, context);
        if (!hasHost && !authority.IsEmpty) WriteField(ref buffer, "X-Forwarded-Host"u8, authority);
    }

    /// <summary>RFC 7239 section 4: for=..;proto=..;host=.., values quoted where they hold more than token characters.</summary>
    private static void WriteForwarded(ref HeadBuffer buffer, RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context)
    {
        buffer.Write("Forwarded: "u8);
        if (context.TrustedPeer) WriteChain(ref buffer, request.Fields, head, FieldName.Forwarded);
        buffer.Write("for="u8);
        if (context.ClientAddress.IsEmpty)
        {
            buffer.Write("unknown"u8);
        }
        else
        {
            bool v6 = context.ClientAddress.IndexOf((byte)':') >= 0;
            if (v6) buffer.Write("\"["u8);
            buffer.Write(context.ClientAddress);
            if (v6) buffer.Write("]\""u8);
        }

        buffer.Write(context.Tls ? ";proto=https"u8 : ";proto=http"u8);
        ReadOnlySpan<byte> authority = AuthorityOf(request, head, context);
        if (!authority.IsEmpty)
        {
            // Authorities were checked to hold no quote and no backslash.
            bool plain = HttpBytes.IsToken(authority);
            buffer.Write(plain ? ";host="u8 : ";host=\""u8);
            buffer.Write(authority);
            if (!plain) buffer.Write("\""u8);
        }

        buffer.Write("\r\n"u8);
    }

    /// <summary>The values of all fields of that name in their order, each with ", " behind it.</summary>
    private static void WriteChain(ref HeadBuffer buffer, ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, FieldName name)
    {
        foreach (ref readonly HeaderField field in fields)
        {
            if (field.Name != name || field.IsHopByHop || field.ValueLength == 0) continue;
            buffer.Write(field.ValueRange.Of(head));
            buffer.Write(", "u8);
        }
    }

    private static ReadOnlySpan<byte> AuthorityOf(RequestHead request, ReadOnlySpan<byte> head, in ForwardingContext context) =>
        context.ReceivedAuthority.IsEmpty ? request.Authority.Of(head) : context.ReceivedAuthority;

    private static bool HasOwn(RequestHead request, FieldName name)
    {
        foreach (ref readonly HeaderField field in request.Fields)
            if (field.Name == name && field.IsOwn) return true;
        return false;
    }

    private static bool Forwards(RequestHead request, FieldName name) => request.TryGet(name, out HeaderField field) && !field.IsHopByHop;

    private static void WriteMaxForwards(ref HeadBuffer buffer, int hops)
    {
        buffer.Write("Max-Forwards: "u8);
        buffer.Write(hops);
        buffer.Write("\r\n"u8);
    }

    private static void WriteField(ref HeadBuffer buffer, ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        buffer.Write(name);
        buffer.Write(": "u8);
        buffer.Write(value);
        buffer.Write("\r\n"u8);
    }
}
