using System.IO.Compression;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Responses of servers compressed on their way, decoded by the runtime's decoders.</summary>
public sealed class CompressionTests
{
    private static readonly string s_page = string.Concat(Enumerable.Range(0, 400).Select(i => $"<p class=\"line\">number {i} of a page</p>\n"));

    [Theory]
    [InlineData("gzip", "gzip", "length")]
    [InlineData("gzip, br", "br", "length")]
    [InlineData("gzip", "gzip", "chunked")]
    [InlineData("br", "br", "chunked")]
    [InlineData("gzip", "gzip", "close")]
    [InlineData("br", "br", "close")]
    public async Task APage_ComesCodedAndWhole(string accept, string coding, string framing)
    {
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is not null)
            {
                peer.Send($"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n{Framing(framing)}\r\n");
                peer.Send(framing == "chunked" ? $"{s_page.Length:x}\r\n{s_page}\r\n0\r\n\r\n" : s_page);
                if (framing == "close") return;
            }
        });
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 5; i++)
        {
            client.Send($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\n\r\n");
            Message answer = client.ReadResponse();
            Assert.Equal((200, coding, "chunked", null), (answer.Status, answer["Content-Encoding"], answer["Transfer-Encoding"], answer["Content-Length"]));
            Assert.Equal(("W/\"v1\"", "Accept-Encoding"), (answer["ETag"], answer["Vary"]));
            Assert.Equal(s_page, Decode(answer));
            Assert.InRange(answer.Body.Length, 100, s_page.Length / 4);
        }

        static string Framing(string framing) => framing switch
        {
            "length" => $"Content-Length: {s_page.Length}\r\n",
            "chunked" => "Transfer-Encoding: chunked\r\n",
            _ => "Connection: close\r\n",
        };
    }

    [Fact]
    public async Task WhoTakesNone_GetsThePageAndCachesAreTold()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => Page());
        await using ProxyBench bench = await StartAsync(server);
        Message answer = bench.Get();
        Assert.Equal((null, "Accept-Encoding", "\"v1\""), (answer["Content-Encoding"], answer["Vary"], answer["ETag"]));
        Assert.Equal(s_page, answer.Text);
        Message head = bench.Ask("HEAD / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n", toHead: true);
        Assert.Equal(("gzip", "Accept-Encoding", "W/\"v1\"", null), (head["Content-Encoding"], head["Vary"], head["ETag"], head["Content-Length"]));

        static string Page() => $"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"v1\"\r\nContent-Length: {s_page.Length}\r\n\r\n{s_page}";
    }

    [Theory]
    [InlineData("200 OK", "Content-Type: image/png\r\n")]
    [InlineData("200 OK", "Content-Type: text/html\r\nContent-Encoding: br\r\n")]
    [InlineData("200 OK", "Content-Type: text/html\r\nCache-Control: no-transform\r\n")]
    [InlineData("206 Partial Content", "Content-Type: text/html\r\nContent-Range: bytes 0-9/99\r\n")]
    public async Task WhatMustNotBe_StaysAsItIs(string status, string fields)
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => $"HTTP/1.1 {status}\r\n{fields}Content-Length: {s_page.Length}\r\n\r\n{s_page}");
        await using ProxyBench bench = await StartAsync(server);
        Message answer = Ask(bench, "gzip, br");
        Assert.Equal((s_page, null, $"{s_page.Length}"), (answer.Text, answer["Vary"], answer["Content-Length"]));
    }

    [Fact]
    public async Task SmallOnes_Empty_AndThoseForOtherSites_StayAsTheyAre()
    {
        int size = 1023;
        using ScriptedServer server = ScriptedServer.Answering(
            _ => $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n{new string('x', size)}");
        await using ProxyBench bench = await StartAsync(server);
        Assert.Null(Ask(bench, "gzip")["Content-Encoding"]);
        size = 1024;
        Assert.Equal("gzip", Ask(bench, "gzip")["Content-Encoding"]);
        Assert.Null(Ask(bench, "gzip\r\nCookie: a=b\r\nSec-Fetch-Site: cross-site")["Content-Encoding"]);
        size = 0;
        Assert.Null(Ask(bench, "gzip")["Content-Encoding"]);
    }

    /// <summary>An old client knows no chunks: the coded bytes end with its connection.</summary>
    [Fact]
    public async Task Http10_GetsTheCodedBytesUntilTheEnd()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => $"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {s_page.Length}\r\n\r\n{s_page}");
        await using ProxyBench bench = await StartAsync(server);
        Message answer = bench.Ask("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
        Assert.Equal(("gzip", null, "close"), (answer["Content-Encoding"], answer["Transfer-Encoding"], answer["Connection"]));
        Assert.Equal(s_page, Decode(answer));
    }

    /// <summary>Every event arrives before the next one is sent.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Events_AreNotHeldBack(string coding)
    {
        using var next = new SemaphoreSlim(0);
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 20; i++)
            {
                next.Wait();
                string text = $"data: event {i}\n\n";
                peer.Send($"{text.Length:x}\r\n{text}\r\n");
            }

            peer.Send("0\r\n\r\n");
        });
        await using ProxyBench bench = await StartAsync(server, new CompressSnapshot { Types = ["text/event-stream"] });
        using RawPeer client = bench.Connect();
        client.Send($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n");
        while (client.ReadLine() is var line && line != "")
            if (line.StartsWith("Content-Encoding")) Assert.EndsWith(coding, line);
        using var coded = new MemoryStream();
        for (int i = 0; i < 20; i++)
        {
            next.Release();
            string wanted = string.Concat(Enumerable.Range(0, i + 1).Select(n => $"data: event {n}\n\n"));
            while (DecodePart(coded.ToArray(), coding) != wanted)
            {
                int size = Convert.ToInt32(client.ReadLine(), 16);
                coded.Write(client.ReadExactly(size));
                Assert.Equal("", client.ReadLine());
            }
        }
    }

    /// <summary>A response cut anywhere into two packets: always the same content.</summary>
    [Fact]
    public async Task Responses_CutAtEveryPlace_DecodeToTheSame()
    {
        string body = string.Concat(Enumerable.Range(0, 12).Select(i => $"{i} of twelve;"));
        string response = $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n";
        int cut = 0;
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is not null)
            {
                peer.Send(response[..cut]);
                if (cut % 3 == 0) Thread.Yield();
                peer.Send(response[cut..]);
            }
        });
        await using ProxyBench bench = await StartAsync(server, new CompressSnapshot { MinSize = 0 });
        using RawPeer client = bench.Connect();
        for (cut = 0; cut < response.Length; cut++)
        {
            client.Send($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {(cut % 2 == 0 ? "gzip" : "br")}\r\n\r\n");
            Assert.Equal(body, Decode(client.ReadResponse()));
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task ALargeBodyToASlowClient_IsBoundedAndWhole(string coding)
    {
        byte[] body = new byte[6_000_000];
        new Random(1).NextBytes(body.AsSpan(0, 4_000_000));
        string text = Encoding.Latin1.GetString(body);
        using ScriptedServer server = ScriptedServer.Answering(_ => $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {text.Length}\r\n\r\n{text}");
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        client.Socket.ReceiveBufferSize = 256 * 1024;
        client.Send($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n");
        ProxyBench.Until(() => bench.OnShard(http => http.Encoders.InUse) == 1, "nothing is being compressed");
        Assert.InRange(bench.OnShard(http => http.Blocks.BytesRented), 0, 1024 * 1024);
        Message answer = client.ReadResponse();
        Assert.Equal(coding, answer["Content-Encoding"]);
        Assert.Equal(body, Encoding.Latin1.GetBytes(Decode(answer)));
        Assert.Equal(0, bench.OnShard(http => http.Encoders.InUse));
    }

    [Fact]
    public async Task AServerThatBreaksOff_LeavesNoWholeResponse()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send($"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {s_page.Length}\r\n\r\n{s_page[..5000]}");
        });
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
        Assert.DoesNotContain("\r\n0\r\n\r\n", Encoding.Latin1.GetString(client.ReadToAnyEnd().Bytes));
        Assert.Equal(0, bench.OnShard(http => http.Encoders.InUse));
    }

    [Fact]
    public async Task WarmCompressedResponses_AllocateNothingOnTheShard()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => $"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {s_page.Length}\r\n\r\n{s_page}");
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        Run(100);
        long least = long.MaxValue;
        for (int rounds = 0; rounds < 5 && least > 0; rounds++)
        {
            long before = bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread());
            Run(300);
            least = Math.Min(least, bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread()) - before);
        }

        Assert.Equal(0, least);

        void Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                client.Send($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {(i % 2 == 0 ? "gzip" : "br")}\r\n\r\n");
                Assert.NotNull(client.ReadResponse()["Content-Encoding"]);
            }
        }
    }

    private static Task<ProxyBench> StartAsync(ScriptedServer server, CompressSnapshot? compress = null) =>
        ProxyBench.StartAsync(BenchConfig.Of(server.Address).WithService(service => service with { Compress = compress ?? new CompressSnapshot() }));

    private static Message Ask(ProxyBench bench, string accept) =>
        bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\nConnection: close\r\n\r\n");

    private static string Decode(Message message) => DecodePart(message.Body, message["Content-Encoding"]!);

    /// <summary>As far as it goes.</summary>
    private static string DecodePart(byte[] coded, string coding)
    {
        using Stream stream = coding == "br"
            ? new BrotliStream(new MemoryStream(coded), CompressionMode.Decompress)
            : new GZipStream(new MemoryStream(coded), CompressionMode.Decompress);
        using var decoded = new MemoryStream();
        stream.CopyTo(decoded);
        return Encoding.Latin1.GetString(decoded.ToArray());
    }
}
