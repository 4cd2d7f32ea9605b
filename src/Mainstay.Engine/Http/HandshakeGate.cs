using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;

namespace Mainstay.Engine.Http;

/// <summary>
/// How many TLS handshakes one shard has under way and may begin: each costs as much as hundreds of requests. The limits are the
/// profile's, spread evenly over the shards; who is not let in waits in the kernel's queue.
/// </summary>
internal sealed class HandshakeGate(EventLoop loop)
{
    /// <summary>What may be begun at once after a quiet time: a tenth of a second's worth.</summary>
    private const int BurstShare = 10;

    private double _tokens;
    private Instant _filledAt;

    /// <summary>Handshakes of clients under way.</summary>
    public int UnderWay { get; private set; }

    /// <summary>Shards that share the limits.</summary>
    public int Shards { get; set; } = 1;

    /// <summary>Another connection of this profile may be accepted; null = one without TLS.</summary>
    public bool MayBegin(TlsProfile? profile)
    {
        if (profile is null) return true;
        TlsHandshakeSnapshot limits = profile.Snapshot.Handshake;
        if (limits.Limit > 0 && UnderWay >= Share(limits.Limit)) return false;
        if (limits.Rate == 0) return true;
        double rate = (double)limits.Rate / Shards, most = Math.Max(1, rate / BurstShare);
        _tokens = Math.Min(most, _tokens + ((loop.Now - _filledAt).TotalSeconds * rate));
        _filledAt = loop.Now;
        return _tokens >= 1;
    }

    public void Enter()
    {
        UnderWay++;
        if (_tokens >= 1) _tokens--;
    }

    public void Leave() => UnderWay--;

    private int Share(int limit) => Math.Max(1, (limit + Shards - 1) / Shards);
}
