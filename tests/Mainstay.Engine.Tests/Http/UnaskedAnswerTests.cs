using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>What a server says without having been asked must not become the answer to somebody's request.</summary>
public sealed class UnaskedAnswerTests
{
    [Fact]
    public async Task IdleServerSpeaks_InTheSameBatchAsTheNextRequest_IsNotTheAnswer()
    {
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is { } request)
            {
                peer.Send(ScriptedServer.Ok(request.StartLine.Split(' ')[1]));
                if (!request.StartLine.Contains("/speak", StringComparison.Ordinal)) continue;
                // Waits until the shard is held and the next request is in its client's socket.
                s_goOn.Wait();
                peer.Send(ScriptedServer.Ok("unasked"));
                s_said.Set();
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int round = 0; round < 50; round++)
        {
            s_goOn.Reset();
            s_said.Reset();
            using RawPeer client = bench.Connect();
            client.Send("GET /speak HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("/speak", client.ReadResponse().Text);
            using (bench.Hold())
            {
                client.Send("GET /mine HTTP/1.1\r\nHost: a\r\n\r\n");
                s_goOn.Set();
                Assert.True(s_said.Wait(TimeSpan.FromSeconds(30)));
            }

            Assert.Equal("/mine", client.ReadResponse().Text);
            client.Send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("/next", client.ReadResponse().Text);
        }
    }

    private static readonly ManualResetEventSlim s_goOn = new(), s_said = new();
}
