using System.Text;
using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>
/// The one line by which an agent on a server speaks for it, in the words of HAProxy's agent protocol: <c>up down fail failed stopped
/// ready drain maint N%</c>, separated by blanks or commas, a reason behind <c>#</c>. An answer without a word for down is good.
/// </summary>
public static class AgentLine
{
    public const int MaxLength = 1024;

    /// <param name="line">Without its line end.</param>
    public static CheckOutcome Parse(ReadOnlySpan<byte> line)
    {
        int hash = line.IndexOf((byte)'#');
        ReadOnlySpan<byte> note = hash < 0 ? [] : line[(hash + 1)..].Trim((byte)' ');
        ReadOnlySpan<byte> words = hash < 0 ? line : line[..hash];
        var said = new Said();
        foreach (Range range in words.SplitAny((byte)' ', (byte)',', (byte)'\t'))
        {
            ReadOnlySpan<byte> word = words[range];
            if (word.IsEmpty) continue;
            if (!said.TryTake(word)) said.Unknown ??= WireText.Quote(word);
        }

        return said.Outcome(line, note);
    }

    private struct Said
    {
        public string? Unknown;
        private bool _any, _isUp, _isDown;
        private AgentOrder _order;
        private int? _percent;

        public bool TryTake(ReadOnlySpan<byte> word)
        {
            if (word[^1] == '%') return TryTakePercent(word[..^1]);
            if (Is(word, "up")) _isUp = true;
            else if (Is(word, "down") || Is(word, "fail") || Is(word, "failed") || Is(word, "stopped")) _isDown = true;
            else if (Is(word, "ready")) _order = AgentOrder.Ready;
            else if (Is(word, "drain")) _order = AgentOrder.Drain;
            else if (Is(word, "maint")) _order = AgentOrder.Maintenance;
            else return false;
            return _any = true;
        }

        public readonly CheckOutcome Outcome(ReadOnlySpan<byte> line, ReadOnlySpan<byte> note)
        {
            if (!_any) return new(CheckLayer.Application, CheckCause.Malformed, $"the agent's line {WireText.Quote(line)} has no word known");
            if (_isUp && _isDown) return new(CheckLayer.Application, CheckCause.Malformed, $"the agent says both up and down: {WireText.Quote(line)}");
            AgentOrder order = _order == AgentOrder.None && _isUp ? AgentOrder.Ready : _order;
            string text = note.IsEmpty ? $"agent: {Summary()}" : $"agent: {Summary()}, {WireText.Quote(note)}";
            if (Unknown is not null) text += $" (word {Unknown} not understood)";
            CheckCause cause = _isDown ? CheckCause.Unexpected : Unknown is null ? CheckCause.Passed : CheckCause.Warning;
            return new CheckOutcome(CheckLayer.Application, cause, text) { Agent = AgentReport.Of(order, _percent) };
        }

        private bool TryTakePercent(ReadOnlySpan<byte> digits)
        {
            // Above 100 % means "more than configured", which the share of a weight cannot say: the whole weight it is.
            if (digits.Length is 0 or > 3 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
            int value = 0;
            foreach (byte digit in digits) value = value * 10 + (digit - '0');
            _percent = Math.Min(value, 100);
            return _any = true;
        }

        private readonly string Summary()
        {
            var text = new StringBuilder(_isDown ? "down" : _isUp ? "up" : "");
            string order = _order switch
            {
                AgentOrder.Ready => "ready",
                AgentOrder.Drain => "drain",
                AgentOrder.Maintenance => "maint",
                _ => "",
            };
            if (order.Length > 0) text.Append(text.Length > 0 ? " " : "").Append(order);
            if (_percent is { } percent) text.Append(text.Length > 0 ? " " : "").Append(percent).Append('%');
            return text.ToString();
        }

        private static bool Is(ReadOnlySpan<byte> word, string known) => Ascii.EqualsIgnoreCase(word, known);
    }
}

/// <summary>Connect, optionally send something, read one line.</summary>
public sealed class AgentConversation(ReadOnlyMemory<byte> send) : Conversation
{
    private readonly byte[] _line = new byte[AgentLine.MaxLength];
    private int _length;

    public override ReadOnlyMemory<byte> Request => send;

    protected override string Awaited => "the agent's line";

    public override void Begin() => _length = 0;

    public override CheckOutcome? OnSent() => null;

    public override CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
        ReadOnlySpan<byte> part = end < 0 ? bytes : bytes[..end];
        if (part.Length > _line.Length - _length) return Malformed($"the agent's line is longer than {AgentLine.MaxLength} bytes");
        part.CopyTo(_line.AsSpan(_length));
        _length += part.Length;
        return end < 0 ? null : AgentLine.Parse(_line.AsSpan(0, _length));
    }

    /// <summary>The end of the stream ends the line too.</summary>
    public override CheckOutcome OnEnd() => _length == 0 ? base.OnEnd() : AgentLine.Parse(_line.AsSpan(0, _length));
}
