using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.StaticFiles;

public sealed class FileServingTests : IDisposable
{
    private readonly FileTreeOfTest _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(16 * 1024)]
    [InlineData(16 * 1024 + 1)]
    [InlineData(100 * 1024)]
    [InlineData(5_000_000)]
    public async Task AFile_ComesWholeWithItsFields(int size)
    {
        byte[] content = FileTreeOfTest.RandomBytes(size);
        _tree.With("a.png", content);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        for (int round = 0; round < 3; round++)
        {
            Message answer = bench.Get("/a.png");
            Assert.Equal((200, $"{size}", "image/png"), (answer.Status, answer["Content-Length"], answer["Content-Type"]));
            Assert.Equal(("Fri, 02 Jan 2026 03:04:05 GMT", "bytes"), (answer["Last-Modified"], answer["Accept-Ranges"]));
            Assert.Matches("^\"[0-9a-f]+-[0-9a-f]+\"$", answer["ETag"]!);
            Assert.Equal(content, answer.Body);
        }

        Assert.Equal(3, Counted(bench, OutcomeCause.FileServed));
    }

    [Fact]
    public async Task KeptConnection_ServesManyFilesAndHeads()
    {
        byte[] small = FileTreeOfTest.RandomBytes(900), large = FileTreeOfTest.RandomBytes(300_000);
        _tree.With("small", small).With("large", large);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 50; i++)
        {
            client.Send("GET /small HTTP/1.1\r\nHost: a\r\n\r\nHEAD /large HTTP/1.1\r\nHost: a\r\n\r\nGET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal(small, client.ReadResponse().Body);
            Message head = client.ReadResponse(toHead: true);
            Assert.Equal((200, "300000"), (head.Status, head["Content-Length"]));
            Assert.Equal(large, client.ReadResponse().Body);
            Assert.Equal(404, client.ReadResponse().Status);
        }
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("PROPFIND")]
    public async Task OtherMethods_AreRefusedWithAllow(string method)
    {
        _tree.With("a", "x");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        using RawPeer client = bench.Connect();
        client.Send($"{method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy");
        Message answer = client.ReadResponse();
        Assert.Equal((405, "GET, HEAD"), (answer.Status, answer["Allow"]));
        client.Send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("x", client.ReadResponse().Text);
        Assert.Equal(1, Counted(bench, OutcomeCause.MethodNotAllowed));
    }

    [Fact]
    public async Task Directories_AreTheirIndexAndGetTheirSlash()
    {
        _tree.With("index.html", "top").With("d/index.htm", "below").With("empty/x", "");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { Index = ["index.html", "index.htm"] }));
        Assert.Equal("top", bench.Get("/").Text);
        Assert.Equal("text/html; charset=utf-8", bench.Get("/")["Content-Type"]);
        Assert.Equal("below", bench.Get("/d/").Text);
        Message redirect = bench.Get("/d?x=1");
        Assert.Equal((301, "/d/?x=1"), (redirect.Status, redirect["Location"]));
        Assert.Equal(404, bench.Get("/empty/").Status);
        Assert.Equal(404, bench.Get("/index.html/").Status);

        // Never to another host.
        Assert.Equal("/evil.example/../d/", bench.Get("//evil.example/../d")["Location"]);
    }

    [Fact]
    public async Task Prefix_IsThatOfTheRouteUnlessSaid()
    {
        _tree.With("a", "bare").With("static/a", "deep");
        var match = new RouteMatch { Path = [new PathPattern(PatternKind.SegmentPrefix, "/static/")] };
        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(match: match)))
            Assert.Equal("bare", bench.Get("/static/a").Text);
        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { StripPrefix = "" }, match)))
            Assert.Equal("deep", bench.Get("/static/a").Text);
        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { StripPrefix = "/static" })))
            Assert.Equal(("bare", "bare"), (bench.Get("/static/a").Text, bench.Get("/a").Text));
    }

    [Fact]
    public async Task MissingFiles_AreAnsweredByTheFallbackOrThePage()
    {
        _tree.With("app.html", "app").With("errors/404.html", "lost");
        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { Try = "/app.html" })))
        {
            Message answer = bench.Get("/some/route");
            Assert.Equal((200, "app"), (answer.Status, answer.Text));
        }

        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { NotFound = "/errors/404.html" })))
        {
            Message answer = bench.Ask("GET /some HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n");
            Assert.Equal((404, "lost"), (answer.Status, answer.Text));
            Assert.Null(answer["ETag"]);
        }

        await using (ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { Try = "/gone", NotFound = "/gone" })))
            Assert.Equal((404, 1L), (bench.Get("/some").Status, Counted(bench, OutcomeCause.FileMissing)));
    }

    [Theory]
    [InlineData("/.htaccess", 404, RejectReason.HiddenFile)]
    [InlineData("/d/%2ehidden", 404, RejectReason.HiddenFile)]
    [InlineData("/a%2fb", 404, RejectReason.SeparatorInName)]
    [InlineData("/%c0%ae%c0%ae/secret", 404, RejectReason.NameNotUtf8)]
    [InlineData("/../secret", 400, RejectReason.AmbiguousPath)]
    [InlineData("/%2e%2e/secret", 400, RejectReason.AmbiguousPath)]
    [InlineData("/a%00", 400, RejectReason.InvalidPathEncoding)]
    public async Task WhatIsNeverServed_HasItsCounter(string path, int status, RejectReason reason)
    {
        _tree.With(".htaccess", "secret").With("d/.hidden", "secret").With("a", "x");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Assert.Equal(status, bench.Get(path).Status);
        bench.Settle();
        Assert.Equal(1, bench.Plane.Http[0].Counters.Rejected[(int)reason]);
    }

    /// <summary>A request is counted behind its last send.</summary>
    private static long Counted(ProxyBench bench, OutcomeCause cause)
    {
        bench.Settle();
        return bench.Outcomes(cause);
    }

    [Fact]
    public async Task LinksOut_Devices_AndUnreadableFiles_AreForbidden()
    {
        File.CreateSymbolicLink(_tree.Path("out"), "/etc/passwd");
        File.CreateSymbolicLink(_tree.Path("up"), "../../etc/passwd");
        File.CreateSymbolicLink(_tree.With("real", "x").Path("in"), "real");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Assert.Equal((403, 403, "x"), (bench.Get("/out").Status, bench.Get("/up").Status, bench.Get("/in").Text));
        Assert.Equal(2, Counted(bench, OutcomeCause.FileForbidden));
    }

    [Fact]
    public async Task Conditions_AreAnswered304And412()
    {
        _tree.With("a.css", "body {}").With("big", FileTreeOfTest.RandomBytes(50_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { CacheControl = "max-age=60" }));
        foreach (string path in new[] { "/a.css", "/big" })
        {
            string tag = bench.Get(path)["ETag"]!;
            Message same = Ask(path, $"If-None-Match: {tag}");
            Assert.Equal((304, tag, "max-age=60", null, 0), (same.Status, same["ETag"], same["Cache-Control"], same["Content-Type"], same.Body.Length));
            Assert.Equal(200, Ask(path, "If-None-Match: \"other\"").Status);
            Assert.Equal(304, Ask(path, "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT").Status);
            Message failed = Ask(path, "If-Match: \"other\"");
            Assert.Equal((412, "0"), (failed.Status, failed["Content-Length"]));
        }

        Message Ask(string path, string field) => bench.Ask($"GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\nConnection: close\r\n\r\n");
    }

    [Fact]
    public async Task AFileChangedJustNow_HasAWeakTag()
    {
        _tree.With("a", "x");
        File.SetLastWriteTimeUtc(_tree.Path("a"), DateTime.UtcNow);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Assert.StartsWith("W/\"", bench.Get("/a")["ETag"]!);
    }

    /// <summary>Sums over random ranges of files in memory and on disk, single and multipart.</summary>
    [Theory]
    [InlineData(7_000)]
    [InlineData(700_000)]
    public async Task Ranges_GiveTheBytesThatWereAskedFor(int size)
    {
        byte[] content = FileTreeOfTest.RandomBytes(size);
        _tree.With("a.bin", content);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        var random = new Random(size);
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 200; i++)
        {
            int parts = random.Next(1, 5);
            var wanted = new List<(int First, int Last)>();
            for (int part = 0; part < parts; part++)
            {
                int slot = size / parts, first = part * slot + random.Next(slot / 4);
                wanted.Add((first, first + random.Next(slot / 2)));
            }

            client.Send($"GET /a.bin HTTP/1.1\r\nHost: a\r\nRange: bytes={string.Join(",", wanted.Select(r => $"{r.First}-{r.Last}"))}\r\n\r\n");
            Message answer = client.ReadResponse();
            Assert.Equal(206, answer.Status);
            byte[][] bodies = parts == 1 ? [answer.Body] : Parts(answer, wanted, size);
            if (parts == 1) Assert.Equal($"bytes {wanted[0].First}-{wanted[0].Last}/{size}", answer["Content-Range"]);
            for (int part = 0; part < parts; part++)
                Assert.Equal(SHA256.HashData(content.AsSpan(wanted[part].First..(wanted[part].Last + 1))), SHA256.HashData(bodies[part]));
        }

        client.Send($"GET /a.bin HTTP/1.1\r\nHost: a\r\nRange: bytes={size}-\r\n\r\nHEAD /a.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n");
        Message beyond = client.ReadResponse();
        Assert.Equal((416, $"bytes */{size}"), (beyond.Status, beyond["Content-Range"]));
        Assert.Equal(200, client.ReadResponse(toHead: true).Status);
    }

    private static byte[][] Parts(Message answer, List<(int First, int Last)> wanted, int size)
    {
        string boundary = answer["Content-Type"]!.Split("boundary=")[1];
        byte[] body = answer.Body;
        var parts = new List<byte[]>();
        int at = 0;
        foreach ((int first, int last) in wanted)
        {
            byte[] head = Encoding.ASCII.GetBytes(
                $"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n");
            Assert.Equal(Encoding.ASCII.GetString(head), Encoding.ASCII.GetString(body, at, head.Length));
            at += head.Length;
            parts.Add(body[at..(at + last - first + 1)]);
            at += last - first + 1;
        }

        Assert.Equal($"\r\n--{boundary}--\r\n", Encoding.ASCII.GetString(body[at..]));
        return [.. parts];
    }

    [Fact]
    public async Task Precompressed_GoesToWhomTakesItUnlessItIsStale()
    {
        _tree.With("app.js", "plain").With("app.js.br", "brotli").With("app.js.gz", "gzip").With("old.js", "plain").With("old.js.gz", "gzip"u8.ToArray(), age: 5);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Message answer = Ask("/app.js", "gzip, br");
        Assert.Equal(("brotli", "br", "Accept-Encoding", "text/javascript; charset=utf-8"),
            (answer.Text, answer["Content-Encoding"], answer["Vary"], answer["Content-Type"]));
        Assert.Equal("gzip", Ask("/app.js", "gzip").Text);
        Message plain = bench.Get("/app.js");
        Assert.Equal(("plain", null, "Accept-Encoding"), (plain.Text, plain["Content-Encoding"], plain["Vary"]));
        Assert.Equal(3, new[] { answer["ETag"], Ask("/app.js", "gzip")["ETag"], plain["ETag"] }.Distinct().Count());
        Assert.Equal(406, Ask("/old.js", "identity;q=0, gzip").Status);
        Assert.Equal(("plain", null), (Ask("/old.js", "gzip").Text, Ask("/old.js", "gzip")["Vary"]));

        Message Ask(string path, string accept) => bench.Ask($"GET {path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\nConnection: close\r\n\r\n");
    }

    [Fact]
    public async Task OldClients_GetTheFileAndTheEndOfTheConnection()
    {
        byte[] content = FileTreeOfTest.RandomBytes(200_000);
        _tree.With("a", content);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Message answer = bench.Ask("GET /a HTTP/1.0\r\n\r\n");
        Assert.Equal((200, "close"), (answer.Status, answer["Connection"]));
        Assert.Equal(content, answer.Body);
    }
}
