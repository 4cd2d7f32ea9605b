using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>
/// Checks over a TCP or unix stream connection: tcp, http, agent. System calls of an HTTP check: socket, setsockopt, connect, epoll_ctl,
/// send, recv, close, and a share of epoll_wait.
/// </summary>
internal class StreamProbe : Probe
{
    private readonly bool _speaksFirst;
    private readonly bool _isConnectOnly;
    private int _sent;
    private bool _isConnected, _isSent;

    /// <param name="conversation">Null for a subclass that has its result without one.</param>
    public StreamProbe(ProbeContext context, ProbedServer server, Conversation? conversation)
        : base(context, server)
    {
        Conversation = conversation;
        bool sends = conversation is not null && !conversation.Request.IsEmpty;
        _isConnectOnly = conversation is TcpConversation { IsConnectOnly: true };
        _speaksFirst = sends || _isConnectOnly;
    }

    protected Conversation? Conversation { get; }

    /// <summary>The peer has ended its stream: closing needs no reset.</summary>
    protected bool PeerEnded { get; private set; }

    public override CheckOutcome? Start()
    {
        if (!TryFindAddress(out SocketAddress address, out CheckOutcome outcome) || !TryTakeDescriptor(out outcome)) return outcome;
        int fd = Sockets.CreateStream(address.Family);
        if (fd < 0)
        {
            GiveDescriptorBack();
            return ProbeErrors.OnTheWay((Errno)(-fd));
        }

        Descriptor = fd;
        _isConnected = _isSent = PeerEnded = false;
        _sent = 0;
        Conversation?.Begin();

        // The handshake's last ACK travels with the request, or with the reset that ends a check of the port alone: one packet less,
        // and such a check never reaches the server's accept().
        if (_speaksFirst && address.Family != SocketAddress.FamilyUnix) Sockets.SetQuickAck(fd, false);
        int result = Server.BindSource(fd, address);
        if (result >= 0) result = Sockets.Connect(fd, address);
        if (result < 0 && result != -(int)Errno.EINPROGRESS) return Ended(ProbeErrors.OnTheWay((Errno)(-result)));

        // On this machine the handshake is over when connect returns: no need to be told.
        if (address.Address.IsLoopback && Sockets.IsConnected(fd))
        {
            BeginTalk();
            if (OnConnectedAtOnce() is { } ended) return Ended(ended);
        }

        result = Context.Loop.Register(this, IoEvents.Connection);
        return result < 0 ? Ended(ProbeErrors.OnTheWay((Errno)(-result))) : null;
    }

    public override CheckOutcome TimeOut()
    {
        CheckOutcome outcome = LastLook() ?? (_isConnected
            ? TimedOutWhileTalking()
            : new(CheckLayer.Transport, CheckCause.TimedOut, $"timeout after {WireText.Duration(Server.Check.Timeout)} connecting"));
        Close();
        return outcome;
    }

    public override void Cancel() => Close();

    public override void OnReady(IoEvents events)
    {
        if (!_isConnected)
        {
            if ((events & (IoEvents.Error | IoEvents.HangUp)) != 0)
            {
                Finish(ProbeErrors.OnTheWay(Sockets.TakeError(Descriptor)));
                return;
            }

            if ((events & IoEvents.Out) == 0) return;
            BeginTalk();
        }

        if ((events & (IoEvents.ReadHangUp | IoEvents.HangUp)) != 0) PeerEnded = true;
        if (Continue() is { } outcome) Finish(outcome);
    }

    /// <summary>As far as it goes now; null = wait for the next event.</summary>
    protected virtual CheckOutcome? Continue() => Converse();

    protected virtual CheckOutcome TimedOutWhileTalking() => Conversation is { } conversation
        ? conversation.Settled ?? conversation.OnTimeout(Server.Check.Timeout)
        : new(CheckLayer.Transport, CheckCause.TimedOut, $"timeout after {WireText.Duration(Server.Check.Timeout)}");

    /// <summary>Bytes taken, or a negated error; EAGAIN = later.</summary>
    protected virtual int Send(ReadOnlySpan<byte> bytes) => Sockets.Send(Descriptor, bytes);

    /// <summary>Bytes received, 0 = the end, or a negated error; EAGAIN = later.</summary>
    protected virtual int Receive(Span<byte> buffer, out bool mayHaveMore)
    {
        int count = Sockets.Receive(Descriptor, buffer);
        mayHaveMore = count == buffer.Length || PeerEnded;
        return count;
    }

    /// <summary>Called before the descriptor is closed.</summary>
    protected virtual void EndSession()
    {
    }

    /// <summary>What can be said before anything is waited for.</summary>
    protected virtual CheckOutcome? OnConnectedAtOnce() => Conversation is { } conversation ? Speak(conversation) : null;

    protected CheckOutcome? Converse()
    {
        if (Conversation is not { } conversation) return null;
        return Speak(conversation) ?? Listen(conversation);
    }

    private void BeginTalk()
    {
        _isConnected = true;

        // A few bytes into an empty queue: they fit, or the connection is broken, which the next call says.
        if (!Server.Preamble.IsEmpty) _ = Sockets.Send(Descriptor, Server.Preamble);
    }

    private CheckOutcome? Speak(Conversation conversation)
    {
        ReadOnlySpan<byte> request = conversation.Request.Span;
        while (_sent < request.Length)
        {
            int taken = Send(request[_sent..]);
            if (taken == -(int)Errno.EAGAIN) return null;
            if (taken < 0) return ProbeErrors.WhileTalking((Errno)(-taken), "while sending the request");
            _sent += taken;
        }

        if (_isSent) return null;
        _isSent = true;
        return conversation.OnSent();
    }

    private CheckOutcome? Listen(Conversation conversation)
    {
        while (true)
        {
            int count = Receive(Context.Scratch, out bool mayHaveMore);
            if (count == -(int)Errno.EAGAIN) return null;
            if (count < 0) return conversation.Settled ?? ProbeErrors.WhileTalking((Errno)(-count), "while waiting for the answer");
            if (count == 0)
            {
                PeerEnded = true;
                return conversation.OnEnd();
            }

            if (conversation.OnBytes(Context.Scratch.AsSpan(0, count)) is { } outcome) return outcome;
            if (!mayHaveMore) return null;
        }
    }

    /// <summary>On a busy machine the answer may be there already, its event just not taken in yet.</summary>
    private CheckOutcome? LastLook()
    {
        if (Descriptor < 0) return null;
        if (!_isConnected)
        {
            Errno error = Sockets.TakeError(Descriptor);
            if (error != Errno.None) return ProbeErrors.OnTheWay(error);
            if (!Sockets.IsConnected(Descriptor)) return null;
            BeginTalk();
        }

        return Continue();
    }

    private void Finish(in CheckOutcome outcome)
    {
        Close();
        Server.OnProbed(outcome);
    }

    private CheckOutcome Ended(in CheckOutcome outcome)
    {
        Close();
        return outcome;
    }

    private void Close()
    {
        if (Descriptor < 0) return;
        EndSession();

        // Without the peer's end, closing in order would leave every check in TIME_WAIT here for a minute, thousands a second.
        if (_isConnected && !PeerEnded) Sockets.ResetOnClose(Descriptor);
        CloseDescriptor();
    }
}
