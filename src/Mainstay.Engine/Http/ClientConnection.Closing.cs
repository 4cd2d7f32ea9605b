using Mainstay.Core.Http;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>The end of a connection: the last response out, then what the client still sends thrown away for a while.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>What a lingering close reads at most, and for how long: enough for what was in flight, too little to be of use.</summary>
    private const int LingerBytes = 1024 * 1024;

    private static readonly TimeSpan s_lingerTime = TimeSpan.FromSeconds(2);

    private int _lingered;

    /// <summary>A request that never became one ends here: answered, counted and logged.</summary>
    /// <param name="bytes">What has come of it.</param>
    private void RespondAndClose(Outcome outcome, bool linger, ReadOnlySpan<byte> bytes = default)
    {
        Span<byte> output = shard.Output;
        int length = ErrorResponses.Write(output, outcome.Status, shard.Date, transportSecurity: IsSecured ? Service.TransportSecurity : null);
        bool failed = Send(output[..length]) == SendResult.Failed;
        shard.OnHeadRefused(this, outcome, length, FirstLine(bytes));
        if (outcome.Cause == OutcomeCause.Overloaded) DropStash();
        if (failed) Close();
        else BeginClose(linger);
    }

    /// <summary>An exception on the way of a request: it is answered or broken off, and this connection ends with it.</summary>
    public override void OnFault()
    {
        _isAdvancing = false;
        if (_consumed is { } consumed)
        {
            _consumed = null;
            Blocks.Return(consumed);
        }

        try
        {
            if (_state == ClientState.Exchange) _exchange?.OnFault();
        }
        finally
        {
            if (_state is ClientState.Head or ClientState.Exchange or ClientState.Http2) Close();
        }
    }

    /// <summary>What this connection holds in blocks, its exchange's included.</summary>
    public int HeldBytes => UnsentCapacity + (_stash?.Capacity ?? 0) + (_exchange?.HeldBytes ?? 0) + (_http2?.HeldBytes ?? 0);

    /// <summary>The shard is out of memory and this connection holds much of it. The second time at the latest it is closed.</summary>
    public void Shed()
    {
        if (_state == ClientState.Exchange) _exchange!.OnShed();
        else if (_state == ClientState.Head && !HasUnsent) RespondAndClose(new Outcome(OutcomePhase.RequestHead, OutcomeCause.Overloaded), linger: false, _stash is null ? default : _stash.Filled);
        else Close();
    }

    /// <summary>Without the empty line that may come before it.</summary>
    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\r\n"u8)) bytes = bytes[2..];
        int end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
        return end < 0 ? bytes : bytes[..end];
    }

    private void BeginClose(bool linger)
    {
        // Closing a socket with unread bytes sends a reset, which can overtake the response.
        linger |= IsReadable || _stash is not null;
        _lingered = linger ? 0 : -1;
        _state = ClientState.Flushing;
        Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Write);
        if (!HasUnsent) EndFlush();
    }

    private bool ContinueFlush()
    {
        switch (Flush())
        {
            case SendResult.Failed:
                Close();
                return false;
            case SendResult.Waiting:
                Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Write);
                return false;
            default:
                if (_state == ClientState.Head) ArmIdle();
                if (_state != ClientState.Flushing) return true;
                EndFlush();
                return _state == ClientState.Lingering;
        }
    }

    private void EndFlush()
    {
        if (_lingered < 0)
        {
            Close();
            return;
        }

        EndStream();
        _state = ClientState.Lingering;
        Loop.Arm(this, Loop.Now + s_lingerTime);
        if (!_isAdvancing && IsReadable) Loop.RunSoon(this);
    }

    private void Discard()
    {
        while (IsReadable)
        {
            int count = Receive(shard.Input);
            _lingered += Math.Max(count, 0);
            if (count > 0 && _lingered < LingerBytes) continue;
            if (count == -(int)Errno.EAGAIN) return;
            Close();
            return;
        }
    }
}
