using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mainstay.System.Tests.Daemon;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Tls;

/// <summary>The real program behind TLS on two shards, with keys that only the user who starts it reads. Disposing it ends everything.</summary>
internal sealed class SecureDaemon : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    private readonly StringBuilder _output = new();
    private readonly Process _process;

    public SecureDaemon()
    {
        File.SetUnixFileMode(Home, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(At("keys"));
        Directory.CreateDirectory(At("files"));
        Issue("www.example.com");
        File.SetUnixFileMode(At("keys"), (UnixFileMode)0b111_000_000);
        using (FileStream large = File.Create(At("files/large"))) large.SetLength(LargeFile);
        File.WriteAllText(At("mainstay.yaml"), $$"""
            admin: { socket: {{At("admin.sock")}} }
            process: { state-directory: {{At("state")}}, drain-timeout: 5s, shards: 2 }
            tls: { site: { certificate: {{CertificateFile}}, watch: 1s } }
            http:
              web:
                listen: { address: "127.0.0.1:{{Port}}", tls: site }
                hsts: 365d
                routes:
                  - { match: { path: /files }, files: {{At("files")}} }
                  - { respond: { status: 200, body: hello } }
            """);
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "mainstay"), ["run", "-c", At("mainstay.yaml")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_output) _output.AppendLine(line.Data);
        };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        WaitFor(() => Curl("-o", "/dev/null").Code == 0, "the daemon to serve");
    }

    public const int LargeFile = 100_000_000;

    public string Home { get; } = Directory.CreateTempSubdirectory("mainstay-tls-").FullName;
    public int Port { get; } = RunningKeeper.FreePort();
    public string CertificateFile => At("keys/site.pem");

    public string At(string name) => Path.Combine(Home, name);

    /// <summary>Puts a self-signed certificate for this name, with its key, in the place of the one before.</summary>
    public void Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(60));
        File.WriteAllText(CertificateFile + ".new", certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        File.SetUnixFileMode(CertificateFile + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(CertificateFile + ".new", CertificateFile, overwrite: true);
    }

    public void Reload() => RunningKeeper.Signal(_process.Id, 1);

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public (int Code, string Output) Curl(params string[] arguments) =>
        Program("curl", "", ["-sk", "--max-time", "20", .. arguments, $"https://127.0.0.1:{Port}/"]);

    public (int Code, string Output) OpenSsl(string input, params string[] arguments) =>
        Program("openssl", input, ["s_client", "-connect", $"127.0.0.1:{Port}", .. arguments]);

    public static (int Code, string Output) Program(string name, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    public void WaitFor(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < s_deadline && !_process.HasExited, $"waited in vain for {what}; the daemon wrote:\n{Output}");
            Thread.Sleep(20);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(Home, recursive: true);
    }
}
