using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Demo;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Demo;

/// <summary>What the demo's client takes for lost, and what any client may send again.</summary>
public sealed class ClientConnectionTests : IDisposable
{
    private const string Answer = "HTTP/1.1 200 OK\r\nServed-By: web9\r\nContent-Length: 5\r\n\r\nhello";

    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly ClientConnection _client;

    public ClientConnectionTests()
    {
        _server.Start();
        _client = new ClientConnection((IPEndPoint)_server.LocalEndpoint);
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task Get_ResponseInPieces_IsReadWhole()
    {
        Task<ClientResult> result = _client.GetAsync();
        using Socket peer = await AcceptAndReadAsync();
        foreach (char c in Answer) await peer.SendAsync(new[] { (byte)c });

        Assert.Equal(new ClientResult(200, "web9", "", false), await result);
    }

    [Fact]
    public async Task Get_IdleConnectionClosedByThePeer_MayBeSentAgain()
    {
        using Socket peer = await AnswerOnceAsync();
        peer.Close();

        ClientResult result = await _client.GetAsync();

        Assert.True(result is { Status: 0, WasIdleAndClosed: true });
    }

    [Fact]
    public async Task Get_FreshConnectionClosed_IsLost()
    {
        Task<ClientResult> result = _client.GetAsync();
        (await AcceptAndReadAsync()).Close();

        Assert.True(await result is { Status: 0, WasIdleAndClosed: false });
    }

    [Fact]
    public async Task Get_ClosedInTheMiddleOfAResponse_IsLost()
    {
        using Socket peer = await AnswerOnceAsync();
        Task<ClientResult> result = _client.GetAsync();
        await ReadAsync(peer);
        await peer.SendAsync(Encoding.ASCII.GetBytes(Answer[..^2]));
        peer.Close();

        Assert.True(await result is { Status: 0, WasIdleAndClosed: false });
    }

    [Fact]
    public async Task Get_NobodyListens_IsLost()
    {
        using var client = new ClientConnection(new IPEndPoint(IPAddress.Loopback, RunningKeeper.FreePort()));

        Assert.Equal(new ClientResult(0, "", "the connection was refused", false), await client.GetAsync());
    }

    private async Task<Socket> AnswerOnceAsync()
    {
        Task<ClientResult> result = _client.GetAsync();
        Socket peer = await AcceptAndReadAsync();
        await peer.SendAsync(Encoding.ASCII.GetBytes(Answer));
        Assert.Equal(200, (await result).Status);
        return peer;
    }

    private async Task<Socket> AcceptAndReadAsync()
    {
        Socket peer = await _server.AcceptSocketAsync();
        await ReadAsync(peer);
        return peer;
    }

    private static async Task ReadAsync(Socket peer) => Assert.True(await peer.ReceiveAsync(new byte[1024]) > 0);
}
