using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Wherever the network cuts a message in two, both sides see the same.</summary>
public sealed class CutTests
{
    private const string Fields = "Host: a\r\n";

    [Theory]
    [InlineData("GET /x?y HTTP/1.1\r\n" + Fields + "Accept: */*\r\n\r\n")]
    [InlineData("\r\nPOST /x HTTP/1.1\r\n" + Fields + "Content-Length: 11\r\n\r\nhello world")]
    [InlineData("POST /x HTTP/1.1\r\n" + Fields + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n06\r\n world\r\n0\r\nX-T: 1\r\n\r\n")]
    [InlineData("GET /1 HTTP/1.1\r\n" + Fields + "\r\nPOST /2 HTTP/1.1\r\n" + Fields + "Content-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("POST /x HTTP/1.1\r\n" + Fields + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\rx\r\n0\r\n\r\n")]
    [InlineData("GET /x HTTP/1.1\r\n" + Fields + "Bad Name: 1\r\n\r\n")]
    public async Task Request_CutAtEveryByte_GivesTheSame(string request)
    {
        using ScriptedServer server = ScriptedServer.Answering(seen => ScriptedServer.Ok(seen.Essence));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        string expected = Run(bench, request, 0);
        Assert.NotEmpty(expected);
        for (int cut = 1; cut < request.Length; cut++) Assert.Equal((cut, expected), (cut, Run(bench, request, cut)));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", "GET / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n06\r\n world\r\n0\r\nX-T: 1\r\n\r\n", "GET / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n06\r\n world\r\n0\r\nX-T: 1\r\n\r\n", "GET / HTTP/1.0\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "GET / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.0 200\r\n\r\nall of it", "GET / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nBad Name: 5\r\n\r\n", "GET / HTTP/1.1\r\n" + Fields + "\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello", "GET / HTTP/1.1\r\n" + Fields + "Connection: upgrade\r\nUpgrade: x\r\n\r\n")]
    public async Task Response_CutAtEveryByte_GivesTheSame(string response, string request)
    {
        int cut = 0;
        ProxyBench? running = null;
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(response[..cut]);
            running!.Settle();
            peer.Send(response[cut..]);
        });
        await using ProxyBench bench = running = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        string expected = Exchange(bench, request);
        Assert.NotEmpty(expected);
        for (cut = 1; cut < response.Length; cut++) Assert.Equal((cut, expected), (cut, Exchange(bench, request)));
    }

    [Fact]
    public async Task BothDirections_OneByteAtATime_GiveTheSame()
    {
        const string request = "POST /x HTTP/1.1\r\n" + Fields + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        const string response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n";
        ProxyBench? running = null;
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is { Text: "hello" }) Drip(running!, peer, response);
        });
        await using ProxyBench bench = running = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 3; i++)
        {
            Drip(bench, client, request);
            Assert.Equal("world", client.ReadResponse().Text);
        }
    }

    private static void Drip(ProxyBench bench, RawPeer peer, string text)
    {
        foreach (char c in text)
        {
            peer.Send([(byte)c]);
            bench.Settle();
        }
    }

    private static string Run(ProxyBench bench, string request, int cut)
    {
        using RawPeer client = bench.Connect();
        client.Send(request[..cut]);
        if (cut > 0) bench.Settle();
        client.Send(request[cut..]);
        client.HalfClose();
        return Essence(client);
    }

    private static string Exchange(ProxyBench bench, string request)
    {
        using RawPeer client = bench.Connect();
        client.Send(request);
        client.HalfClose();
        return Essence(client);
    }

    /// <summary>Everything that came, without the dates.</summary>
    private static string Essence(RawPeer client)
    {
        string all = System.Text.Encoding.Latin1.GetString(client.ReadToAnyEnd().Bytes);
        return string.Join("\r\n", all.Split("\r\n").Where(line => !line.StartsWith("Date: ", StringComparison.Ordinal)));
    }
}
