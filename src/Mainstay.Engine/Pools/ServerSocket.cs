using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Linux;

namespace Mainstay.Engine.Pools;

/// <summary>Sockets to servers, from the source addresses that their pool names.</summary>
public static class ServerSocket
{
    /// <summary>
    /// Begins to connect a non-blocking stream socket; a datagram one is connected at once. Where a source address has no free port left
    /// towards the server, the next one is taken.
    /// </summary>
    /// <param name="turn">Whose turn it is among the source addresses; one for each shard.</param>
    /// <returns>The descriptor, or a negated <see cref="Errno"/>.</returns>
    public static int Connect(PoolSnapshot pool, in SocketAddress to, ref uint turn, bool isDatagram = false)
    {
        ImmutableArray<NetAddress> sources = pool.Sources;
        bool isUnix = to.Family == SocketAddress.FamilyUnix;
        int tries = isUnix ? 0 : sources.Length;
        if (tries == 0) return Connect(to, default, isDatagram);
        int result = -(int)Errno.EADDRNOTAVAIL;
        for (; tries > 0; tries--)
        {
            NetAddress source = sources[(int)(turn++ % (uint)sources.Length)];
            if (Sockets.Family(source) != to.Family) continue;
            result = Connect(to, source, isDatagram);
            if (result != -(int)Errno.EADDRNOTAVAIL) return result;
        }

        return result;
    }

    private static int Connect(in SocketAddress to, NetAddress source, bool isDatagram)
    {
        int descriptor = isDatagram ? Sockets.CreateDatagram(to.Family) : Sockets.CreateStream(to.Family);
        if (descriptor < 0) return descriptor;
        if (!isDatagram && to.Family != SocketAddress.FamilyUnix) Sockets.SetNoDelay(descriptor);
        int result = source.IsNone ? 0 : Sockets.BindSource(descriptor, source);
        if (result >= 0) result = Sockets.Connect(descriptor, to);

        // A unix socket whose backlog is full says EAGAIN: there is nothing to wait for.
        if (result >= 0 || result == -(int)Errno.EINPROGRESS) return descriptor;
        Descriptor.Close(descriptor);
        return result;
    }
}
