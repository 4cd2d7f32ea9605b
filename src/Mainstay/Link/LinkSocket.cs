using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Link;

/// <summary>What <see cref="LinkSocket.Receive"/> found.</summary>
public enum LinkEvent
{
    /// <summary>A message, with the descriptors that came with it.</summary>
    Message,

    /// <summary>Nothing there now.</summary>
    Nothing,

    /// <summary>The other process is gone.</summary>
    End,

    /// <summary>Not a message of this protocol; the other process cannot be trusted with anything.</summary>
    Broken,
}

/// <summary>One end of the pair between keeper and worker. Sending is safe from any thread, receiving from one.</summary>
public sealed class LinkSocket(int descriptor) : IDisposable
{
    private readonly byte[] _received = new byte[LinkCodec.MaxLength];
    private readonly int[] _descriptors = new int[DescriptorSocket.MaxDescriptors];
    private int _descriptorCount;

    /// <summary>Owned by this object.</summary>
    public int Descriptor { get; } = descriptor;

    /// <summary>
    /// False when the other process is gone or has stopped reading. The descriptors stay the caller's.
    /// </summary>
    public bool TrySend(in LinkMessage message, params ReadOnlySpan<int> descriptors)
    {
        Span<byte> bytes = stackalloc byte[LinkCodec.MaxLength];
        int length = LinkCodec.Write(message, bytes);
        int sent;
        do sent = DescriptorSocket.Send(Descriptor, bytes[..length], descriptors);
        while (sent == -(int)Errno.EINTR);
        return sent == length;
    }

    /// <summary>The last message came with descriptors, and this process may have no more of them (EMFILE): it has none of these.</summary>
    public bool HasLostDescriptors => _descriptorCount == DescriptorSocket.Lost;

    /// <summary>The next message, without waiting. Its descriptors are the caller's.</summary>
    public LinkEvent Receive(out LinkMessage message, out ReadOnlySpan<int> descriptors)
    {
        message = default;
        descriptors = [];
        int received;
        do received = DescriptorSocket.Receive(Descriptor, _received, _descriptors, out _descriptorCount);
        while (received == -(int)Errno.EINTR);
        if (received == -(int)Errno.EAGAIN) return LinkEvent.Nothing;
        if (received is 0 or -(int)Errno.ECONNRESET) return LinkEvent.End;
        if (received < 0) return LinkEvent.Broken;
        descriptors = _descriptors.AsSpan(0, Math.Max(0, _descriptorCount));
        if (LinkCodec.TryRead(_received.AsSpan(0, received), out message)) return LinkEvent.Message;
        foreach (int fd in descriptors) Linux.Descriptor.Close(fd);
        descriptors = [];
        return LinkEvent.Broken;
    }

    public void Dispose() => Linux.Descriptor.Close(Descriptor);
}
