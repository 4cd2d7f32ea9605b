namespace Mainstay.Core.Net;

/// <summary>
/// Where a listener listens or a server is reached: address and port, host name and port (resolved at run time, by its TTL), or the
/// path of a unix socket.
/// </summary>
public sealed record Endpoint
{
    /// <summary>Set for an address and port; <c>default</c> otherwise.</summary>
    public NetAddress Address { get; private init; }

    /// <summary>Set for a host name that has to be resolved.</summary>
    public string? HostName { get; private init; }

    /// <summary>Set for a unix socket; a leading '@' means the abstract namespace.</summary>
    public string? UnixPath { get; private init; }

    /// <summary>1..65535; 0 for a unix socket.</summary>
    public int Port { get; private init; }

    public bool IsUnix => UnixPath is not null;

    public static Endpoint Ip(NetAddress address, int port) => new() { Address = address, Port = port };

    public static Endpoint Name(string hostName, int port) => new() { HostName = hostName, Port = port };

    public static Endpoint Unix(string path) => new() { UnixPath = path };

    /// <summary>As written in a configuration: <c>192.0.2.1:80</c>, <c>[2001:db8::1]:80</c>, <c>name:80</c>, <c>unix:/path</c>.</summary>
    public override string ToString()
    {
        if (UnixPath is not null) return $"unix:{UnixPath}";
        if (HostName is not null) return $"{HostName}:{Port}";
        return Address.IsV6 ? $"[{Address}]:{Port}" : $"{Address}:{Port}";
    }
}
