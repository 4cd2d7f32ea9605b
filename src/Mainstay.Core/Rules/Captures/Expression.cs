namespace Mainstay.Core.Rules.Captures;

/// <summary>A regular expression taken apart.</summary>
internal abstract record Expression
{
    private Expression()
    {
    }

    public sealed record Empty : Expression;

    public sealed record Character(CharacterSet Set) : Expression;

    public sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

    /// <summary>The first that leads to a match wins.</summary>
    public sealed record Choice(IReadOnlyList<Expression> Branches) : Expression;

    /// <param name="Max">-1 = without end.</param>
    public sealed record Repeat(Expression Inner, int Min, int Max, bool IsLazy) : Expression;

    /// <param name="Number">As <see cref="System.Text.RegularExpressions.Regex"/> numbers it: those without a name first.</param>
    public sealed record Group(Expression Inner, int Number) : Expression;

    public sealed record Border(BorderKind Kind) : Expression;
}

internal enum BorderKind
{
    Start,

    /// <summary>The end, or before a line feed that is the last character.</summary>
    EndOrLastLine,
    End,
    Word,
    NotWord,
}
