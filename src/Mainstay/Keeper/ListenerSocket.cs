using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Keeper;

/// <summary>Opens one listening socket. Results are descriptors or negated error numbers, as of a system call.</summary>
internal static class ListenerSocket
{
    /// <summary>Asked for; the kernel takes at most net.core.somaxconn.</summary>
    private const int Backlog = 65535;

    /// <summary>
    /// Whether somebody else listens there: SO_REUSEPORT, which the real sockets have, would let a second instance of the same user in
    /// without a word.
    /// </summary>
    public static Errno Probe(Endpoint endpoint, SocketKind kind = SocketKind.Stream)
    {
        if (endpoint.UnixPath is { } path) return ProbeUnix(path);
        int fd = Create(endpoint, kind);
        if (fd < 0) return (Errno)(-fd);
        // SO_REUSEADDR alone passes over what lingers, not over a socket that listens (socket(7), inet_csk_bind_conflict).
        int result = Sockets.Bind(fd, SocketAddress.From(endpoint));
        Descriptor.Close(fd);
        return result < 0 ? (Errno)(-result) : Errno.None;
    }

    /// <param name="mode">Of a unix socket's file: who may write to it may connect (unix(7)).</param>
    public static int Open(Endpoint endpoint, SocketKind kind, int mode)
    {
        int fd = Create(endpoint, kind);
        if (fd < 0) return fd;
        if (!endpoint.IsUnix) Sockets.SetReusePort(fd);
        int result = endpoint.IsUnix
            ? Files.WithMode(mode, () => Sockets.Bind(fd, SocketAddress.From(endpoint)))
            : Sockets.Bind(fd, SocketAddress.From(endpoint));
        if (result >= 0 && kind == SocketKind.Stream) result = Sockets.Listen(fd, Backlog);
        if (result >= 0) return fd;
        Descriptor.Close(fd);
        return result;
    }

    private static int Create(Endpoint endpoint, SocketKind kind)
    {
        if (kind == SocketKind.Datagram) return CreateDatagram(endpoint);
        if (endpoint.IsUnix) return Sockets.CreateStream(SocketAddress.FamilyUnix);
        int fd = Sockets.CreateStream(Sockets.Family(endpoint.Address));
        if (fd < 0) return fd;
        // Connections of an earlier instance that linger in TIME_WAIT must not keep the port.
        Sockets.SetReuseAddress(fd);
        Sockets.SetFreeBind(fd);

        // Accepted connections inherit it: a response is sent when it is written.
        Sockets.SetNoDelay(fd);
        if (endpoint.Address.IsV6) Sockets.SetV6Only(fd);
        return fd;
    }

    /// <summary>Without SO_REUSEADDR, which would let datagram sockets share a port that is somebody else's.</summary>
    private static int CreateDatagram(Endpoint endpoint)
    {
        int fd = Sockets.CreateDatagram(Sockets.Family(endpoint.Address));
        if (fd < 0) return fd;
        Sockets.SetFreeBind(fd);

        // The answer has to leave from the address that was asked.
        Sockets.SetPacketInfo(fd, endpoint.Address.IsV6);
        if (endpoint.Address.IsV6) Sockets.SetV6Only(fd);
        return fd;
    }

    /// <summary>A socket file that nobody answers at was left by an instance that is gone: it is removed.</summary>
    private static Errno ProbeUnix(string path)
    {
        int fd = Sockets.CreateStream(SocketAddress.FamilyUnix);
        if (fd < 0) return (Errno)(-fd);
        int result = Sockets.Connect(fd, SocketAddress.FromUnixPath(path));
        Descriptor.Close(fd);
        switch ((Errno)(-result))
        {
            case Errno.ENOENT:
                return Errno.None;
            case Errno.ECONNREFUSED when path[0] == '@':
                return Errno.None;
            // Connecting to a plain file is refused too; that one is not ours to remove.
            case Errno.ECONNREFUSED when Files.IsSocket(path):
                File.Delete(path);
                return Errno.None;
            case Errno.None or Errno.EAGAIN or Errno.ECONNREFUSED:
                return Errno.EADDRINUSE;
            default:
                return (Errno)(-result);
        }
    }
}
