using System.Diagnostics;
using System.Security.Cryptography;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Daemon;

/// <summary>Files and compression as curl sees them, from the worker that has given its privileges up.</summary>
public sealed class FilesTests
{
    [Fact]
    public void Files_ByCurl_WholeInPartsConditionallyAndCompressed()
    {
        using var daemon = new RunningDaemon();
        string root = Path.Combine(Path.GetDirectoryName(daemon.ConfigurationPath)!, "www");
        Directory.CreateDirectory(root, (UnixFileMode)0b111_101_101);
        byte[] large = new byte[3_000_000];
        new Random(1).NextBytes(large);
        string page = string.Concat(Enumerable.Range(0, 2000).Select(i => $"<p>line {i}</p>\n"));
        Write("large.bin", large);
        Write("index.html", global::System.Text.Encoding.ASCII.GetBytes(page));
        Write(".secret", "secret"u8.ToArray());
        int port = RunningKeeper.FreePort();
        daemon.Configure($"""
              files:
                listen: "127.0.0.1:{port}"
                compress: true
                routes: [{"{"} files: "{root}" {"}"}]
            """);
        RunningKeeper.Signal(daemon.Pid, 1 /* SIGHUP */);
        string url = $"http://127.0.0.1:{port}";
        daemon.WaitFor(() => Curl("-o", "/dev/null", "-w", "%{http_code}", url + "/") == "200", "the files' service");

        string saved = Path.Combine(root, "..", "saved");
        Curl("-o", saved, url + "/large.bin");
        Assert.Equal(Sum(large), Sum(File.ReadAllBytes(saved)));
        Curl("-o", saved, "-r", "1000000-1999999", url + "/large.bin");
        Assert.Equal(Sum(large.AsSpan(1_000_000, 1_000_000)), Sum(File.ReadAllBytes(saved)));

        // A download that broke off goes on.
        File.WriteAllBytes(saved, large[..1_234_567]);
        Curl("-C", "-", "-o", saved, url + "/large.bin");
        Assert.Equal(Sum(large), Sum(File.ReadAllBytes(saved)));

        Assert.Equal(page, Curl("--compressed", url + "/"));
        Assert.Equal("304", Curl("-o", "/dev/null", "-w", "%{http_code}", "-z", "1 Jan 2030", url + "/"));
        Assert.Equal("404", Curl("-o", "/dev/null", "-w", "%{http_code}", url + "/.secret"));
        Assert.Equal("400", Curl("-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", url + "/../../etc/passwd"));
        Assert.Equal("405", Curl("-o", "/dev/null", "-w", "%{http_code}", "-d", "x", url + "/"));

        // The same by HTTP/2, where the bytes of a file go through frames.
        Curl("--http2-prior-knowledge", "-o", saved, url + "/large.bin");
        Assert.Equal(Sum(large), Sum(File.ReadAllBytes(saved)));
        Assert.Equal(page, Curl("--http2-prior-knowledge", "--compressed", url + "/"));

        void Write(string name, byte[] content)
        {
            string path = Path.Combine(root, name);
            File.WriteAllBytes(path, content);
            File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        }
    }

    private static string Sum(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private static string Curl(params string[] arguments)
    {
        using Process curl = Process.Start(new ProcessStartInfo("curl", ["-s", "--max-time", "20", .. arguments]) { RedirectStandardOutput = true })!;
        string output = curl.StandardOutput.ReadToEnd();
        curl.WaitForExit();
        return output;
    }
}
