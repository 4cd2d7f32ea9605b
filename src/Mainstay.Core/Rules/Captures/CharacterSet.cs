using System.Globalization;

namespace Mainstay.Core.Rules.Captures;

/// <summary>The characters that one position of an expression accepts. Immutable.</summary>
internal sealed class CharacterSet
{
    /// <summary>Its small letter is k, but not in the invariant culture.</summary>
    private const char Kelvin = '\u212a';

    private readonly (char From, char To)[] _ranges;

    /// <summary>Letters of the class escapes: d, D, w, W, s, S.</summary>
    private readonly string _classes;
    private readonly bool _isNegated;
    private readonly bool _ignoreCase;
    private readonly UInt128 _ascii;

    public CharacterSet(IEnumerable<(char From, char To)> ranges, string classes, bool isNegated, bool ignoreCase)
    {
        _ranges = [.. ranges];
        _classes = classes;
        _isNegated = isNegated;
        _ignoreCase = ignoreCase;
        for (int c = 0; c < 128; c++)
            if (Decide((char)c)) _ascii |= UInt128.One << c;
    }

    public static readonly CharacterSet Any = new([('\0', '\uffff')], "", isNegated: false, ignoreCase: false);

    public static CharacterSet Of(char c, bool ignoreCase) => new([(c, c)], "", isNegated: false, ignoreCase);

    public bool Contains(char c) => c < 128 ? (_ascii >> c & 1) != 0 : Decide(c);

    /// <summary>What \w means; also what a word border is about.</summary>
    public static bool IsWord(char c) => char.IsLetter(c) || char.GetUnicodeCategory(c)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation;

    private bool Decide(char c)
    {
        bool found = Lists(c) || (_ignoreCase && (Lists(char.ToLowerInvariant(c)) || Lists(char.ToUpperInvariant(c)) || (c == Kelvin && (Lists('k') || Lists('K')))));
        return found != _isNegated;
    }

    private bool Lists(char c)
    {
        foreach ((char from, char to) in _ranges)
            if (c >= from && c <= to) return true;
        foreach (char letter in _classes)
        {
            bool member = char.ToLowerInvariant(letter) switch
            {
                'd' => char.IsDigit(c),
                's' => char.IsWhiteSpace(c),
                _ => IsWord(c),
            };
            if (member != char.IsUpper(letter)) return true;
        }

        return false;
    }
}
