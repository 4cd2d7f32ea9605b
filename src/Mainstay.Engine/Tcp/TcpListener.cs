using Mainstay.Core.Config;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>One shard's listening socket of a TCP service.</summary>
internal sealed class TcpListener(TcpShard shard, TcpService service, TcpListenSnapshot snapshot, int descriptor)
    : ListeningChannel(shard.Loop, descriptor)
{
    /// <summary>What the listener serves now; a reload changes both.</summary>
    public TcpService Service { get; set; } = service;
    public TcpListenSnapshot Snapshot { get; set; } = snapshot;

    protected override bool HasPlace => !shard.IsShortOfMemory && !shard.Budget.IsFull && !Service.Places.IsFull;

    protected override bool TryTakePlace()
    {
        if (shard.IsShortOfMemory || !shard.Budget.TryTake()) return false;
        if (Service.Places.TryTake()) return true;
        shard.Budget.Give();
        return false;
    }

    protected override void TakePlace()
    {
        shard.Budget.Take();
        Service.Places.Take();
    }

    protected override void GivePlace()
    {
        shard.Budget.Give();
        Service.Places.Give();
    }

    protected override void Adopt(int accepted, in SocketAddress peer) => shard.Adopt(accepted, peer, this);

    protected override void OnPaused() => shard.Counters.AcceptPauses++;

    protected override void OnFailed() => shard.Counters.AcceptFailures++;
}
