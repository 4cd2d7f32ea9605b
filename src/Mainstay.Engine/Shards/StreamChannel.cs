using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

public enum SendResult
{
    /// <summary>The kernel has taken everything.</summary>
    Sent,

    /// <summary>Some of it waits in the channel; stop reading what feeds it until it has been flushed.</summary>
    Waiting,

    /// <summary>The connection is broken.</summary>
    Failed,
}

/// <summary>
/// A connected stream socket, registered once and edge-triggered: it remembers what the edge said until a call returned EAGAIN,
/// and keeps what the kernel would not take.
/// </summary>
public abstract partial class StreamChannel(EventLoop loop, BlockPool blocks) : Channel
{
    private Block? _unsent;

    protected EventLoop Loop { get; } = loop;
    protected BlockPool Blocks { get; } = blocks;

    /// <summary>A receive may have something to give.</summary>
    public bool IsReadable { get; protected set; }

    /// <summary>The peer has ended its stream or the connection is gone: a short read does not mean "drained" any more.</summary>
    public bool PeerEnded { get; protected set; }

    /// <summary>Output waits for the kernel.</summary>
    public bool HasUnsent => _unsent is not null;

    /// <summary>Memory that it takes, in bytes.</summary>
    public int UnsentCapacity => _unsent?.Capacity ?? 0;

    /// <summary>Error of the last failed receive or send.</summary>
    public Errno LastError { get; protected set; }

    /// <summary>Takes over an open descriptor and registers it; false when the loop cannot (the caller closes it).</summary>
    protected bool Attach(int descriptor)
    {
        Descriptor = descriptor;
        IsReadable = PeerEnded = false;
        LastError = Errno.None;
        int result = Loop.Register(this, IoEvents.Connection);
        if (result >= 0) return true;
        LastError = (Errno)(-result);
        Descriptor = -1;
        return false;
    }

    /// <summary>Notes what an event said. True when it allows sending again.</summary>
    protected bool Note(IoEvents events)
    {
        const IoEvents over = IoEvents.ReadHangUp | IoEvents.HangUp | IoEvents.Error;
        if ((events & (IoEvents.In | over)) != 0)
        {
            IsReadable = true;
            if (IsSecured) Security.OnReadable();
        }

        if ((events & over) != 0) PeerEnded = true;
        return (events & (IoEvents.Out | IoEvents.HangUp | IoEvents.Error)) != 0;
    }

    /// <summary>Look for input even without an event: a failed send may have left the peer's last words behind.</summary>
    public void MarkReadable()
    {
        IsReadable = PeerEnded = true;
        if (IsSecured) Security.OnReadable();
    }

    /// <summary>Bytes received; 0 at the end of the stream; a negated <see cref="Errno"/>, EAGAIN when there is nothing now.</summary>
    public int Receive(Span<byte> buffer)
    {
        if (IsSecured) return ReceiveSecured(buffer);
        int count = Sockets.Receive(Descriptor, buffer);
        if (count > 0)
        {
            if (count < buffer.Length && !PeerEnded) IsReadable = false;
        }
        else if (count == -(int)Errno.EAGAIN)
        {
            IsReadable = false;
        }
        else if (count < 0)
        {
            LastError = (Errno)(-count);
        }

        return count;
    }

    /// <summary>Sends, or keeps what does not fit now (in order behind what already waits).</summary>
    public SendResult Send(ReadOnlySpan<byte> bytes) => IsSecured ? SendSecured(bytes) : SendPlain(bytes);

    private SendResult SendPlain(ReadOnlySpan<byte> bytes)
    {
        if (_unsent is not null)
        {
            Keep(bytes);
            return SendResult.Waiting;
        }

        int count = Sockets.Send(Descriptor, bytes);
        if (count == bytes.Length) return SendResult.Sent;
        if (count < 0)
        {
            if (count != -(int)Errno.EAGAIN) return Fail(count);
            count = 0;
        }

        Keep(bytes[count..]);
        return SendResult.Waiting;
    }

    /// <summary>Sends what waits.</summary>
    public SendResult Flush()
    {
        if (_unsent is null) return SendResult.Sent;
        int count = Sockets.Send(Descriptor, _unsent.Filled);
        if (count < 0 && count != -(int)Errno.EAGAIN) return Fail(count);
        _unsent.Start += Math.Max(count, 0);
        if (_unsent.Count > 0) return SendResult.Waiting;
        DropUnsent();
        return SendResult.Sent;
    }

    /// <summary>Unregisters and closes; what still waits is thrown away.</summary>
    protected void CloseDescriptor()
    {
        if (Descriptor < 0) return;
        if (IsSecured) EndSecurity();
        DropUnsent();
        Loop.Unregister(this);
        Mainstay.Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
        IsReadable = false;
    }

    private SendResult Fail(int result)
    {
        LastError = (Errno)(-result);
        return SendResult.Failed;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_unsent is null)
        {
            _unsent = Blocks.Rent(bytes.Length);
        }
        else if (_unsent.Room.Length < bytes.Length)
        {
            Block larger = Blocks.Rent(_unsent.Count + bytes.Length);
            larger.Append(_unsent.Filled);
            Blocks.Return(_unsent);
            _unsent = larger;
        }

        _unsent.Append(bytes);
    }

    private void DropUnsent()
    {
        if (_unsent is null) return;
        Blocks.Return(_unsent);
        _unsent = null;
    }
}
