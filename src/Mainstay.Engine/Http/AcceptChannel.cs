using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>One shard's listening socket of an HTTP service.</summary>
internal sealed class AcceptChannel(HttpShard shard, HttpService service, int descriptor) : ListeningChannel(shard.Loop, descriptor)
{
    /// <summary>What the listener serves now; a reload changes it.</summary>
    public HttpService Service { get; set; } = service;

    /// <summary>0 for a unix socket.</summary>
    public int Port { get; } = Sockets.LocalAddress(descriptor).Port;

    protected override bool HasPlace => !shard.IsShortOfMemory && !shard.Budget.IsFull;

    protected override bool TryTakePlace() => !shard.IsShortOfMemory && shard.Budget.TryTake();

    protected override void TakePlace() => shard.Budget.Take();

    protected override void GivePlace() => shard.Budget.Give();

    protected override void Adopt(int accepted, in SocketAddress peer) => shard.Adopt(accepted, peer, this);

    protected override void OnPaused() => shard.Counters.AcceptPauses++;

    protected override void OnFailed() => shard.Counters.AcceptFailures++;
}
