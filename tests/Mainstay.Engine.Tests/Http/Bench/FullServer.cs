using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>Listens, and its queue is full: the kernel drops further SYNs, as a dead host does.</summary>
internal sealed class FullServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _waiting = [];

    public FullServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
        for (int i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            _waiting.Add(socket);
            try
            {
                socket.Connect(_listener.LocalEndPoint!);
            }
            catch (SocketException)
            {
                // In progress, for ever.
            }
        }

        Address = Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)_listener.LocalEndPoint!).Port);
    }

    public Endpoint Address { get; }

    public void Dispose()
    {
        foreach (Socket socket in _waiting) socket.Dispose();
        _listener.Dispose();
    }
}
