using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>
/// What one check says and awaits on the wire; knows no socket and no clock. One object a server, used for one check after
/// the other: <see cref="Begin"/>, send <see cref="Request"/>, then <see cref="OnBytes"/> until there is a result.
/// On a stream the bytes come in pieces of any size; on datagrams a call is one datagram.
/// </summary>
public abstract class Conversation
{
    /// <summary>Forgets the check before.</summary>
    public abstract void Begin();

    /// <summary>What is to be sent once the peer is reached; may be empty. Valid until the next <see cref="Begin"/>.</summary>
    public abstract ReadOnlyMemory<byte> Request { get; }

    /// <summary>The request is with the kernel; a result when nothing has to be awaited.</summary>
    public abstract CheckOutcome? OnSent();

    /// <summary>Bytes from the peer; null = more are needed. Whatever they are, never throws.</summary>
    public abstract CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes);

    /// <summary>The peer has ended its stream before there was a result.</summary>
    public virtual CheckOutcome OnEnd() =>
        new(CheckLayer.Application, CheckCause.Closed, $"closed while waiting for {Awaited}");

    /// <summary>The check's time is over.</summary>
    public virtual CheckOutcome OnTimeout(TimeSpan timeout) =>
        new(CheckLayer.Application, CheckCause.TimedOut, $"timeout after {WireText.Duration(timeout)} waiting for {Awaited}");

    /// <summary>
    /// The result when it is known already and the rest of the answer is read for good manners alone: a server whose peer resets the
    /// connection while it writes has an error in its log. Then nothing that happens meanwhile changes the result. Null = not yet.
    /// </summary>
    public virtual CheckOutcome? Settled => null;

    /// <summary>Completes "waiting for ...".</summary>
    protected abstract string Awaited { get; }

    protected static CheckOutcome Malformed(string text) => new(CheckLayer.Application, CheckCause.Malformed, text);

    protected static CheckOutcome Unexpected(string text) => new(CheckLayer.Application, CheckCause.Unexpected, text);

    protected static CheckOutcome Passed(string text) => CheckOutcome.Pass(CheckLayer.Application, text);
}
