using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>One shard's listening socket of an HTTP service.</summary>
internal sealed class AcceptChannel(HttpShard shard, in BoundListener bound) : ListeningChannel(shard.Loop, bound.Descriptor)
{
    /// <summary>What the listener serves now.</summary>
    public HttpService Service { get; private set; } = bound.Service;

    /// <summary>How it is spoken there.</summary>
    public HttpListener Listener { get; private set; } = bound.Listener;

    /// <summary>0 for a unix socket.</summary>
    public int Port { get; } = Sockets.LocalAddress(bound.Descriptor).Port;

    protected override bool HasPlace => MayAccept && !shard.Budget.IsFull;

    /// <summary>The peer tells in a PROXY header who its clients are.</summary>
    public bool IsTold(in SocketAddress peer) => Listener.Proxy is { } proxy && proxy.Trusts(peer.Address, peer.Address.IsNone);

    /// <summary>A reload changes what is served.</summary>
    public void Use(in BoundListener bound) => (Service, Listener) = (bound.Service, bound.Listener);

    protected override bool TryTakePlace() => MayAccept && shard.Budget.TryTake();

    protected override void TakePlace() => shard.Budget.Take();

    protected override void GivePlace() => shard.Budget.Give();

    protected override void Adopt(int accepted, in SocketAddress peer) => shard.Adopt(accepted, peer, this);

    protected override void OnPaused() => shard.Counters.AcceptPauses++;

    protected override void OnFailed() => shard.Counters.AcceptFailures++;

    private bool MayAccept => !shard.IsShortOfMemory && shard.Handshakes.MayBegin(Listener.Tls);
}
