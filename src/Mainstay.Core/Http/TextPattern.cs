using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// One pattern of a route, made ready. Text is compared as bytes; regular expressions see it decoded from UTF-8.
/// </summary>
internal sealed class TextPattern
{
    private readonly PatternKind _kind;
    private readonly byte[] _text;
    private readonly Regex? _regex;

    /// <summary>
    /// Linear time whatever the text; '.' matches line ends too, so that an encoded one cannot hide what follows.
    /// </summary>
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline;

    public TextPattern(PatternKind kind, string text)
    {
        _kind = kind;
        _text = Encoding.UTF8.GetBytes(text);
        if (kind == PatternKind.Regex) _regex = new Regex(text, Options);
        else if (kind == PatternKind.RegexIgnoreCase) _regex = new Regex(text, Options | RegexOptions.IgnoreCase);
    }

    /// <param name="chars">Scratch, at least as long as the text.</param>
    public bool Matches(ReadOnlySpan<byte> text, Span<char> chars) => _kind switch
    {
        PatternKind.Exact => text.SequenceEqual(_text),
        PatternKind.Prefix => text.StartsWith(_text),
        PatternKind.SegmentPrefix => MatchesSegments(text),
        _ => _regex is not null && _regex.IsMatch(chars[..Encoding.UTF8.GetChars(text, chars)]),
    };

    /// <summary>"/a" and "/a/" match "/a" itself (with "/a/" it needs the slash) and what is below it, never "/ab".</summary>
    private bool MatchesSegments(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith(_text)) return false;
        return text.Length == _text.Length || _text is [] or [.., (byte)'/'] || text[_text.Length] == '/';
    }
}
