using System.Collections.Immutable;

namespace Mainstay.Core.Config;

public enum CheckKind
{
    Icmp,
    Tcp,
    Tls,
    Http,
    Https,
    Agent,
    Udp,
    Dns,
    Exec,
}

/// <summary>How a pool's servers are checked, and when a result counts.</summary>
public sealed record CheckSnapshot
{
    public required CheckKind Kind { get; init; }
    public required TimeSpan Interval { get; init; }

    /// <summary>Between checks while results and state differ; at most <see cref="Interval"/>.</summary>
    public required TimeSpan FastInterval { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>Good results in a row that make a server up.</summary>
    public required int Rise { get; init; }

    /// <summary>Bad results in a row that make a server down.</summary>
    public required int Fall { get; init; }

    /// <summary>Checked on this port instead of the server's; 0 = the server's.</summary>
    public int Port { get; init; }

    /// <summary>Sent after the connection stands (tcp, udp, agent); empty = nothing.</summary>
    public ImmutableArray<byte> Send { get; init; } = [];

    /// <summary>What the answer has to contain (tcp, udp); empty = nothing is awaited.</summary>
    public ImmutableArray<byte> Expect { get; init; } = [];

    // http, https
    public string Method { get; init; } = "GET";
    public string Path { get; init; } = "/";

    /// <summary>The Host header; null = the server's address. For tls and https also the name asked for (SNI).</summary>
    public string? Host { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Inclusive ranges of accepted status codes.</summary>
    public ImmutableArray<(int From, int To)> Status { get; init; } = [(200, 399)];

    /// <summary>The body has to contain this; null = anything will do.</summary>
    public string? BodyContains { get; init; }

    /// <summary>The body has to match this regular expression (linear time); null = anything will do.</summary>
    public string? BodyMatches { get; init; }

    /// <summary>Bytes of the body that are looked at.</summary>
    public int BodyLimit { get; init; } = 64 * 1024;

    // tls, https
    /// <summary>Verify chain and name of the certificate.</summary>
    public bool Verify { get; init; }

    /// <summary>Warn when the certificate ends sooner than this.</summary>
    public TimeSpan CertificateWarning { get; init; } = TimeSpan.FromDays(14);

    // dns
    public string QueryName { get; init; } = "";
    public string QueryType { get; init; } = "A";

    /// <summary>An answer of this text has to be there; null = any answer without an error code.</summary>
    public string? Answer { get; init; }

    // exec
    /// <summary>Program and arguments; MAINSTAY_ADDRESS, MAINSTAY_PORT, MAINSTAY_SERVER and MAINSTAY_POOL are in its environment.</summary>
    public ImmutableArray<string> Command { get; init; } = [];
}
