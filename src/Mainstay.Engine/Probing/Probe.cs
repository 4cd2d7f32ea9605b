using Mainstay.Core.Health;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Probing;

/// <summary>
/// Makes the checks of one server, one after the other. Between <see cref="Start"/> and the result there is one of three ends:
/// <see cref="ProbedServer.OnProbed"/> is called, or the owner calls <see cref="TimeOut"/> or <see cref="Cancel"/>.
/// </summary>
internal abstract class Probe(ProbeContext context, ProbedServer server) : Channel
{
    protected ProbeContext Context { get; } = context;
    protected ProbedServer Server { get; } = server;

    /// <summary>A result at once, or null: it is under way.</summary>
    public abstract CheckOutcome? Start();

    /// <summary>Ends the check that is under way and says what it was waiting for.</summary>
    public abstract CheckOutcome TimeOut();

    /// <summary>Ends what is under way, if anything is.</summary>
    public abstract void Cancel();

    /// <summary>Where to send the check; false with the outcome to report when there is no address.</summary>
    protected bool TryFindAddress(out SocketAddress address, out CheckOutcome outcome)
    {
        outcome = default;
        address = default;
        if (Server.Runtime.Resolved is not { } resolved)
        {
            outcome = new(CheckLayer.Name, CheckCause.Failed, Server.ResolveProblem);
            return false;
        }

        address = resolved.Address;
        int port = Server.Check.Port;
        if (port != 0 && !Server.Runtime.Endpoint.IsUnix) address = SocketAddress.From(address.Address, port);
        return true;
    }

    /// <summary>A free place in the descriptor budget; the outcome when there is none.</summary>
    protected bool TryTakeDescriptor(out CheckOutcome outcome)
    {
        outcome = default;
        if (Context.DescriptorsInUse < Context.DescriptorBudget)
        {
            Context.DescriptorsInUse++;
            return true;
        }

        outcome = new(CheckLayer.Self, CheckCause.Unable, $"all {Context.DescriptorBudget} descriptors for checks are in use");
        return false;
    }

    protected void GiveDescriptorBack() => Context.DescriptorsInUse--;

    /// <summary>Unregisters and closes, if open.</summary>
    protected void CloseDescriptor()
    {
        if (Descriptor < 0) return;
        Context.Loop.Unregister(this);
        Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
        GiveDescriptorBack();
    }
}

/// <summary>What all probes of one prober share; used on its thread only.</summary>
internal sealed class ProbeContext(EventLoop loop, int descriptorBudget, PingPorts pings)
{
    public EventLoop Loop => loop;
    public int DescriptorBudget => descriptorBudget;
    public int DescriptorsInUse { get; set; }
    public PingPorts Pings => pings;

    private readonly TlsClientContext?[] _tls = new TlsClientContext?[2];

    /// <summary>One for all checks: each holds the machine's certificate store when it verifies. Null with the problem.</summary>
    public TlsClientContext? FindTls(bool verify, out string problem)
    {
        problem = "";
        ref TlsClientContext? tls = ref _tls[verify ? 1 : 0];
        return tls ??= TlsClientContext.TryCreate(verify, out problem);
    }

    /// <summary>Bytes of one read; whoever needs them longer copies them.</summary>
    public byte[] Scratch { get; } = new byte[64 * 1024];
}

/// <summary>System errors as results of checks.</summary>
internal static class ProbeErrors
{
    /// <summary>How a connection or datagram failed on its way.</summary>
    public static CheckOutcome OnTheWay(Errno error) => error switch
    {
        Errno.ECONNREFUSED => new(CheckLayer.Transport, CheckCause.Refused, "connection refused"),
        Errno.ENOENT => new(CheckLayer.Transport, CheckCause.Refused, "no such socket"),
        Errno.ECONNRESET or Errno.EPIPE => new(CheckLayer.Transport, CheckCause.Reset, "connection reset"),
        Errno.ETIMEDOUT => new(CheckLayer.Transport, CheckCause.TimedOut, "connection timed out"),
        Errno.EHOSTUNREACH => new(CheckLayer.Network, CheckCause.Unreachable, "no route to host"),
        Errno.EHOSTDOWN => new(CheckLayer.Network, CheckCause.Unreachable, "host is down"),
        Errno.ENETUNREACH => new(CheckLayer.Network, CheckCause.Unreachable, "network unreachable"),
        Errno.ENETDOWN => new(CheckLayer.Network, CheckCause.Unreachable, "network is down"),
        Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.ENOBUFS or Errno.ENOSPC or Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT
            or Errno.EPROTONOSUPPORT => new(CheckLayer.Self, CheckCause.Unable, error.Describe()),
        _ => new(CheckLayer.Transport, CheckCause.Failed, error.Describe()),
    };

    /// <summary>How a conversation broke after it had begun.</summary>
    public static CheckOutcome WhileTalking(Errno error, string doing) => error == Errno.ECONNRESET || error == Errno.EPIPE
        ? new(CheckLayer.Application, CheckCause.Reset, $"connection reset {doing}")
        : OnTheWay(error);
}
