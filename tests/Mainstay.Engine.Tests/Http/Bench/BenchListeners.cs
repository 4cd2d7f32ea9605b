using System.Collections.Concurrent;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Linux;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>
/// Binds loopback sockets on free ports, as the keeper does on configured ones. Like the keeper it keeps descriptors of its own for
/// them, so that a socket lives on when the plane closes its copy.
/// </summary>
internal sealed class BenchListeners : IListenerSource, IDisposable
{
    private readonly ConcurrentDictionary<string, int> _ports = new();
    private readonly List<int> _kept = [];

    /// <summary>Called when an endpoint has been opened.</summary>
    public Action? Opened { get; set; }

    /// <summary>The descriptors given away, by call.</summary>
    public List<List<int>> Given { get; } = [];

    /// <summary>What the descriptor given last stands for, as /proc names it: numbers are used again.</summary>
    public string? LastLink { get; private set; }

    public int PortOf(Endpoint endpoint) => _ports[endpoint.ToString()];

    public Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count, SocketKind kind = SocketKind.Stream)
    {
        var descriptors = new List<int>();
        int port = 0;
        for (int i = 0; i < (endpoint.IsUnix ? 1 : count); i++)
        {
            SocketAddress address = endpoint.IsUnix ? SocketAddress.From(endpoint) : SocketAddress.From(endpoint.Address, port);
            int descriptor = kind == SocketKind.Datagram ? Sockets.CreateDatagram(address.Family) : Sockets.CreateStream(address.Family);
            if (!endpoint.IsUnix)
            {
                Sockets.SetReusePort(descriptor);
                if (kind == SocketKind.Stream) Sockets.SetNoDelay(descriptor);
                else Sockets.SetPacketInfo(descriptor, endpoint.Address.IsV6);
            }

            if (Sockets.Bind(descriptor, address) is < 0 and var error) return Task.FromResult(ListenerSockets.Failed(((Errno)(-error)).ToString()));
            if (kind == SocketKind.Stream) Assert.Equal(0, Sockets.Listen(descriptor, 4096));
            port = Sockets.LocalAddress(descriptor).Port;
            _kept.Add(Descriptor.Duplicate(descriptor));
            descriptors.Add(descriptor);
        }

        _ports[endpoint.ToString()] = port;
        Given.Add(descriptors);
        LastLink = new FileInfo($"/proc/self/fd/{descriptors[^1]}").LinkTarget;
        Opened?.Invoke();
        return Task.FromResult(new ListenerSockets([.. descriptors], null));
    }

    public void Dispose()
    {
        foreach (int descriptor in _kept) Descriptor.Close(descriptor);
    }
}
