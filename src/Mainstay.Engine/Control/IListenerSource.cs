using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Control;

/// <summary>What a listening socket takes.</summary>
public enum SocketKind
{
    Stream,
    Datagram,
}

public static class SocketKinds
{
    private const string DatagramPrefix = "udp:";

    /// <summary>How an endpoint of this kind is called between keeper and worker: <c>0.0.0.0:53</c>, <c>udp:0.0.0.0:53</c>.</summary>
    public static string KeyOf(this SocketKind kind, Endpoint endpoint) =>
        kind == SocketKind.Datagram ? $"{DatagramPrefix}{endpoint}" : endpoint.ToString();

    /// <summary>The kind that a key is of, and the endpoint's text in it.</summary>
    public static SocketKind Read(string key, out string endpoint)
    {
        bool isDatagram = key.StartsWith(DatagramPrefix, StringComparison.Ordinal);
        endpoint = isDatagram ? key[DatagramPrefix.Length..] : key;
        return isDatagram ? SocketKind.Datagram : SocketKind.Stream;
    }
}

/// <summary>Where listening sockets come from: in production the keeper, which opens them and keeps them for the next worker.</summary>
public interface IListenerSource
{
    /// <summary>
    /// Listening sockets of one endpoint that share its load (SO_REUSEPORT; one descriptor for a unix socket). Ask once for each endpoint
    /// that a configuration adds, with the number of shards; keep what was received before.
    /// </summary>
    Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count, SocketKind kind = SocketKind.Stream);

    /// <summary>One socket for orders: as a unix socket for the user that started the program only, where others are for everyone.</summary>
    Task<ListenerSockets> OpenPrivateAsync(Endpoint endpoint) => OpenAsync(endpoint, 1);
}

/// <summary>The answer to <see cref="IListenerSource.OpenAsync"/>.</summary>
/// <param name="Descriptors">
/// Non-blocking, already listening; the receiver closes them. May be more than asked for when an earlier worker had more shards:
/// accept on every one, each has a queue of its own.
/// </param>
/// <param name="Error">Null, or why there are none: "address already in use (EADDRINUSE)".</param>
public sealed record ListenerSockets(ImmutableArray<int> Descriptors, string? Error)
{
    public static ListenerSockets Failed(string error) => new([], error);
}
