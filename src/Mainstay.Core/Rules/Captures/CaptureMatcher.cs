namespace Mainstay.Core.Rules.Captures;

/// <summary>
/// Finds where the groups of an expression matched, in time proportional to text and program: all ways through the expression are
/// followed side by side, the preferred ones first (Pike's method). Allocates nothing after its construction; one thread.
/// </summary>
/// <remarks>
/// .NET's linear engine says whether and where an expression matches without allocating, but gives groups only as objects.
/// </remarks>
internal sealed class CaptureMatcher
{
    private readonly CaptureProgram _program;
    private readonly int _marks;
    private Threads _current;
    private Threads _next;
    private readonly int[] _best;

    /// <summary>Where to go on, or with a negative number which mark gets its old value back.</summary>
    private readonly (int Instruction, int OldMark)[] _stack;
    private readonly int[] _working;

    public CaptureMatcher(CaptureProgram program)
    {
        _program = program;
        _marks = 2 * (program.Groups + 1);
        _current = new Threads(program.Code.Length, _marks);
        _next = new Threads(program.Code.Length, _marks);
        _best = new int[_marks];
        _working = new int[_marks];
        _stack = new (int, int)[2 * program.Code.Length + 2];
    }

    /// <summary>The leftmost match; its groups are then there for <see cref="TryGetGroup"/>.</summary>
    public bool TryMatch(ReadOnlySpan<char> text)
    {
        _current.Count = 0;
        bool matched = false;
        for (int at = 0; ; at++)
        {
            if (!matched && (at == 0 || !_program.IsAnchored))
            {
                Array.Fill(_working, -1);
                _working[0] = at;
                Follow(_current, 0, text, at);
            }

            if (_current.Count == 0 && (matched || _program.IsAnchored)) break;
            matched |= Step(text, at);
            if (at == text.Length) break;
            (_current, _next) = (_next, _current);
        }

        return matched;
    }

    /// <summary>Place of a group in the text; false when the match went without it.</summary>
    public bool TryGetGroup(int number, out int start, out int length)
    {
        start = _best[2 * number];
        length = _best[2 * number + 1] - start;
        return start >= 0 && length >= 0;
    }

    /// <summary>Takes one character on all ways; what is behind the first that ends in a match is dropped.</summary>
    private bool Step(ReadOnlySpan<char> text, int at)
    {
        _next.Count = 0;
        for (int i = 0; i < _current.Count; i++)
        {
            int number = _current.Instructions[i];
            ref readonly Instruction instruction = ref _program.Code[number];
            if (instruction.Operation == Operation.Match)
            {
                _current.MarksOf(i).CopyTo(_best);
                _best[1] = at;
                return true;
            }

            if (at == text.Length || !instruction.Set!.Contains(text[at])) continue;
            _current.MarksOf(i).CopyTo(_working);
            Follow(_next, number + 1, text, at + 1);
        }

        return false;
    }

    /// <summary>Adds every instruction that can be reached without a character, in order of preference.</summary>
    private void Follow(Threads threads, int from, ReadOnlySpan<char> text, int at)
    {
        int depth = 0;
        _stack[depth++] = (from, 0);
        while (depth > 0)
        {
            (int number, int oldMark) = _stack[--depth];
            if (number < 0)
            {
                _working[~number] = oldMark;
                continue;
            }

            if (!threads.TryVisit(number)) continue;
            ref readonly Instruction instruction = ref _program.Code[number];
            switch (instruction.Operation)
            {
                case Operation.Fork:
                    _stack[depth++] = (instruction.Second, 0);
                    _stack[depth++] = (instruction.First, 0);
                    break;
                case Operation.Jump:
                    _stack[depth++] = (instruction.First, 0);
                    break;
                case Operation.Mark:
                    _stack[depth++] = (~instruction.First, _working[instruction.First]);
                    _working[instruction.First] = at;
                    _stack[depth++] = (number + 1, 0);
                    break;
                case Operation.Border:
                    if (IsAt((BorderKind)instruction.First, text, at)) _stack[depth++] = (number + 1, 0);
                    break;
                default:
                    threads.Add(number, _working);
                    break;
            }
        }
    }

    private static bool IsAt(BorderKind border, ReadOnlySpan<char> text, int at)
    {
        switch (border)
        {
            case BorderKind.Start: return at == 0;
            case BorderKind.End: return at == text.Length;
            case BorderKind.EndOrLastLine: return at == text.Length || (at == text.Length - 1 && text[at] == '\n');
            default:
                bool before = at > 0 && CharacterSet.IsWord(text[at - 1]), behind = at < text.Length && CharacterSet.IsWord(text[at]);
                return (before != behind) == (border == BorderKind.Word);
        }
    }

    /// <summary>The ways that are alive at one position.</summary>
    private sealed class Threads(int instructions, int marks)
    {
        private readonly int[] _marks = new int[instructions * marks];

        /// <summary>The round in which an instruction was visited last.</summary>
        private readonly int[] _visited = new int[instructions];
        private int _count;
        private int _round = 1;

        public int[] Instructions { get; } = new int[instructions];

        public int Count
        {
            get => _count;
            set
            {
                _count = value;
                if (++_round != int.MaxValue) return;
                _round = 1;
                Array.Clear(_visited);
            }
        }

        public bool TryVisit(int instruction)
        {
            if (_visited[instruction] == _round) return false;
            _visited[instruction] = _round;
            return true;
        }

        public void Add(int instruction, int[] values)
        {
            values.CopyTo(_marks, _count * marks);
            Instructions[_count++] = instruction;
        }

        public ReadOnlySpan<int> MarksOf(int thread) => _marks.AsSpan(thread * marks, marks);
    }
}
