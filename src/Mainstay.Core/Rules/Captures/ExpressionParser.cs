using System.Globalization;

namespace Mainstay.Core.Rules.Captures;

/// <summary>
/// Reads a regular expression that .NET's linear engine has accepted already: what is not valid never comes here, what is not
/// known here is named in <see cref="Problem"/>.
/// </summary>
internal sealed class ExpressionParser
{
    private readonly string _text;
    private readonly List<string> _names = [];
    private int _at;
    private bool _ignoreCase;
    private int _unnamed;

    private ExpressionParser(string text, bool ignoreCase) => (_text, _ignoreCase) = (text, ignoreCase);

    /// <summary>Why captures cannot be taken from the expression; null while they can.</summary>
    private string? Problem { get; set; }

    private bool AtEnd => _at >= _text.Length;

    /// <param name="groups">Number of groups; the whole match is not one of them.</param>
    /// <param name="names">Of the named groups, which are the last ones, in order.</param>
    public static bool TryParse(
        string text, bool ignoreCase, out Expression expression, out int groups, out IReadOnlyList<string> names, out string problem)
    {
        // Named groups are numbered behind the others, so these have to be counted first.
        var counter = new ExpressionParser(text, ignoreCase);
        counter.ParseChoice();
        var parser = new ExpressionParser(text, ignoreCase) { FirstNamed = counter._unnamed + 1 };
        expression = parser.ParseChoice();
        groups = parser._unnamed + parser._names.Count;
        names = parser._names;
        problem = parser.Problem ?? (parser.AtEnd ? "" : "it cannot be taken apart");
        return problem.Length == 0;
    }

    private int FirstNamed { get; init; }

    private Expression ParseChoice()
    {
        var branches = new List<Expression> { ParseSequence() };
        while (!AtEnd && _text[_at] == '|')
        {
            _at++;
            branches.Add(ParseSequence());
        }

        return branches.Count == 1 ? branches[0] : new Expression.Choice(branches);
    }

    private Expression ParseSequence()
    {
        var parts = new List<Expression>();
        while (!AtEnd && _text[_at] is not ('|' or ')') && Problem is null)
        {
            if (ParseAtom() is { } atom) parts.Add(ParseRepeats(atom));
        }

        return parts.Count switch { 0 => new Expression.Empty(), 1 => parts[0], _ => new Expression.Sequence(parts) };
    }

    private Expression? ParseAtom()
    {
        char c = _text[_at++];
        switch (c)
        {
            case '.': return new Expression.Character(CharacterSet.Any);
            case '^': return new Expression.Border(BorderKind.Start);
            case '$': return new Expression.Border(BorderKind.EndOrLastLine);
            case '[': return new Expression.Character(ParseSet());
            case '(': return ParseGroup();
            case '\\': return ParseEscape();
            default: return new Expression.Character(CharacterSet.Of(c, _ignoreCase));
        }
    }

    private Expression ParseRepeats(Expression atom)
    {
        while (!AtEnd && TryParseCount(out int min, out int max))
        {
            bool lazy = !AtEnd && _text[_at] == '?';
            if (lazy) _at++;
            atom = new Expression.Repeat(atom, min, max, lazy);
        }

        return atom;
    }

    /// <summary>Braces that hold no count stand for themselves.</summary>
    private bool TryParseCount(out int min, out int max)
    {
        (min, max) = _text[_at] switch { '*' => (0, -1), '+' => (1, -1), '?' => (0, 1), _ => (-1, -1) };
        if (min >= 0)
        {
            _at++;
            return true;
        }

        int close = _text[_at] == '{' ? _text.IndexOf('}', _at) : -1;
        if (close < 0) return false;
        ReadOnlySpan<char> inside = _text.AsSpan(_at + 1, close - _at - 1);
        int comma = inside.IndexOf(',');
        if (!TryNumber(comma < 0 ? inside : inside[..comma], out min)) return false;
        max = comma < 0 ? min : -1;
        if (comma >= 0 && comma + 1 < inside.Length && !TryNumber(inside[(comma + 1)..], out max)) return false;
        _at = close + 1;
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private Expression? ParseGroup()
    {
        bool outside = _ignoreCase;
        int number = 0;
        if (!AtEnd && _text[_at] == '?')
        {
            _at++;
            if (!TryParseGroupKind(out number, out bool isOption)) return null;
            if (isOption) return null;
        }
        else
        {
            number = ++_unnamed;
        }

        Expression inner = ParseChoice();
        if (!AtEnd) _at++;
        _ignoreCase = outside;
        return number == 0 ? inner : new Expression.Group(inner, number);
    }

    /// <summary>Behind "(?": a name, a colon, or options. False: a comment, or something that is not known here.</summary>
    private bool TryParseGroupKind(out int number, out bool isOption)
    {
        number = 0;
        isOption = false;
        char kind = _text[_at++];
        if (kind == ':') return true;
        if (kind == '#')
        {
            _at = _text.IndexOf(')', _at) + 1;
            return false;
        }

        if (kind is '<' or '\'')
        {
            int end = _text.IndexOf(kind == '<' ? '>' : '\'', _at);
            string name = _text[_at..end];
            _at = end + 1;
            if (char.IsAsciiDigit(name[0]) || _names.Contains(name)) return Fail($"a group is called {name} twice, or by a number");
            _names.Add(name);
            number = FirstNamed + _names.Count - 1;
            return true;
        }

        return TryParseOptions(kind, out isOption);
    }

    private bool TryParseOptions(char first, out bool isOption)
    {
        isOption = false;
        bool on = true;
        for (char c = first; ; c = _text[_at++])
        {
            switch (c)
            {
                case 'i': _ignoreCase = on; break;
                case 's': break;
                case '-': on = false; break;
                case ':': return true;
                case ')':
                    isOption = true;
                    return true;
                default: return Fail($"(?{c} is not among what captures can be taken from");
            }

            if (c == 's' && !on) return Fail("(?-s) is not among what captures can be taken from");
        }
    }

    private Expression? ParseEscape()
    {
        char c = _text[_at++];
        switch (c)
        {
            case 'b': return new Expression.Border(BorderKind.Word);
            case 'B': return new Expression.Border(BorderKind.NotWord);
            case 'A': return new Expression.Border(BorderKind.Start);
            case 'Z': return new Expression.Border(BorderKind.EndOrLastLine);
            case 'z': return new Expression.Border(BorderKind.End);
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                return new Expression.Character(new CharacterSet([], c.ToString(), isNegated: false, ignoreCase: false));
            default:
                char literal = ReadEscaped(c);
                return Problem is null ? new Expression.Character(CharacterSet.Of(literal, _ignoreCase)) : null;
        }
    }

    /// <summary>The character that an escape stands for; its letter has been read.</summary>
    private char ReadEscaped(char letter)
    {
        switch (letter)
        {
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return '\e';
            case 'x': return ReadHex(2);
            case 'u': return ReadHex(4);
            default:
                if (!char.IsAsciiLetterOrDigit(letter)) return letter;
                Fail($"\\{letter} is not among what captures can be taken from");
                return letter;
        }
    }

    private char ReadHex(int digits)
    {
        int end = Math.Min(_at + digits, _text.Length);
        bool valid = int.TryParse(_text.AsSpan(_at, end - _at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value);
        if (!valid) Fail("an escape is not complete");
        _at = end;
        return (char)value;
    }

    private CharacterSet ParseSet()
    {
        var ranges = new List<(char, char)>();
        string classes = "";
        bool negated = !AtEnd && _text[_at] == '^';
        if (negated) _at++;
        for (bool first = true; !AtEnd && (first || _text[_at] != ']') && Problem is null; first = false)
        {
            if (!first && _at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] == '[')
            {
                Fail("a set that takes another one away (-[...]) is not among what captures can be taken from");
                break;
            }

            if (!TryReadSetCharacter(ref classes, out char from)) continue;
            char to = from;
            bool isRange = _at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] is not (']' or '[');
            if (isRange)
            {
                _at++;
                TryReadSetCharacter(ref classes, out to);
            }

            ranges.Add((from, to));
        }

        _at++;
        return new CharacterSet(ranges, classes, negated, _ignoreCase);
    }

    /// <summary>False: it was a class such as \d.</summary>
    private bool TryReadSetCharacter(ref string classes, out char character)
    {
        character = _text[_at++];
        if (character != '\\' || AtEnd) return true;
        char letter = _text[_at++];
        if (letter is 'd' or 'D' or 'w' or 'W' or 's' or 'S')
        {
            classes += letter;
            return false;
        }

        character = letter == 'b' ? '\b' : ReadEscaped(letter);
        return true;
    }

    private bool Fail(string problem)
    {
        Problem ??= problem;
        _at = _text.Length;
        return false;
    }
}
