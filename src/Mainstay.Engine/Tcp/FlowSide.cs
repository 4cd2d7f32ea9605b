using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>One of the two connections of a flow. The client's also holds the flow's timer.</summary>
internal sealed class FlowSide(TcpShard shard, Flow flow) : StreamChannel(shard.Loop, shard.Blocks)
{
    public bool IsOpen => Descriptor >= 0;

    /// <summary>Probes and bounded retransmission are switched on.</summary>
    public bool IsProbed { get; set; }

    public bool Start(int descriptor)
    {
        IsProbed = false;
        return Attach(descriptor);
    }

    /// <summary>Begins to connect; <see cref="Errno.None"/>, or why it failed at once.</summary>
    public Errno TryConnect(PoolSnapshot pool, in SocketAddress address)
    {
        int descriptor = ServerSocket.Connect(pool, address, ref shard.SourceTurn);
        if (descriptor < 0) return LastError = (Errno)(-descriptor);
        if (Start(descriptor)) return Errno.None;
        Mainstay.Linux.Descriptor.Close(descriptor);
        return LastError;
    }

    /// <summary>Takes bytes out of the socket into an empty pipe; results as of <see cref="StreamChannel.Receive"/>.</summary>
    public int FillPipe(Pipe pipe)
    {
        int count = pipe.Fill(Descriptor, PipePool.PipeSize);
        if (count == -(int)Errno.EAGAIN) IsReadable = false;
        else if (count < 0) LastError = (Errno)(-count);
        return count;
    }

    /// <summary>What is there, left where it is.</summary>
    public int Peek(Span<byte> buffer)
    {
        int count = Sockets.Peek(Descriptor, buffer);
        if (count < 0 && count != -(int)Errno.EAGAIN) LastError = (Errno)(-count);
        return count;
    }

    public void Close() => CloseDescriptor();

    /// <summary>Notes an event; true when it allows sending again.</summary>
    public bool Take(IoEvents events) => Note(events);

    public override void OnReady(IoEvents events) => flow.OnReady(this, events);

    public override void OnTurn() => flow.OnTurn();

    public override void OnDeadline(Instant now) => flow.OnDeadline(now);

    public override void OnFault() => flow.OnFault();
}
