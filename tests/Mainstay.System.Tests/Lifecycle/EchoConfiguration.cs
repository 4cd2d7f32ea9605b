using System.Globalization;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Worker;

namespace Mainstay.System.Tests.Lifecycle;

/// <summary>The test worker's configuration, one option a line: listen ADDRESS:PORT, state DIR, answer TEXT, drain MS, error TEXT.</summary>
internal static class EchoConfiguration
{
    public static CompiledConfiguration Compile(string path, ReadOnlyMemory<byte> text)
    {
        var listen = new List<Endpoint>();
        var errors = new List<string>();
        string state = "", answer = "";
        int drain = 5000;
        foreach (string line in Encoding.UTF8.GetString(text.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', 2);
            switch (words[0])
            {
                case "listen": listen.Add(ParseEndpoint(words[1])); break;
                case "state": state = words[1]; break;
                case "answer": answer = words[1]; break;
                case "drain": drain = int.Parse(words[1], CultureInfo.InvariantCulture); break;
                case "error": errors.Add($"{path}: {words[1]}"); break;
            }
        }

        return errors.Count > 0 ? new(null, errors, []) : new(Build(listen, state, answer, drain), [], []);
    }

    private static Endpoint ParseEndpoint(string text)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal)) return Endpoint.Unix(text[5..]);
        int colon = text.LastIndexOf(':');
        Assert.True(NetAddress.TryParse(text.AsSpan(0, colon).Trim("[]"), out NetAddress address));
        return Endpoint.Ip(address, int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }

    private static Snapshot Build(List<Endpoint> listen, string state, string answer, int drain) => new()
    {
        Node = answer,
        Admin = new AdminSnapshot(null, Path.Combine(state, "admin.sock")),
        Process = new ProcessSnapshot(2, "nobody", state, TimeSpan.FromMilliseconds(drain), 0),
        AccessLog = new AccessLogSnapshot(AccessLogFormat.None, ""),
        Pools = [],
        Http =
        [
            new HttpSnapshot
            {
                Name = "echo",
                Listen = [.. listen],
                Routes = [],
                Limits = new HttpLimits(),
                Timeouts = new HttpTimeouts(default, default, default, default),
                Forwarded = new ForwardedSnapshot([]),
            },
        ],
    };
}
