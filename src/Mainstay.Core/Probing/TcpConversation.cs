using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>Connect; optionally send something; optionally await bytes that the answer has to contain.</summary>
public sealed class TcpConversation(ReadOnlyMemory<byte> send, ReadOnlyMemory<byte> expect) : Conversation
{
    /// <summary>Bytes of the answer that are searched.</summary>
    public const int SearchLimit = 64 * 1024;

    private readonly StreamSearch _search = new(expect);
    private byte[] _start = new byte[WireText.Shown];
    private int _startLength;
    private int _received;

    /// <summary>Decided once the connection stands.</summary>
    public bool IsConnectOnly => send.IsEmpty && expect.IsEmpty;

    public override ReadOnlyMemory<byte> Request => send;

    protected override string Awaited => expect.IsEmpty ? "the connection" : $"{WireText.Quote(expect.Span)}";

    public override void Begin()
    {
        _search.Begin();
        _received = _startLength = 0;
    }

    public override CheckOutcome? OnSent()
    {
        if (!expect.IsEmpty) return null;
        return send.IsEmpty ? CheckOutcome.Pass(CheckLayer.Transport, "connected") : CheckOutcome.Pass(CheckLayer.Transport, "connected and sent");
    }

    public override CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes)
    {
        Remember(bytes);
        _received += bytes.Length;
        if (_search.Find(bytes)) return Passed("answer as expected");
        return _received < SearchLimit ? null : Unexpected($"{Missing()} in its first {SearchLimit} bytes");
    }

    public override CheckOutcome OnEnd() => _received == 0
        ? base.OnEnd()
        : Unexpected($"{Missing()} before the end; it began {WireText.Quote(_start.AsSpan(0, _startLength))}");

    private string Missing() => $"the answer has no {WireText.Quote(expect.Span)}";

    private void Remember(ReadOnlySpan<byte> bytes)
    {
        int length = Math.Min(bytes.Length, _start.Length - _startLength);
        bytes[..length].CopyTo(_start.AsSpan(_startLength));
        _startLength += length;
    }
}

/// <summary>Finds a sequence in a stream that comes in pieces, also when it lies across their borders.</summary>
internal sealed class StreamSearch(ReadOnlyMemory<byte> wanted)
{
    // The last wanted.Length - 1 bytes seen, in front of as many of the next piece.
    private readonly byte[] _seam = new byte[Math.Max(0, 2 * (wanted.Length - 1))];
    private int _kept;

    public void Begin() => _kept = 0;

    public bool Find(ReadOnlySpan<byte> piece)
    {
        ReadOnlySpan<byte> target = wanted.Span;
        int overlap = target.Length - 1;
        if (overlap <= 0) return target.IsEmpty || piece.Contains(target[0]);
        int ahead = Math.Min(overlap, piece.Length);
        piece[..ahead].CopyTo(_seam.AsSpan(_kept));
        int joined = _kept + ahead;
        if (_seam.AsSpan(0, joined).IndexOf(target) >= 0 || piece.IndexOf(target) >= 0) return true;
        if (piece.Length >= overlap)
        {
            piece[^overlap..].CopyTo(_seam);
            _kept = overlap;
        }
        else
        {
            int keep = Math.Min(overlap, joined);
            _seam.AsSpan(joined - keep, keep).CopyTo(_seam);
            _kept = keep;
        }

        return false;
    }
}
