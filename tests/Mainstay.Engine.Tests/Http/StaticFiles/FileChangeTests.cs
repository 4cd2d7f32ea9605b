using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.StaticFiles;

/// <summary>Files that change while they are served, clients that do not read, and what is left afterwards.</summary>
public sealed class FileChangeTests : IDisposable
{
    private readonly FileTreeOfTest _tree = new();

    public void Dispose() => _tree.Dispose();

    /// <summary>Under load every answer is one version from its first byte to its last, with that version's tag.</summary>
    [Theory]
    [InlineData(2_000)]
    [InlineData(150_000)]
    public async Task AFileThatIsReplaced_IsAlwaysServedInOneVersion(int size)
    {
        byte[][] versions = [.. Enumerable.Range(0, 6).Select(i => FileTreeOfTest.RandomBytes(size + i * 7, i + 1))];
        _tree.With("a", versions[0]);
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { Revalidate = TimeSpan.Zero }), shards: 2);
        using var stop = new CancellationTokenSource();
        Task replacing = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++) _tree.Replace("a", versions[i % 6], new DateTime(2026, 2, 1, 0, 0, i % 6, DateTimeKind.Utc));
        });
        var seen = new HashSet<(string Tag, string Sum)>();
        using (RawPeer client = bench.Connect())
        {
            for (int i = 0; i < 600 || (seen.Count < 3 && i < 100_000); i++)
            {
                client.Send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
                Message answer = client.ReadResponse();
                Assert.Equal(200, answer.Status);
                Assert.Contains(versions, version => version.AsSpan().SequenceEqual(answer.Body));
                seen.Add((answer["ETag"]!, Convert.ToHexString(SHA256.HashData(answer.Body))));
            }
        }

        await stop.CancelAsync();
        await replacing;
        Assert.InRange(seen.Count, 3, 7);
        Assert.Equal(seen.Count, seen.Select(pair => pair.Tag).Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFileThatIsCutOffOrWrittenToWhileItIsSent_IsNeverAWholeAnswer(bool cut)
    {
        _tree.With("a", FileTreeOfTest.RandomBytes(30_000_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        using RawPeer client = bench.Connect();
        client.Send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        byte[] first = client.ReadSome();
        using (FileStream file = File.OpenWrite(_tree.Path("a")))
        {
            if (cut) file.SetLength(1_000);
            else file.Write("other"u8);
        }

        int length = first.Length + client.ReadToAnyEnd().Bytes.Length;
        Assert.InRange(length, 1, 29_999_999);
        bench.Settle();
        Assert.Equal(1, bench.Outcomes(OutcomeCause.FileChanged));
    }

    /// <summary>Written to in place between two requests, within the time that the cache believes what it knows.</summary>
    [Fact]
    public async Task AFileThatIsWrittenTo_IsOpenedAnewAtOnce()
    {
        _tree.With("a", FileTreeOfTest.RandomBytes(50_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        Assert.Equal(50_000, bench.Get("/a").Body.Length);
        using (FileStream file = File.OpenWrite(_tree.Path("a"))) file.SetLength(60_000);
        Message answer = bench.Get("/a");
        Assert.Equal((200, 60_000), (answer.Status, answer.Body.Length));
    }

    [Fact]
    public async Task NewDeletedAndRenamedFiles_AreSeenAfterTheirTime()
    {
        _tree.With("a", "one");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => files with { Revalidate = TimeSpan.Zero }));
        Assert.Equal(404, bench.Get("/b").Status);
        Assert.Equal("one", bench.Get("/a").Text);
        File.Move(_tree.Path("a"), _tree.Path("b"));
        Assert.Equal((404, "one"), (bench.Get("/a").Status, bench.Get("/b").Text));
        _tree.With("b.gz", "coded"u8.ToArray());
        Assert.Equal("Accept-Encoding", bench.Get("/b")["Vary"]);
    }

    [Fact]
    public async Task ADeploymentThatSwitchesALink_IsServedFromThenOn()
    {
        _tree.With("v1/a", "one").With("v2/a", "two");
        File.CreateSymbolicLink(_tree.Path("current"), "v1");
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot(files => new FilesSnapshot(_tree.Path("current")) { Revalidate = TimeSpan.Zero }));
        Assert.Equal("one", bench.Get("/a").Text);
        File.CreateSymbolicLink(_tree.Path("next"), "v2");
        using (var move = System.Diagnostics.Process.Start("mv", ["-T", _tree.Path("next"), _tree.Path("current")])) await move.WaitForExitAsync();
        Assert.Equal("two", bench.Get("/a").Text);
    }

    [Fact]
    public async Task ManyClientsThatDoNotRead_HoldOneDescriptorAndNoBuffers()
    {
        _tree.With("a", FileTreeOfTest.RandomBytes(20_000_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        RawPeer[] clients = [.. Enumerable.Range(0, 30).Select(_ => bench.Connect())];
        foreach (RawPeer client in clients) client.Send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        foreach (RawPeer client in clients) Assert.NotEmpty(client.ReadSome());
        bench.Settle();
        Assert.Equal(1, bench.OnShard(http => http.Files.Held).Descriptors);
        Assert.InRange(bench.OnShard(http => http.Blocks.BytesRented), 0, 30 * 8 * 1024);

        // A quick one is served meanwhile, and a slow one to its end.
        _tree.With("b", "quick");
        Assert.Equal("quick", bench.Get("/b").Text);
        _ = clients[0].ReadExactly(19_000_000);
        foreach (RawPeer client in clients) client.Dispose();
    }

    [Fact]
    public async Task MoreFilesThanDescriptors_AreServedWithinTheBound()
    {
        int bound = Math.Max(64, Mainstay.Engine.Http.HttpPlane.FileDescriptors);
        int files = bound + 50;
        for (int i = 0; i < files; i++) _tree.With($"{i}", FileTreeOfTest.RandomBytes(16 * 1024 + 1 + i % 5, i));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        using RawPeer client = bench.Connect();
        for (int i = 0; i < files; i++)
        {
            client.Send($"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal(16 * 1024 + 1 + i % 5, client.ReadResponse().Body.Length);
        }

        Assert.InRange(bench.OnShard(http => http.Files.Held).Descriptors, 1, bound + 1);
    }

    [Fact]
    public async Task WarmFiles_AllocateNothingOnTheShard()
    {
        _tree.With("small.html", new byte[1000]).With("large.css", FileTreeOfTest.RandomBytes(100_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(_tree.Snapshot());
        using RawPeer client = bench.Connect();
        Run(100);
        long least = long.MaxValue;
        for (int rounds = 0; rounds < 5 && least > 0; rounds++)
        {
            long before = bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread());
            Run(500);
            least = Math.Min(least, bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread()) - before);
        }

        Assert.Equal(0, least);

        void Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                client.Send("GET /small.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\nIf-None-Match: \"x\"\r\n\r\n"
                    + "GET /large.css HTTP/1.1\r\nHost: a\r\n\r\nGET /large.css HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,500-600\r\n\r\n"
                    + "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
                Assert.Equal((200, 200, 206, 404),
                    (client.ReadResponse().Status, client.ReadResponse().Status, client.ReadResponse().Status, client.ReadResponse().Status));
            }
        }
    }

    /// <summary>Files that a route compresses, small ones from memory and large ones from their descriptor.</summary>
    [Theory]
    [InlineData(5_000)]
    [InlineData(400_000)]
    public async Task FilesOfARouteThatCompresses_ComeCodedAndWhole(int size)
    {
        string content = string.Concat(Enumerable.Range(0, size / 10).Select(i => $"line {i % 9999:0000}\n"));
        _tree.With("a.css", content).With("b.css", content).With("b.css.br", "ahead").With("c.png", content);
        Snapshot snapshot = _tree.Snapshot().WithService(service => service with { Compress = new CompressSnapshot() });
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshot);
        foreach (string coding in new[] { "gzip", "br" })
        {
            Message answer = Ask("/a.css", coding);
            Assert.Equal((coding, "Accept-Encoding", "chunked"), (answer["Content-Encoding"], answer["Vary"], answer["Transfer-Encoding"]));
            using Stream stream = coding == "br"
                ? new System.IO.Compression.BrotliStream(new MemoryStream(answer.Body), System.IO.Compression.CompressionMode.Decompress)
                : new System.IO.Compression.GZipStream(new MemoryStream(answer.Body), System.IO.Compression.CompressionMode.Decompress);
            Assert.Equal(content, new StreamReader(stream, Encoding.Latin1).ReadToEnd());
            Assert.StartsWith("W/\"", answer["ETag"]!);
            Message same = bench.Ask($"GET /a.css HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\nIf-None-Match: {answer["ETag"]}\r\nConnection: close\r\n\r\n");
            Assert.Equal(304, same.Status);
        }

        Assert.Equal("ahead", Ask("/b.css", "br").Text);
        Assert.Null(Ask("/c.png", "gzip")["Content-Encoding"]);
        Assert.Equal(206, bench.Ask("GET /a.css HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n").Status);

        Message Ask(string path, string accept) => bench.Ask($"GET {path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\nConnection: close\r\n\r\n");
    }
}
