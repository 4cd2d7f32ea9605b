using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;
using Mainstay.Core.Rules.Captures;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>
/// One pattern of a condition, made ready. Text is compared as bytes; regular expressions see it decoded from UTF-8. Used by one
/// thread, as its route table is.
/// </summary>
internal sealed class TextPattern
{
    private readonly PatternKind _kind;
    private readonly byte[] _text;
    private readonly Regex? _regex;
    private readonly CaptureMatcher? _groups;
    private readonly (int Group, int Slot)[] _wanted = [];

    /// <summary>
    /// Linear time whatever the text; '.' matches line ends too, so that an encoded one cannot hide what follows.
    /// </summary>
    public const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline;

    /// <param name="field">Where its texts come from, for the names of its groups.</param>
    /// <param name="name">Of the header or cookie.</param>
    public TextPattern(PatternKind kind, string text, CaptureSlots slots, CaptureField field = CaptureField.Any, string name = "")
    {
        _kind = kind;
        _text = Encoding.UTF8.GetBytes(text);
        if (kind is not (PatternKind.Regex or PatternKind.RegexIgnoreCase)) return;
        bool ignoreCase = kind == PatternKind.RegexIgnoreCase;
        _regex = new Regex(text, ignoreCase ? Options | RegexOptions.IgnoreCase : Options);
        if (slots.Count == 0 || !CaptureProgram.TryCompile(text, ignoreCase, out CaptureProgram program, out _)) return;
        _wanted = slots.For(field, name, program);
        if (_wanted.Length > 0) _groups = new CaptureMatcher(program);
    }

    /// <param name="source">Where the text is; captures point there.</param>
    /// <param name="start">Where the text begins in its source.</param>
    public bool Matches(ReadOnlySpan<byte> text, MatchState state, CaptureSource source = CaptureSource.None, int start = 0)
    {
        switch (_kind)
        {
            case PatternKind.Exact: return text.SequenceEqual(_text);
            case PatternKind.Prefix: return text.StartsWith(_text);
            case PatternKind.SegmentPrefix: return MatchesSegments(text);
        }

        ReadOnlySpan<char> chars = state.Chars.AsSpan(0, Encoding.UTF8.GetChars(text, state.Chars));
        if (!_regex!.IsMatch(chars)) return false;
        if (_groups is not null && source != CaptureSource.None) Capture(text, chars, state, source, start);
        return true;
    }

    private void Capture(ReadOnlySpan<byte> text, ReadOnlySpan<char> chars, MatchState state, CaptureSource source, int start)
    {
        if (!_groups!.TryMatch(chars)) return;
        foreach ((int group, int slot) in _wanted)
        {
            if (!_groups.TryGetGroup(group, out int from, out int length)) continue;
            int begin = ByteOffset(text, chars, from);
            state.Capture(slot, source, start + begin, ByteOffset(text, chars, from + length) - begin);
        }
    }

    /// <summary>From an offset in the decoded text to one in the bytes.</summary>
    private static int ByteOffset(ReadOnlySpan<byte> text, ReadOnlySpan<char> chars, int offset)
    {
        if (chars.Length == text.Length) return offset;
        int bytes = 0;
        for (int at = 0; at < offset;)
        {
            Rune.DecodeFromUtf8(text[bytes..], out Rune rune, out int consumed);
            bytes += consumed;
            at += rune.Utf16SequenceLength;
        }

        return bytes;
    }

    /// <summary>"/a" and "/a/" match "/a" itself (with "/a/" it needs the slash) and what is below it, never "/ab".</summary>
    private bool MatchesSegments(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith(_text)) return false;
        return text.Length == _text.Length || _text is [] or [.., (byte)'/'] || text[_text.Length] == '/';
    }
}
