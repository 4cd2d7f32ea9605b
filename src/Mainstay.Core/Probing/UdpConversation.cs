using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>
/// Send one datagram and await one that contains what is expected. With nothing expected, silence is good: only the ICMP error that a
/// closed port causes is a failure, and it has the whole timeout to arrive.
/// </summary>
public sealed class UdpConversation(ReadOnlyMemory<byte> send, ReadOnlyMemory<byte> expect) : Conversation
{
    private CheckOutcome? _wrongAnswer;

    /// <summary>An empty configuration still sends something: a datagram without bytes.</summary>
    public override ReadOnlyMemory<byte> Request => send;

    protected override string Awaited => expect.IsEmpty ? "an ICMP error" : WireText.Quote(expect.Span);

    public override void Begin() => _wrongAnswer = null;

    public override CheckOutcome? OnSent() => null;

    public override CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (expect.IsEmpty) return Passed("answered");
        if (bytes.IndexOf(expect.Span) >= 0) return Passed("answer as expected");

        // Another sender's or an older check's datagram must not decide; it is told only if nothing better comes.
        _wrongAnswer = Unexpected($"the answer {WireText.Quote(bytes)} has no {WireText.Quote(expect.Span)}");
        return null;
    }

    public override CheckOutcome OnTimeout(TimeSpan timeout)
    {
        if (_wrongAnswer is { } wrong) return wrong;
        if (expect.IsEmpty) return CheckOutcome.Pass(CheckLayer.Transport, $"no ICMP error within {WireText.Duration(timeout)}");
        return base.OnTimeout(timeout);
    }
}
