using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Persistence;

/// <summary>What one request said of the server that it belongs to.</summary>
public struct Session
{
    public static readonly Session None = new() { Server = -1 };

    /// <summary>Index in the pool; -1: none that is known.</summary>
    public int Server;

    /// <summary>What a table remembers its server under; 0: nothing is.</summary>
    public ulong Key;

    /// <summary>Bytes of the head as received that the server is not to see; empty: none.</summary>
    public ByteRange Cut;
}

/// <summary>
/// Keeps the requests of one client at one server, as a pool's configuration says. Shared by all shards; nothing here allocates.
/// Source of the modes: what HAProxy calls cookie insert, prefix, rewrite, appsession and stick on.
/// </summary>
public sealed class SessionAffinity
{
    /// <summary>Between token and value with <see cref="CookieMode.Prefix"/>; no token of ours holds it.</summary>
    private const byte PrefixEnd = (byte)'~';

    private readonly PersistenceSnapshot _snapshot;
    private readonly ServerTokens _tokens;
    private readonly KeyHash _hash;
    private readonly CookieMode? _mode;
    private readonly byte[] _name;
    private readonly byte[] _attributes = [];

    /// <param name="previous">The pool's affinity in the configuration before: what it remembers goes on where the same is asked.</param>
    /// <param name="hashKey">From a good source of randomness: clients choose what is hashed.</param>
    public SessionAffinity(PersistenceSnapshot snapshot, string pool, IReadOnlyList<string> servers, UInt128 hashKey, SessionAffinity? previous = null)
    {
        _snapshot = snapshot;
        _tokens = new ServerTokens(snapshot.Secret, pool, servers);
        _mode = snapshot.Cookie?.Mode;
        _name = Encoding.ASCII.GetBytes(snapshot.Cookie?.Name ?? snapshot.Header);
        if (snapshot.Cookie is { } cookie) _attributes = Encoding.ASCII.GetBytes(Attributes(cookie));
        bool goesOn = previous is not null && previous._snapshot with { StayWhileDraining = snapshot.StayWhileDraining } == snapshot;
        _hash = goesOn ? previous!._hash : new KeyHash(hashKey);
        if (snapshot.NeedsTable) Table = goesOn ? previous!.Table : new SessionTable(snapshot.Entries, snapshot.Timeout);
    }

    /// <summary>Null where nothing has to be remembered.</summary>
    public SessionTable? Table { get; }

    public bool StayWhileDraining => _snapshot.StayWhileDraining;

    /// <summary>Bytes that <see cref="Answer"/> needs at most, beside the Set-Cookie line it replaces.</summary>
    public int AnswerRoom => _name.Length + _attributes.Length + 64;

    public Session Find(RequestHead request, ReadOnlySpan<byte> head, NetAddress client, Instant now)
    {
        Session session = Session.None;
        if (_snapshot.Cookie is { } cookie) FindCookie(request, head, cookie, ref session);
        else if (_snapshot.Source) session.Key = client.IsNone ? 0 : NotZero(_hash.Of(client));
        else session.Key = HeaderKey(request, head);
        if (session.Key != 0 && Table!.Find(session.Key, now) is not 0 and var id) session.Server = _tokens.FindId(id);
        return session;
    }

    /// <summary>The request goes to this server, which may be another than the session's: it stays with it.</summary>
    public void OnChosen(in Session session, int server, Instant now)
    {
        if (session.Key != 0 && session.Server != server) Table!.Store(session.Key, _tokens.Id(server), now);
    }

    /// <summary>What the final response of a server has to say to the client: lines to add, and one that they replace.</summary>
    /// <param name="lines">Room for <see cref="AnswerRoom"/> and a line of the head.</param>
    /// <returns>Bytes of <paramref name="lines"/>.</returns>
    public int Answer(
        in Session session, int server, ResponseHead response, ReadOnlySpan<byte> head, Instant now, Span<byte> lines, out ByteRange replaced)
    {
        replaced = default;
        if (_mode == CookieMode.Insert) return session.Server == server ? 0 : WriteCookie(lines, _tokens.Of(server), default, _attributes);
        if (_mode is null || !TryFindSetCookie(response, head, out HeaderField field, out ByteRange value)) return 0;
        if (_mode == CookieMode.Learn)
        {
            if (value.Length > 0) Table!.Store(NotZero(_hash.Of(value.Of(head))), _tokens.Id(server), now);
            return 0;
        }

        // A cookie without a value is one that the application takes back: it goes as it is.
        if (value.Length == 0) return 0;
        replaced = new ByteRange(field.Start, field.End - field.Start);
        ReadOnlySpan<byte> rest = head[value.End..field.ValueRange.End];
        return WriteCookie(lines, _tokens.Of(server), _mode == CookieMode.Prefix ? value.Of(head) : default, rest);
    }

    private static string Attributes(CookieSnapshot cookie)
    {
        var text = new StringBuilder();
        if (cookie.Path.Length > 0) text.Append($"; Path={cookie.Path}");
        if (cookie.Domain.Length > 0) text.Append($"; Domain={cookie.Domain}");
        if (cookie.MaxAge > TimeSpan.Zero) text.Append($"; Max-Age={(long)cookie.MaxAge.TotalSeconds}");
        if (cookie.Secure) text.Append("; Secure");
        if (cookie.HttpOnly) text.Append("; HttpOnly");
        if (cookie.SameSite != SameSite.Unset) text.Append($"; SameSite={cookie.SameSite}");
        return text.ToString();
    }

    private void FindCookie(RequestHead request, ReadOnlySpan<byte> head, CookieSnapshot cookie, ref Session session)
    {
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Name != FieldName.Cookie || !TryFindPair(field, head, out ByteRange pair, out ByteRange value)) continue;
            switch (cookie.Mode)
            {
                case CookieMode.Insert:
                    session.Server = _tokens.Find(value.Of(head));
                    if (cookie.Hide) session.Cut = WithSeparator(field, head, pair);
                    break;
                case CookieMode.Rewrite:
                    session.Server = _tokens.Find(value.Of(head));
                    break;
                case CookieMode.Prefix when value.Length > ServerTokens.Length && head[value.Start + ServerTokens.Length] == PrefixEnd:
                    session.Server = _tokens.Find(head.Slice(value.Start, ServerTokens.Length));
                    session.Cut = new ByteRange(value.Start, ServerTokens.Length + 1);
                    break;
                case CookieMode.Learn when value.Length > 0:
                    session.Key = NotZero(_hash.Of(value.Of(head)));
                    break;
            }

            // A second cookie of the name is one for a wider path (RFC 6265 section 5.4): the first counts.
            return;
        }
    }

    private ulong HeaderKey(RequestHead request, ReadOnlySpan<byte> head)
    {
        foreach (ref readonly HeaderField field in request.Fields)
            if (field.ValueLength > 0 && RequestValues.HasName(field, head, _name)) return NotZero(_hash.Of(field.ValueRange.Of(head)));
        return 0;
    }

    /// <summary>The cookie in a Cookie field: the whole pair, and its value.</summary>
    private bool TryFindPair(in HeaderField field, ReadOnlySpan<byte> head, out ByteRange pair, out ByteRange value)
    {
        int at = field.ValueStart, end = field.ValueRange.End;
        while (at < end)
        {
            int length = head[at..end].IndexOf((byte)';');
            int next = length < 0 ? end : at + length;
            while (at < next && head[at] is (byte)' ' or (byte)'\t') at++;
            int nameEnd = at + _name.Length;
            if (nameEnd < next && head[nameEnd] == '=' && head[at..nameEnd].SequenceEqual(_name))
            {
                int valueEnd = next;
                while (valueEnd > nameEnd + 1 && head[valueEnd - 1] is (byte)' ' or (byte)'\t') valueEnd--;
                pair = new ByteRange(at, next - at);
                value = new ByteRange(nameEnd + 1, valueEnd - nameEnd - 1);
                return true;
            }

            at = next + 1;
        }

        pair = value = default;
        return false;
    }

    /// <summary>What has to go with a pair so that what is left is a sound field; all of it where the pair stands alone.</summary>
    private static ByteRange WithSeparator(in HeaderField field, ReadOnlySpan<byte> head, ByteRange pair)
    {
        int end = field.ValueRange.End, start = pair.Start, behind = pair.End;
        if (behind < end)
        {
            for (behind++; behind < end && head[behind] == ' ';) behind++;
            if (behind < end) return new ByteRange(start, behind - start);
        }

        while (start > field.ValueStart && head[start - 1] is (byte)' ' or (byte)';' or (byte)'\t') start--;
        return start > field.ValueStart ? new ByteRange(start, end - start) : new ByteRange(field.Start, field.End - field.Start);
    }

    private bool TryFindSetCookie(ResponseHead response, ReadOnlySpan<byte> head, out HeaderField found, out ByteRange value)
    {
        foreach (ref readonly HeaderField field in response.Fields)
        {
            int equals = field.ValueStart + _name.Length;
            if (equals >= field.ValueRange.End || head[equals] != '=' || !RequestValues.HasName(field, head, "set-cookie"u8)) continue;
            if (!head[field.ValueStart..equals].SequenceEqual(_name)) continue;
            ReadOnlySpan<byte> rest = head[(equals + 1)..field.ValueRange.End];
            int length = rest.IndexOf((byte)';');
            found = field;
            value = new ByteRange(equals + 1, length < 0 ? rest.Length : length);
            return true;
        }

        (found, value) = (default, default);
        return false;
    }

    private int WriteCookie(Span<byte> lines, ReadOnlySpan<byte> token, ReadOnlySpan<byte> value, ReadOnlySpan<byte> attributes)
    {
        var buffer = new HeadBuffer(lines);
        buffer.Write("Set-Cookie: "u8);
        buffer.Write(_name);
        buffer.Write("="u8);
        buffer.Write(token);
        if (!value.IsEmpty)
        {
            buffer.Write([PrefixEnd]);
            buffer.Write(value);
        }

        buffer.Write(attributes);
        buffer.Write("\r\n"u8);
        return buffer.Result;
    }

    private static ulong NotZero(ulong hash) => hash == 0 ? 1 : hash;
}
