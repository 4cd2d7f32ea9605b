using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>What a session is known by: the client, and the address of ours that it asked.</summary>
internal readonly record struct SessionKey(NetAddress Client, int Port, NetAddress Local);

/// <summary>Hashes with the process's own seed: clients choose their addresses, and must not be able to choose a bucket.</summary>
internal sealed class SessionKeyComparer : IEqualityComparer<SessionKey>
{
    public static readonly SessionKeyComparer Instance = new();

    public bool Equals(SessionKey x, SessionKey y) => x == y;

    public int GetHashCode(SessionKey key) => HashCode.Combine(key.Client.Value, key.Port, key.Local.Value);
}

/// <summary>
/// One shard's datagram socket of a UDP service. The kernel gives all datagrams of one client to one shard (SO_REUSEPORT), so a session
/// lives on one. Answers leave by this socket, from the address that was asked.
/// </summary>
internal sealed class UdpListener(TcpShard shard, TcpService service, int descriptor) : Channel
{
    /// <summary>Batches taken in one turn, so that sessions get theirs.</summary>
    private const int BatchesPerTurn = 4;

    private readonly Dictionary<SessionKey, UdpSession> _sessions = new(SessionKeyComparer.Instance);

    /// <summary>What the listener serves now; a reload changes it.</summary>
    public TcpService Service { get; set; } = service;

    public void Start()
    {
        Descriptor = descriptor;
        int result = shard.Loop.Register(this, IoEvents.In);
        if (result < 0) throw new InvalidOperationException($"epoll_ctl on a datagram socket: {((Errno)(-result)).Describe()}");
    }

    public override void OnReady(IoEvents events)
    {
        DatagramBatch batch = shard.ClientDatagrams;
        for (int i = 0; i < BatchesPerTurn; i++)
        {
            int count = batch.Receive(Descriptor, isConnected: false);
            if (count <= 0) return;
            Take(batch);
            if (count < DatagramBatch.Capacity) return;
        }
    }

    /// <summary>The socket is everybody's, and what was wrong has been taken out of it: it goes on.</summary>
    public override void OnFault()
    {
    }

    /// <summary>Reads no more: what comes from now on is the next worker's. Answers of sessions under way still leave.</summary>
    public void StopReading()
    {
        if (Index >= 0) shard.Loop.Unregister(this, staysOpen: true);
    }

    /// <summary>The listener is gone, and with it the way back to its clients.</summary>
    public void Close()
    {
        foreach (UdpSession session in _sessions.Values.ToList()) session.End(FlowCause.Completed);
        if (Descriptor < 0) return;
        StopReading();
        Mainstay.Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
    }

    public void Forget(in SessionKey key) => _sessions.Remove(key);

    private void Take(DatagramBatch batch)
    {
        TcpServiceCounters counters = shard.Services[Service.Number];
        Volatile.Write(ref counters.DatagramsFromClients, counters.DatagramsFromClients + batch.Count);
        UdpSession? run = null;
        int runStart = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            UdpSession? session = SessionOf(batch, i);
            if (session is not null && session == run) continue;
            run?.Forward(batch, runStart, i - runStart);
            (run, runStart) = (session, i);
            if (session is null) Volatile.Write(ref counters.DatagramsDropped, counters.DatagramsDropped + 1);
        }

        run?.Forward(batch, runStart, batch.Count - runStart);
    }

    /// <summary>The session that a datagram belongs to or begins; null: it is dropped.</summary>
    private UdpSession? SessionOf(DatagramBatch batch, int index)
    {
        SocketAddress peer = batch.PeerOf(index);
        var key = new SessionKey(peer.Address, peer.Port, batch.LocalOf(index));
        bool isShared = !Service.Snapshot.Datagrams.OnePacket;
        if (isShared && _sessions.TryGetValue(key, out UdpSession? known)) return known;
        UdpSession? session = Begin(key, peer, batch[index]);
        if (session is not null && isShared) _sessions.Add(key, session);
        return session;
    }

    private UdpSession? Begin(in SessionKey key, in SocketAddress peer, ReadOnlySpan<byte> first)
    {
        // Sources can be forged: what is refused is counted and not logged, or the log would be the next victim.
        TcpAccess access = Service.Snapshot.Access;
        if (!access.IsOpen && !access.Admits(key.Client)) return Refuse(FlowCause.AccessDenied);
        int route = Service.Routes.Find(key.Client, new FirstBytes(first), isFinal: true);
        if (route < 0) return Refuse(FlowCause.NoRoute);
        if (!shard.Budget.TryTake()) return Refuse(FlowCause.SessionLimit);
        if (!Service.Places.TryTake())
        {
            shard.Budget.Give();
            return Refuse(FlowCause.SessionLimit);
        }

        UdpSession session = shard.RentSession();
        shard.OnBegun(session, Service);
        return session.Start(this, key, peer, Service.Targets[route]) ? session : null;
    }

    private UdpSession? Refuse(FlowCause cause)
    {
        shard.Services[Service.Number].Causes[(int)cause]++;
        return null;
    }
}
