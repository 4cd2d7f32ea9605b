using Mainstay.Core.Balancing;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// Taking over an idle connection of another shard: asked for through that shard's mailbox, answered through ours. Saves the opening of
/// one, and keeps a server's connections within max-connections, which idle ones count against.
/// </summary>
internal sealed partial class Exchange : ILoopReceiver
{
    private const int TicketBits = 40;
    private const long TicketMask = (1L << TicketBits) - 1;

    /// <summary>In place of a descriptor: the other shard had none left.</summary>
    private const int NoneLeft = (1 << 23) - 1;

    private const int MaxTakeOvers = 2;

    /// <summary>Tells an answer that is still wanted from one that comes too late.</summary>
    private long _ticket;
    private int _takeOvers;

    /// <summary>
    /// The answer of the other shard: its server and, packed with our ticket, the descriptor. Or credentials that were checked.
    /// </summary>
    public void OnMessage(object? content, long number)
    {
        if (content is CredentialCheck check)
        {
            OnChecked(check, (int)number);
            return;
        }

        var server = (ServerRuntime)content!;
        int descriptor = (int)(number >> TicketBits);
        bool isWanted = _phase == ExchangePhase.TakingOver && (number & TicketMask) == _ticket;
        if (descriptor != NoneLeft && !isWanted)
        {
            shard.AdoptIdle(server, descriptor);
            return;
        }

        if (!isWanted) return;
        _phase = ExchangePhase.Routing;
        if (descriptor == NoneLeft)
        {
            Reach();
            return;
        }

        UpstreamConnection upstream = shard.RentUpstream();
        if (!upstream.Adopt(_lane!, descriptor, this))
        {
            Descriptor.Close(descriptor);
            Reach();
            return;
        }

        _upstream = upstream;
        shard.Counters.TakenOver++;
        BeginSending();
    }

    /// <summary>The other shard's side: gives one of its idle connections away. Runs on its thread.</summary>
    public static void Give(HttpShard donor, TakeOverRequest request)
    {
        int descriptor = donor.FindLane(request.Server)?.TakeIdle()?.Detach() ?? NoneLeft;
        request.Asker._loop.Post(request.Asker, request.Server, ((long)descriptor << TicketBits) | request.Ticket);
    }

    /// <summary>True: another shard has been asked, its answer goes on.</summary>
    private bool TryTakeOver()
    {
        if (_freshOnly || TellsClient || _takeOvers == MaxTakeOvers || shard.Siblings.Count == 1) return false;

        // The state of TLS belongs to one shard's OpenSSL.
        if (_lane!.Tls is not null) return false;
        ServerRuntime server = _lane.Server;
        int limit = Pool.Snapshot.Servers[_serverIndex].MaxConnections;
        ref ServerLoad load = ref shard.Loads[server.Slot];
        int idle = Volatile.Read(ref load.Idle);
        if (idle == 0) return false;

        // A connection too many forces it; otherwise the other shard keeps one for itself.
        bool isForced = limit > 0 && Volatile.Read(ref load.InFlight) + idle > limit;
        if (shard.FindDonor(server, isForced ? 1 : 2) is not { } donor) return false;
        _takeOvers++;
        _ticket = (_ticket + 1) & TicketMask;
        _phase = ExchangePhase.TakingOver;
        ArmFor(Upstream.Connect);
        donor.Loop.Post(donor, new TakeOverRequest(this, server, _ticket));
        return true;
    }
}

/// <summary>What one shard asks of another.</summary>
internal sealed record TakeOverRequest(Exchange Asker, ServerRuntime Server, long Ticket);
