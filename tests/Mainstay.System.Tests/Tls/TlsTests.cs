using Mainstay.System.Tests.Daemon;

namespace Mainstay.System.Tests.Tls;

/// <summary>The running program against openssl, curl and testssl.sh.</summary>
public class TlsTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void OpenSsl_Session_IsTakenUpOnEveryShardAndAfterAReload(string version)
    {
        using var daemon = new SecureDaemon();
        string session = daemon.At("session");
        (_, string first) = daemon.OpenSsl(Request, version, "-ign_eof", "-sess_out", session);
        Assert.Contains("New, TLSv1", first);
        for (int i = 0; i < 8; i++)
        {
            if (i == 4)
            {
                daemon.Reload();
                daemon.WaitFor(() => daemon.Output.Contains("configuration 2 is in force"), "the reload");
            }

            (_, string again) = daemon.OpenSsl(Request, version, "-ign_eof", "-sess_in", session);
            Assert.Contains("Reused, TLSv1", again);
            Assert.Contains("hello", again);
        }
    }

    [Fact]
    public void OpenSsl_Renegotiation_IsRefused()
    {
        using var daemon = new SecureDaemon();
        (_, string output) = daemon.OpenSsl("R\n", "-tls1_2");
        Assert.Contains("no renegotiation", output);
    }

    [Fact]
    public void Curl_BothProtocols_GetWholeBodiesAndStrictTransportSecurity()
    {
        using var daemon = new SecureDaemon();
        foreach ((string option, string version) in new[] { ("--http1.1", "1.1"), ("--http2", "2") })
        {
            (int code, string output) = daemon.Curl(option, "-D", "-");
            Assert.Equal(0, code);
            Assert.Contains("strict-transport-security: max-age=31536000", output, StringComparison.OrdinalIgnoreCase);
            (code, output) = SecureDaemon.Program(
                "curl", "", "-sk", option, "-o", "/dev/null", "-w", "%{http_version} %{size_download}", $"https://127.0.0.1:{daemon.Port}/files/large");
            Assert.Equal((0, $"{version} {SecureDaemon.LargeFile}"), (code, output));
        }
    }

    [Fact]
    public void RenewedCertificate_WithAKeyOfRootAlone_IsServedWithoutAReload()
    {
        using var daemon = new SecureDaemon();
        Assert.Contains("CN = www.example.com", daemon.OpenSsl("").Output);
        daemon.Issue("renewed.example.com");
        daemon.WaitFor(() => daemon.OpenSsl("").Output.Contains("CN = renewed.example.com"), "the renewed certificate");
        Assert.Contains("the files have changed; new connections get the new certificate", daemon.Output);
    }

    [Fact]
    public void TestSsl_FindsNoOldProtocolAndNoKnownHole()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/testssl"), "testssl.sh is not installed");
        using var daemon = new SecureDaemon();
        (_, string output) = SecureDaemon.Program(
            "testssl", "", "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "-p", "-H", "-I", "-R", "-C", "-Z", $"127.0.0.1:{daemon.Port}");
        string[] lines = [.. output.Split('\n').Select(line => line.Trim())];
        foreach (string old in new[] { "SSLv2", "SSLv3", "TLS 1 ", "TLS 1.1" })
            Assert.Contains(lines, line => line.StartsWith(old, StringComparison.Ordinal) && line.Contains("not offered"));
        foreach (string offered in new[] { "TLS 1.2", "TLS 1.3" })
            Assert.Contains(lines, line => line.StartsWith(offered, StringComparison.Ordinal) && line.Contains("offered (OK)"));
        Assert.DoesNotContain(lines, line => line.Contains("VULNERABLE") && !line.Contains("not vulnerable", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void Check_SaysWhatIsWrongWithCertificatesAndWhere()
    {
        string directory = Directory.CreateTempSubdirectory("mainstay-check-").FullName;
        try
        {
            foreach (string name in new[] { "a", "b" })
            {
                SecureDaemon.Program(
                    "openssl", "", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3",
                    "-subj", $"/CN={name}.example.com", "-keyout", $"{directory}/{name}.key", "-out", $"{directory}/{name}.pem");
            }

            string file = Path.Combine(directory, "mainstay.yaml");
            File.WriteAllText(file, $$"""
                process: { state-directory: {{directory}}/state, user: root }
                admin: { socket: {{directory}}/admin.sock }
                tls:
                  wrong: { certificate: {{directory}}/a.pem, key: {{directory}}/b.key }
                  gone: { certificate: {{directory}}/gone.pem }
                  soon: { certificate: {{directory}}/a.pem, key: {{directory}}/a.key }
                http:
                  web:
                    listen: [{ address: "127.0.0.1:18471", tls: wrong }, { address: "127.0.0.1:18472", tls: gone }, { address: "127.0.0.1:18473", tls: soon }]
                    routes: [{ match: { host: www.example.org }, respond: 200 }]
                """);
            (int code, _, string error) = RunningDaemon.Run("check", "-c", file);
            Assert.Equal(1, code);
            Assert.Contains($"mainstay.yaml:4:{"  wrong: { certificate: ".Length + directory.Length + ", key: ".Length + "/a.pem".Length + 1}: tls.wrong: {directory}/b.key: is not the key of the certificate in {directory}/a.pem", error);
            Assert.Contains($"mainstay.yaml:5:24: tls.gone: {directory}/gone.pem: no such file", error);
            Assert.Contains($"{directory}/a.pem: expires on", error);
            Assert.Contains("no certificate is for www.example.org", error);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
