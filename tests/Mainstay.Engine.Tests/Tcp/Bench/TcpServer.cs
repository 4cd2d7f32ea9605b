using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Net;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tcp.Bench;

/// <summary>A server in the hand of a test: every connection is a peer that the test takes, or runs a script.</summary>
internal sealed class TcpServer : IDisposable
{
    private readonly Socket _listener;
    private readonly BlockingCollection<RawPeer> _peers = [];
    private readonly ConcurrentBag<RawPeer> _all = [];

    public TcpServer(Action<RawPeer>? script = null, string? unixPath = null)
    {
        _listener = unixPath is null
            ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(unixPath is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(unixPath));
        _listener.Listen(512);
        Endpoint = unixPath is null
            ? Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)_listener.LocalEndPoint!).Port)
            : Endpoint.Unix(unixPath);
        new Thread(() => Accept(script)) { IsBackground = true }.Start();
    }

    public Endpoint Endpoint { get; }

    /// <summary>Connections so far.</summary>
    public int Accepted => _all.Count;

    /// <summary>The next connection that came.</summary>
    public RawPeer Take() =>
        _peers.TryTake(out RawPeer? peer, TimeSpan.FromSeconds(30)) ? peer : throw new TimeoutException("no connection came to the server");

    /// <summary>Says who it is and ends.</summary>
    public static TcpServer Naming(string name) => new(peer =>
    {
        peer.Send(name);
        peer.HalfClose();
        peer.ReadToAnyEnd();
        peer.Dispose();
    });

    /// <summary>Sends back what comes, and ends with its peer.</summary>
    public static TcpServer Echo() => new(peer =>
    {
        for (byte[] some = peer.ReadSome(); some.Length > 0; some = peer.ReadSome()) peer.Send(some);
        peer.Dispose();
    });

    public void Dispose()
    {
        _listener.Dispose();
        foreach (RawPeer peer in _all) peer.Dispose();
    }

    private void Accept(Action<RawPeer>? script)
    {
        try
        {
            while (true)
            {
                var peer = new RawPeer(_listener.Accept());
                _all.Add(peer);
                if (script is null) _peers.Add(peer);
                else new Thread(() => Run(script, peer)) { IsBackground = true }.Start();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private static void Run(Action<RawPeer> script, RawPeer peer)
    {
        try
        {
            script(peer);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            peer.Dispose();
        }
    }
}
