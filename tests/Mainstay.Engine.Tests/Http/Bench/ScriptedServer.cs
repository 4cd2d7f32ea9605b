using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>A server on loopback that does with every connection, on a thread of its own, what the test says.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly Socket _listener;
    private readonly Action<RawPeer> _script;
    private readonly ConcurrentDictionary<RawPeer, bool> _peers = [];
    private readonly ConcurrentBag<Exception> _faults = [];
    private readonly string? _path;
    private int _connections;

    public ScriptedServer(Action<RawPeer> script, EndPoint? address = null, int backlog = 1024)
    {
        _script = script;
        address ??= new IPEndPoint(IPAddress.Loopback, 0);
        bool isUnix = address.AddressFamily == AddressFamily.Unix;
        _listener = new Socket(address.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        _listener.Bind(address);
        _listener.Listen(backlog);
        if (isUnix) _path = address.ToString();
        Address = _listener.LocalEndPoint switch
        {
            IPEndPoint ip => Endpoint.Ip(NetAddress.FromBytes(ip.Address.GetAddressBytes()), ip.Port),
            var path => Endpoint.Unix(path!.ToString()!),
        };
        if (backlog > 0) new Thread(Accept) { IsBackground = true, Name = "scripted-server" }.Start();
    }

    public Endpoint Address { get; }

    /// <summary>Accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>What <see cref="Answering"/> got.</summary>
    public ConcurrentQueue<Message> Requests { get; } = new();

    /// <summary>Answers request after request on each connection.</summary>
    public static ScriptedServer Answering(Func<Message, string> answer, EndPoint? address = null)
    {
        ScriptedServer server = null!;
        // The thread that accepts may run before the constructor has returned.
        var known = new ManualResetEventSlim();
        server = new ScriptedServer(
            peer =>
            {
                known.Wait();
                while (peer.ReadRequest() is { } request)
                {
                    server.Requests.Enqueue(request);
                    peer.Send(answer(request));
                }
            },
            address);
        known.Set();
        return server;
    }

    /// <summary>Answers everything with 200 and this body.</summary>
    public static ScriptedServer Saying(string body, EndPoint? address = null) => Answering(_ => Ok(body), address);

    /// <summary>Accepts and never says anything.</summary>
    public static ScriptedServer Hanging() => new(peer => peer.ReadToEnd());

    public static string Ok(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>A port on which nothing listens.</summary>
    public static Endpoint Closed()
    {
        using var server = new ScriptedServer(_ => { });
        return server.Address;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (RawPeer peer in _peers.Keys) peer.Dispose();
        if (File.Exists(_path)) File.Delete(_path);
        Assert.Empty(_faults);
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var peer = new RawPeer(_listener.Accept());
                _peers[peer] = true;
                Interlocked.Increment(ref _connections);
                new Thread(() => Serve(peer), maxStackSize: 256 * 1024) { IsBackground = true, Name = "scripted-connection" }.Start();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    private void Serve(RawPeer peer)
    {
        using (peer)
        {
            try
            {
                _script(peer);
                _peers.TryRemove(peer, out _);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or EndOfStreamException)
            {
                // The other side went away: what the test looks at is what that side saw.
                _peers.TryRemove(peer, out _);
            }
            catch (Exception fault)
            {
                // What came was no HTTP, or not what the script expected: told when the server is disposed.
                _faults.Add(fault);
            }
        }
    }
}
