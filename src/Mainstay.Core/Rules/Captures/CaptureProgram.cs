namespace Mainstay.Core.Rules.Captures;

internal enum Operation : byte
{
    /// <summary>One character of a set.</summary>
    Character,

    /// <summary>Goes on at two places, the first one preferred.</summary>
    Fork,
    Jump,

    /// <summary>Notes the position.</summary>
    Mark,
    Border,
    Match,
}

/// <param name="First">Where to go on (Fork, Jump), which mark (Mark), which border.</param>
/// <param name="Second">The other way of a fork.</param>
internal readonly record struct Instruction(Operation Operation, int First = 0, int Second = 0, CharacterSet? Set = null);

/// <summary>An expression as instructions for <see cref="CaptureMatcher"/>.</summary>
internal sealed class CaptureProgram
{
    /// <summary>Matching costs up to this many steps for every character of the text.</summary>
    private const int Longest = 1000;

    private readonly List<Instruction> _code = [];

    private CaptureProgram(int groups, IReadOnlyList<string> names) => (Groups, Names) = (groups, names);

    public Instruction[] Code { get; private set; } = [];

    /// <summary>Without the whole match.</summary>
    public int Groups { get; }

    /// <summary>Of the last groups.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>A match begins at the text's start or nowhere.</summary>
    public bool IsAnchored { get; private init; }

    /// <summary>Number of a named group, or 0.</summary>
    public int NumberOf(string name)
    {
        for (int i = 0; i < Names.Count; i++)
            if (Names[i] == name) return Groups - Names.Count + i + 1;
        return 0;
    }

    public static bool TryCompile(string expression, bool ignoreCase, out CaptureProgram program, out string problem)
    {
        bool parsed = ExpressionParser.TryParse(
            expression, ignoreCase, out Expression root, out int groups, out IReadOnlyList<string> names, out problem);
        program = new CaptureProgram(groups, names) { IsAnchored = parsed && StartsAtBorder(root) };
        if (!parsed) return false;
        if (Size(root) + 2 * groups + 1 > Longest)
        {
            problem = $"it takes more than {Longest} steps a character (smaller counts, fewer groups)";
            return false;
        }

        program.Emit(root);
        program.Add(new Instruction(Operation.Match));
        program.Code = [.. program._code];
        return true;
    }

    private static bool StartsAtBorder(Expression expression) => expression switch
    {
        Expression.Border border => border.Kind == BorderKind.Start,
        Expression.Sequence sequence => StartsAtBorder(sequence.Parts[0]),
        Expression.Group group => StartsAtBorder(group.Inner),
        Expression.Choice choice => choice.Branches.All(StartsAtBorder),
        _ => false,
    };

    /// <summary>Instructions at most; as a floating point number, because counts multiply.</summary>
    private static double Size(Expression expression) => expression switch
    {
        Expression.Empty => 0,
        Expression.Sequence sequence => sequence.Parts.Sum(Size),
        Expression.Choice choice => choice.Branches.Sum(branch => Size(branch) + 2),
        Expression.Group group => Size(group.Inner) + 2,
        Expression.Repeat repeat => (Size(repeat.Inner) + 2) * (Math.Max(repeat.Min, repeat.Max) + 1.0),
        _ => 1,
    };

    private int Add(Instruction instruction)
    {
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(Expression expression)
    {
        switch (expression)
        {
            case Expression.Character character:
                Add(new Instruction(Operation.Character, Set: character.Set));
                break;
            case Expression.Border border:
                Add(new Instruction(Operation.Border, (int)border.Kind));
                break;
            case Expression.Sequence sequence:
                foreach (Expression part in sequence.Parts) Emit(part);
                break;
            case Expression.Choice choice:
                EmitChoice(choice.Branches);
                break;
            case Expression.Group group:
                Add(new Instruction(Operation.Mark, 2 * group.Number));
                Emit(group.Inner);
                Add(new Instruction(Operation.Mark, 2 * group.Number + 1));
                break;
            case Expression.Repeat repeat:
                EmitRepeat(repeat);
                break;
        }
    }

    private void EmitChoice(IReadOnlyList<Expression> branches)
    {
        var ends = new List<int>();
        for (int i = 0; i < branches.Count - 1; i++)
        {
            int fork = Add(default);
            Emit(branches[i]);
            ends.Add(Add(default));
            _code[fork] = new Instruction(Operation.Fork, fork + 1, _code.Count);
        }

        Emit(branches[^1]);
        foreach (int end in ends) _code[end] = new Instruction(Operation.Jump, _code.Count);
    }

    private void EmitRepeat(Expression.Repeat repeat)
    {
        for (int i = 0; i < repeat.Min; i++) Emit(repeat.Inner);
        if (repeat.Max < 0)
        {
            int loop = Add(default);
            Emit(repeat.Inner);
            Add(new Instruction(Operation.Jump, loop));
            _code[loop] = Fork(loop + 1, _code.Count, repeat.IsLazy);
            return;
        }

        var forks = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            forks.Add(Add(default));
            Emit(repeat.Inner);
        }

        foreach (int fork in forks) _code[fork] = Fork(fork + 1, _code.Count, repeat.IsLazy);
    }

    private static Instruction Fork(int again, int onwards, bool isLazy) =>
        isLazy ? new Instruction(Operation.Fork, onwards, again) : new Instruction(Operation.Fork, again, onwards);
}
