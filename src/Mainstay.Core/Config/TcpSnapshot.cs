using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

public enum TransportProtocol
{
    Tcp,
    Udp,
}

/// <summary>One TCP or UDP service: connections or datagrams are taken to a server as they are.</summary>
public sealed record TcpSnapshot
{
    public required string Name { get; init; }
    public required TransportProtocol Protocol { get; init; }
    public required ImmutableArray<TcpListenSnapshot> Listen { get; init; }

    /// <summary>First match wins; a connection that none matches is closed.</summary>
    public required ImmutableArray<TcpRouteSnapshot> Routes { get; init; }

    public TcpAccess Access { get; init; } = new([], []);

    /// <summary>Connections or sessions at once; more wait in the kernel (TCP) or are dropped (UDP). 0 = no limit of its own.</summary>
    public int MaxConnections { get; init; }

    public required TcpTimeouts Timeouts { get; init; }

    public DatagramSnapshot Datagrams { get; init; } = new();
}

/// <param name="Proxy">Null: nobody sends a PROXY header.</param>
public sealed record TcpListenSnapshot(Endpoint Address, ProxyProtocolSnapshot? Proxy = null);

/// <summary>Whose PROXY header is demanded and believed; everyone else is taken for the client.</summary>
public sealed record ProxyProtocolSnapshot(ImmutableArray<AddressRange> From)
{
    public bool Trusts(NetAddress peer, bool isUnix)
    {
        // Who may connect to a unix socket is said by its file's permissions.
        if (isUnix) return true;
        foreach (AddressRange range in From)
            if (range.Contains(peer)) return true;
        return false;
    }
}

/// <summary>Who may connect: nobody of <paramref name="Deny"/>, and, where <paramref name="Allow"/> has any, only those.</summary>
public sealed record TcpAccess(ImmutableArray<AddressRange> Allow, ImmutableArray<AddressRange> Deny)
{
    public bool IsOpen => Allow.IsEmpty && Deny.IsEmpty;

    public bool Admits(NetAddress client)
    {
        foreach (AddressRange range in Deny)
            if (range.Contains(client)) return false;
        if (Allow.IsEmpty) return true;
        foreach (AddressRange range in Allow)
            if (range.Contains(client)) return true;
        return false;
    }
}

/// <param name="Idle">Without a byte in either direction.</param>
/// <param name="HalfClosed">Without a byte after one side has ended its stream.</param>
/// <param name="Inspect">Until the first bytes that routes or a PROXY header need have come.</param>
public sealed record TcpTimeouts(TimeSpan Idle, TimeSpan HalfClosed, TimeSpan Inspect);

/// <summary>Sessions of a UDP service.</summary>
/// <param name="Idle">A session ends after this long without a datagram either way.</param>
/// <param name="Responses">Datagrams of the server after which a session is over; 0 = only time ends it.</param>
/// <param name="OnePacket">Every datagram of a client is scheduled on its own, as DNS wants it.</param>
public sealed record DatagramSnapshot(TimeSpan Idle = default, int Responses = 0, bool OnePacket = false);

/// <param name="Name">For logs; by default the service's name and the rule's number from 1.</param>
public sealed record TcpRouteSnapshot(string Name, TcpMatch Match, string Pool);

/// <summary>All conditions that are set have to hold; of one condition's values any will do.</summary>
public sealed record TcpMatch
{
    /// <summary>The server name of a TLS ClientHello.</summary>
    public ImmutableArray<HostPattern> Sni { get; init; } = [];

    /// <summary>One of the application protocols that the ClientHello offers.</summary>
    public ImmutableArray<string> Alpn { get; init; } = [];

    public ImmutableArray<AddressRange> Source { get; init; } = [];

    /// <summary>What the client says first begins so; any one of them.</summary>
    public ImmutableArray<ImmutableArray<byte>> Prefix { get; init; } = [];

    public bool NeedsHello => !Sni.IsEmpty || !Alpn.IsEmpty;

    public bool NeedsBytes => NeedsHello || !Prefix.IsEmpty;

    public bool IsAll => !NeedsBytes && Source.IsEmpty;
}
