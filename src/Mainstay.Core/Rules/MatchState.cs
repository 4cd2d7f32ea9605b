using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>Where a captured text is.</summary>
internal enum CaptureSource : byte
{
    None,
    Path,
    Host,
    Head,
}

/// <summary>
/// Scratch memory of one shard's rules, and what the request under way left in it: the path and host as rules see them, captures,
/// answers of maps. Valid until the next request is matched.
/// </summary>
public sealed class MatchState
{
    private const int MaxKey = 2048;
    private const int MaxTarget = 64 * 1024;

    private byte[] _bytes = new byte[1024];
    private char[] _chars = new char[512];
    private readonly byte[] _host = new byte[HostIndex.MaxLength];
    private readonly byte[] _key = new byte[MaxKey];
    private readonly byte[][] _rewriteScratch = [[], []];
    private (CaptureSource Source, int Start, int Length)[] _captures = [];
    private (byte[] Memory, int Start, int Length)[] _answers = [];

    internal char[] Chars => _chars;

    /// <summary>For one decoded value at a time; the path has the first half.</summary>
    internal Span<byte> Bytes => _bytes.AsSpan(_bytes.Length / 2);

    internal Span<byte> PathScratch => _bytes.AsSpan(0, _bytes.Length / 2);

    /// <summary>For a target while it is made; there from the first rewrite on.</summary>
    internal (byte[] First, byte[] Second) RewriteScratch
    {
        get
        {
            if (_rewriteScratch[0].Length == 0) (_rewriteScratch[0], _rewriteScratch[1]) = (new byte[MaxTarget], new byte[MaxTarget]);
            return (_rewriteScratch[0], _rewriteScratch[1]);
        }
    }

    internal Span<byte> Host => _host;
    internal Span<byte> Key => _key;

    /// <summary>Room for a head of that length.</summary>
    internal void Reserve(int headLength)
    {
        if (_chars.Length >= headLength) return;
        _bytes = new byte[2 * headLength];
        _chars = new char[headLength];
    }

    /// <summary>Room for the largest route of a service.</summary>
    internal void Reserve(int captures, int maps)
    {
        if (_captures.Length < captures) _captures = new (CaptureSource, int, int)[captures];
        if (_answers.Length < maps) _answers = new (byte[], int, int)[maps];
        Array.Fill(_answers, ([], 0, 0));
    }

    /// <summary>A route is tried: what another one captured is not its own.</summary>
    internal void Begin(int captures) => Array.Clear(_captures, 0, captures);

    internal void Capture(int slot, CaptureSource source, int start, int length) => _captures[slot] = (source, start, length);

    internal void Answer(int slot, byte[] memory, int start, int length) => _answers[slot] = (memory, start, length);

    internal ReadOnlySpan<byte> CaptureOf(int slot, in RuleInput input)
    {
        (CaptureSource source, int start, int length) = _captures[slot];
        return source switch
        {
            CaptureSource.Path => input.Path.Slice(start, length),
            CaptureSource.Host => input.Host.Slice(start, length),
            CaptureSource.Head => input.Head.Slice(start, length),
            _ => default,
        };
    }

    internal ValueForm FormOf(int slot) => _captures[slot].Source == CaptureSource.Path ? ValueForm.Path : ValueForm.Text;

    internal ReadOnlySpan<byte> AnswerOf(int slot) => _answers[slot].Memory.AsSpan(_answers[slot].Start, _answers[slot].Length);
}
