using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>Probes on a quiet tunnel, so that a vanished peer does not hold it open: after 60 s, every 10 s, dead after 40 s.</summary>
internal static class TunnelProbes
{
    private const int KeepAliveIdle = 60, KeepAliveInterval = 10, UserTimeout = 40_000;

    public static void Begin(int descriptor) => Sockets.SetKeepAlive(descriptor, KeepAliveIdle, KeepAliveInterval, UserTimeout);
}
