using System.Collections.Immutable;
using System.Text;
using Mainstay.Core;
using Mainstay.Core.Authentication;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;
using Mainstay.Engine.Http.Protect;

namespace Mainstay.Engine.Http.Auth;

/// <summary>Who a request is from, as servers are told.</summary>
/// <param name="Fields">Header lines for servers, each with its line end.</param>
/// <param name="Expires">Seconds since 1970; the credentials are not to be believed longer.</param>
internal sealed record Identity(string User, byte[] Fields, long Expires);

/// <summary>What became of credentials.</summary>
/// <param name="Identity">Null: they are wrong.</param>
/// <param name="Problem">Label for metrics.</param>
/// <param name="Description">For the client; empty: none.</param>
internal readonly record struct AuthVerdict(Identity? Identity, string Problem, string Description);

/// <summary>
/// One entry of <c>auth</c>, ready to use: shared by all shards. <see cref="Verify"/> may take long and runs on the offload pool; all else
/// is quick.
/// </summary>
internal abstract class Authenticator
{
    private readonly LimitState _failures;
    private readonly Rate _rate;
    private readonly KeyHash _hash;
    private readonly Dictionary<string, long> _results = [];
    private static int s_lastId;

    protected Authenticator(AuthSnapshot snapshot, ProtectionTables tables)
    {
        Snapshot = snapshot;
        _rate = snapshot.Failures;
        _failures = tables.Limit($"auth/{snapshot.Name}", 65_536);
        _hash = tables.Hash;
    }

    public AuthSnapshot Snapshot { get; }

    /// <summary>Of this object; the same entry after a reload is another one.</summary>
    public int Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <summary>Names of fields, in lower case, that servers do not get from clients.</summary>
    public ImmutableArray<byte[]> Dropped { get; protected init; } = [];

    /// <summary>Changes when the file behind it has changed: what was right before has to be looked at again.</summary>
    public int Generation { get; protected set; }

    /// <summary>Wrong credentials that were not looked at any more.</summary>
    public long Refused => _failures.Refused;

    /// <summary>Where the credentials are; empty when there are none.</summary>
    public abstract ReadOnlySpan<byte> Find(RequestHead request, ReadOnlySpan<byte> head);

    /// <summary>Any thread of the offload pool.</summary>
    public abstract AuthVerdict Verify(ReadOnlySpan<byte> credentials, long unixSeconds);

    /// <summary>The WWW-Authenticate line of a 401.</summary>
    public abstract byte[] Challenge(in AuthVerdict? verdict);

    /// <summary>Reads its file again if it has changed. Null, or why it cannot be used (the old content stays).</summary>
    public abstract string? Refresh();

    /// <summary>False: the address has sent too many wrong credentials.</summary>
    public bool MayTry(NetAddress client, int shard, Instant now, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (client.IsNone) return true;

        // As if one more were taken, but without taking it.
        var look = new TokenBucket(_rate.Depth - _rate.Cost(1), 0);
        if (_failures.Words.Apply(Key(client), now.Nanoseconds, ref look, out _)) return true;
        _failures.CountRefused(shard);
        wait = TimeSpan.FromTicks(look.Wait / 100 + 1);
        return false;
    }

    public void NoteFailure(NetAddress client, Instant now)
    {
        if (client.IsNone) return;
        var taken = new TokenBucket(_rate.Depth, _rate.Cost(1), owes: true);
        _failures.Words.Apply(Key(client), now.Nanoseconds, ref taken, out _);
    }

    /// <summary>Any thread; once for each look, not for what the cache knew.</summary>
    public void Count(string result)
    {
        lock (_results) _results[result] = _results.GetValueOrDefault(result) + 1;
    }

    public ImmutableArray<(string Result, long Count)> Results()
    {
        lock (_results) return [.. _results.Select(pair => (pair.Key, pair.Value))];
    }

    protected static byte[] Line(string name, string value) => Encoding.ASCII.GetBytes($"{name}: {value}\r\n");

    /// <summary>What clients may not say: the names of headers that we set, and Authorization where it is ours alone.</summary>
    protected static ImmutableArray<byte[]> Names(AuthSnapshot snapshot, IEnumerable<string> headers)
    {
        IEnumerable<string> names = headers;
        if (snapshot.UserHeader.Length > 0) names = names.Append(snapshot.UserHeader);
        if (!snapshot.Forward) names = names.Append("Authorization");
        return [.. names.Select(name => Encoding.ASCII.GetBytes(name.ToLowerInvariant()))];
    }

    private ulong Key(NetAddress client) => _hash.Of(client.IsV6 ? client.Truncate(64) : client);
}
