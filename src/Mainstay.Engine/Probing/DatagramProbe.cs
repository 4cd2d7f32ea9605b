using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>
/// Checks over UDP: udp and dns. The socket is connected, so that it takes the server's datagrams only and learns of ICMP errors; a new
/// one for each check, so that nobody can guess its port and nothing late comes in.
/// </summary>
internal sealed class DatagramProbe(ProbeContext context, ProbedServer server, Conversation conversation) : Probe(context, server)
{
    public override CheckOutcome? Start()
    {
        if (!TryFindAddress(out SocketAddress address, out CheckOutcome outcome) || !TryTakeDescriptor(out outcome)) return outcome;
        int result = Sockets.CreateDatagram(address.Family);
        if (result < 0)
        {
            GiveDescriptorBack();
            return ProbeErrors.OnTheWay((Errno)(-result));
        }

        Descriptor = result;
        conversation.Begin();
        result = Sockets.Connect(Descriptor, address);
        if (result >= 0) result = Context.Loop.Register(this, IoEvents.In | IoEvents.EdgeTriggered);
        if (result >= 0) result = Sockets.Send(Descriptor, conversation.Request.Span);
        if (result >= 0) return null;
        CloseDescriptor();
        return OnError((Errno)(-result));
    }

    public override CheckOutcome TimeOut()
    {
        CloseDescriptor();
        return conversation.OnTimeout(Server.Check.Timeout);
    }

    public override void Cancel() => CloseDescriptor();

    public override void OnReady(IoEvents events)
    {
        while (true)
        {
            int count = Sockets.Receive(Descriptor, Context.Scratch);
            if (count == -(int)Errno.EAGAIN) return;
            CheckOutcome? outcome = count < 0 ? OnError((Errno)(-count)) : conversation.OnBytes(Context.Scratch.AsSpan(0, count));
            if (outcome is not { } result) continue;
            CloseDescriptor();
            Server.OnProbed(result);
            return;
        }
    }

    private static CheckOutcome OnError(Errno error) => error == Errno.ECONNREFUSED
        ? new(CheckLayer.Transport, CheckCause.Refused, "port closed (ICMP port unreachable)")
        : ProbeErrors.OnTheWay(error);
}
