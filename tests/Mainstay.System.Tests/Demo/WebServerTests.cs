using System.Net;
using Mainstay.Demo;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Demo;

public sealed class WebServerTests : IDisposable
{
    private readonly WebServer _server = new("web9", RunningKeeper.FreePort(), TimeSpan.FromMilliseconds(1));
    private readonly ClientConnection _client;

    public WebServerTests()
    {
        _server.Start();
        _client = NewClient();
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task Break_Errors_AnswersWith500_UntilRestarted()
    {
        _server.Break(Fault.Errors);
        Assert.Equal(500, (await _client.GetAsync()).Status);

        await _server.RestartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(new ClientResult(200, "web9", "", false), await _client.GetAsync());
    }

    [Fact]
    public async Task Break_Crash_ResetsConnectionsAndRefusesNewOnes_UntilRestarted()
    {
        Assert.Equal(200, (await _client.GetAsync()).Status);

        _server.Break(Fault.Crash);

        Assert.True((await _client.GetAsync()).WasIdleAndClosed);
        Assert.Equal("the connection was refused", (await _client.GetAsync()).Error);
        await _server.RestartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(200, (await _client.GetAsync()).Status);
    }

    [Fact]
    public async Task Break_Hang_AcceptsButDoesNotAnswer_AndARestartResetsWhoWaits()
    {
        Assert.Equal(200, (await _client.GetAsync()).Status);
        _server.Break(Fault.Hang);
        using ClientConnection fresh = NewClient();
        Task<ClientResult> reused = _client.GetAsync(), waiting = fresh.GetAsync();

        await _server.RestartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, (await reused).Status);
        // It may have connected only after the restart.
        Assert.True(await waiting is { Status: 0 } or { Status: 200 });
        Assert.Equal(200, (await fresh.GetAsync()).Status);
    }

    private ClientConnection NewClient() => new(new IPEndPoint(IPAddress.Loopback, _server.Port));
}
