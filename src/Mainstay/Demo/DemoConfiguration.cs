using System.Globalization;

namespace Mainstay.Demo;

/// <summary>The demo's configuration file, written for the one who will edit it.</summary>
internal static class DemoConfiguration
{
    public const string Pool = "web";

    /// <summary>The balancer's port and the three servers' ones, as the demo prefers them.</summary>
    public const int PreferredPort = 8080;

    public static readonly string[] Servers = ["web1", "web2", "web3"];

    /// <summary>What <c>--print-config</c> prints.</summary>
    public static string ForPeople(int port, IReadOnlyList<int> servers) => $$"""
        # The configuration of "mainstay demo". To make it yours:
        #   1. put the addresses of your own servers below "servers"
        #   2. put a path below "check" that each of them answers with 200 while it can work, and only then
        #   3. ./mainstay check -c my.yaml      says what is wrong with it, if anything
        #   4. ./mainstay run -c my.yaml        Ctrl-C stops it; kill -HUP reloads the file without dropping a connection
        # docs/configuration.md explains every key.

        {{Body(port, servers)}}
        # One line for every request, with the time each phase took:
        # access-log: { format: json, file: stdout }

        # API and Prometheus metrics (/metrics), for this machine only:
        # admin: { listen: "127.0.0.1:9900" }

        """;

    /// <summary>What the demo runs: the same, in a directory of its own.</summary>
    public static string ForDemo(int port, IReadOnlyList<int> servers, string directory) => $$"""
        node: demo
        admin: { socket: "{{AdminSocket(directory)}}" }
        process: { state-directory: "{{directory}}/state", drain-timeout: 1s }
        access-log: { format: none }

        {{Body(port, servers)}}
        """;

    public static string AdminSocket(string directory) => $"{directory}/admin.sock";

    private static string Body(int port, IReadOnlyList<int> servers) => $$"""
        pools:
          {{Pool}}:
            # The server with the fewest requests under way gets the next one: one that has become slow gets less.
            balance: least-request
            # Asked for every {{Milliseconds(Detection.Interval)}}; two bad answers in a row and a server is out, two good ones and it is in again.
            # A second is a good interval for a start; the demo is in a hurry.
            check:
              http: /healthz
              expect: { status: 200 }
              interval: {{Milliseconds(Detection.Interval)}}
              fast-interval: {{Milliseconds(Detection.FastInterval)}}
              timeout: {{Milliseconds(Detection.Timeout)}}
              rise: {{Detection.Rise}}
              fall: {{Detection.Fall}}
            # If all of them look dead, the check is more likely wrong than all the servers: use them all the same.
            panic-threshold: 30%
            # What a hung server holds until the check has found it is answered with 504 after this time.
            timeouts: { connect: 500ms, first-byte: 2s }
            servers:
        {{string.Join('\n', Servers.Zip(servers, (name, at) => $"      - {{ name: {name}, address: \"127.0.0.1:{Number(at)}\" }}"))}}

        http:
          front:
            listen: 127.0.0.1:{{Number(port)}}          # 0.0.0.0:{{Number(port)}} to be reached from elsewhere
            routes:
              - to: {{Pool}}

        """;

    private static string Milliseconds(TimeSpan time) => $"{Number((int)time.TotalMilliseconds)}ms";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
