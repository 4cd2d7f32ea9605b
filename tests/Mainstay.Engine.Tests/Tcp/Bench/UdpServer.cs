using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Tests.Tcp.Bench;

/// <summary>Answers every datagram with its name, a colon and what it was sent.</summary>
internal sealed class UdpServer : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public UdpServer(string name)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Endpoint = Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)_socket.LocalEndPoint!).Port);
        new Thread(() => Run(Encoding.ASCII.GetBytes($"{name}:"))) { IsBackground = true }.Start();
    }

    public Endpoint Endpoint { get; }

    public void Dispose() => _socket.Dispose();

    private void Run(byte[] name)
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (true)
            {
                EndPoint peer = new IPEndPoint(IPAddress.Any, 0);
                int count = _socket.ReceiveFrom(buffer, ref peer);
                _socket.SendTo([.. name, .. buffer.AsSpan(0, count)], peer);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
