using System.Globalization;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Keeper;

/// <summary>
/// The listening sockets of this instance, by endpoint as written. They are opened once, given to every worker that asks and closed
/// when the configuration in force no longer has them: connections that wait in their queues survive the worker.
/// </summary>
public sealed class ListenerTable : IDisposable
{
    private const int PrivateMode = 0x180 /* 0600 */, PublicMode = 0x1B6 /* 0666 */;

    private readonly Dictionary<string, List<int>> _sockets = new(StringComparer.Ordinal);

    public bool Contains(string endpoint) => _sockets.ContainsKey(endpoint);

    /// <summary>
    /// At least <paramref name="count"/> sockets; they stay this table's. Empty, with the error to tell, when the endpoint cannot be
    /// listened on.
    /// </summary>
    /// <param name="isPrivate">A unix socket's file is for this user only; otherwise for everyone, as a port on loopback is.</param>
    public IReadOnlyList<int> Open(string endpoint, int count, bool isPrivate, out Errno error)
    {
        error = Errno.EINVAL;
        SocketKind kind = SocketKinds.Read(endpoint, out string text);
        if (count < 1 || count > DescriptorSocket.MaxDescriptors || !TryParse(text, out Endpoint? parsed)) return [];
        if (parsed.IsUnix && kind == SocketKind.Datagram) return [];
        error = Errno.None;
        if (!_sockets.TryGetValue(endpoint, out List<int>? sockets))
        {
            sockets = [];
            error = ListenerSocket.Probe(parsed, kind);
        }

        // A unix socket's path can be bound only once; its one queue serves all shards.
        int wanted = parsed.IsUnix ? 1 : count;
        int before = sockets.Count;
        while (error == Errno.None && sockets.Count < wanted)
        {
            int fd = ListenerSocket.Open(parsed, kind, isPrivate ? PrivateMode : PublicMode);
            if (fd >= 0) sockets.Add(fd);
            else error = (Errno)(-fd);
        }

        if (error != Errno.None)
        {
            foreach (int fd in sockets[before..]) Descriptor.Close(fd);
            sockets.RemoveRange(before, sockets.Count - before);
            return [];
        }

        _sockets[endpoint] = sockets;
        return sockets;
    }

    /// <summary>Closes this process's hold on an endpoint; a worker that has its sockets can still empty their queues.</summary>
    public void Close(string endpoint)
    {
        if (!_sockets.Remove(endpoint, out List<int>? sockets)) return;
        foreach (int fd in sockets) Descriptor.Close(fd);
        if (TryParse(endpoint, out Endpoint? parsed) && parsed.UnixPath is { } path && path[0] != '@') File.Delete(path);
    }

    /// <summary>Closes what is not among these.</summary>
    public void KeepOnly(IReadOnlySet<string> endpoints)
    {
        foreach (string endpoint in _sockets.Keys.Where(endpoint => !endpoints.Contains(endpoint)).ToList()) Close(endpoint);
    }

    public void Dispose() => KeepOnly(new HashSet<string>());

    /// <summary>What <see cref="Endpoint.ToString"/> writes, names excepted: those the worker has resolved.</summary>
    private static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Endpoint? endpoint)
    {
        endpoint = null;
        const string unix = "unix:";
        if (text.StartsWith(unix, StringComparison.Ordinal))
        {
            string path = text[unix.Length..];
            if (path.Length < 2 || path[0] is not ('/' or '@') || System.Text.Encoding.UTF8.GetByteCount(path) > SocketAddress.MaxUnixPath)
                return false;
            endpoint = Endpoint.Unix(path);
            return true;
        }

        int colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            return false;
        ReadOnlySpan<char> host = text.AsSpan(0, colon);
        if (host.Length > 2 && host[0] == '[' && host[^1] == ']') host = host[1..^1];
        if (!NetAddress.TryParse(host, out NetAddress address)) return false;
        endpoint = Endpoint.Ip(address, port);
        return true;
    }
}
