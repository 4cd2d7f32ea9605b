using Mainstay.Core.Balancing;
using Mainstay.Core.Http;
using Mainstay.Core.Persistence;

namespace Mainstay.Engine.Http;

/// <summary>Staying with the server that the client's last request went to.</summary>
internal sealed partial class Exchange
{
    private Session _session;

    /// <summary>Takes a place at the session's server while that serves; once it was tried in vain another one is chosen.</summary>
    private bool TryStay()
    {
        int server = _session.Server;
        if (server < 0 || (_tried & 1UL << (server & 63)) != 0) return false;
        Availability availability = Pool.Set.Availability[Pool.Servers[server].Slot];
        bool isEligible = availability.IsEligible || (availability.State == ServerState.Draining && Pool.Affinity!.StayWhileDraining);
        return isEligible && Enter(server);
    }

    private void NoteChosen() => Pool.Affinity?.OnChosen(_session, _serverIndex, _loop.Now);

    /// <summary>What the response's head has to say of the session: lines to add, and one that they replace.</summary>
    private ReadOnlySpan<byte> SessionLines(ReadOnlySpan<byte> head, out ByteRange replaced)
    {
        replaced = default;
        if (Pool.Affinity is not { } affinity || shard.Response.IsInterim) return default;

        // The upper half of what heads are written into: a head is never so large.
        Span<byte> room = shard.Output[(shard.Output.Length / 2)..];
        int length = affinity.Answer(_session, _serverIndex, shard.Response, head, _loop.Now, room, out replaced);
        return room[..Math.Max(length, 0)];
    }
}
