using Mainstay.Core.Config;
using Mainstay.Core.Rules.Captures;

namespace Mainstay.Core.Rules;

/// <summary>
/// The groups that a route's templates use, each with a place of its own. Only these are looked for: finding groups costs more than
/// finding out whether an expression matches.
/// </summary>
internal sealed class CaptureSlots
{
    private readonly List<CaptureReference> _references = [];
    private readonly List<string> _maps = [];

    public int Count => _references.Count;

    /// <summary>Maps that the route asks, in the order of its conditions.</summary>
    public IReadOnlyList<string> Maps => _maps;

    /// <summary>Does the route's condition have the group? Else the name is not a group of it.</summary>
    public static bool Knows(RouteMatch match, CaptureReference reference) => GroupsOf(match).Any(group => Fits(group, reference));

    /// <summary>Names that templates may use, for suggestions.</summary>
    public static IEnumerable<string> NamesIn(RouteMatch match) =>
        GroupsOf(match).SelectMany(group => group.Program.Names).Distinct();

    public int SlotOf(CaptureReference reference)
    {
        int index = _references.IndexOf(reference);
        if (index >= 0) return index;
        _references.Add(reference);
        return _references.Count - 1;
    }

    public int SlotOfMap(string map)
    {
        int index = _maps.IndexOf(map);
        if (index >= 0) return index;
        _maps.Add(map);
        return _maps.Count - 1;
    }

    /// <summary>Which groups of a pattern go to which slots.</summary>
    public (int Group, int Slot)[] For(CaptureField field, string name, CaptureProgram program)
    {
        var wanted = new List<(int, int)>();
        for (int slot = 0; slot < _references.Count; slot++)
        {
            if (!Fits((field, name, program), _references[slot])) continue;
            CaptureReference reference = _references[slot];
            wanted.Add((reference.Number > 0 ? reference.Number : program.NumberOf(reference.Group), slot));
        }

        return [.. wanted];
    }

    /// <summary>For the template of a replacement: its own expression's groups come before those of the conditions.</summary>
    public int SlotOf(CaptureReference reference, CaptureScope scope)
    {
        if (scope.Program is not { } program) return SlotOf(reference);
        int number = reference.Number > 0 ? reference.Number : program.NumberOf(reference.Group);
        bool isOwn = reference.Field is CaptureField.Any or CaptureField.Path && number > 0 && number <= program.Groups;
        return SlotOf(isOwn ? new CaptureReference(CaptureField.Replace, scope.Name, number, "") : reference);
    }

    private static bool Fits((CaptureField Field, string Name, CaptureProgram Program) group, CaptureReference reference)
    {
        if (reference.Number == 0) return group.Field != CaptureField.Replace && group.Program.NumberOf(reference.Group) > 0;
        return group.Field == reference.Field && reference.Number <= group.Program.Groups
            && string.Equals(group.Name, reference.Name, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Every expression whose groups may be used: what is under `not` has matched nothing when the route is taken.</summary>
    private static IEnumerable<(CaptureField Field, string Name, CaptureProgram Program)> GroupsOf(RouteMatch match)
    {
        IEnumerable<(CaptureField Field, string Name, PatternKind Kind, string Text)> patterns =
        [
            .. match.Path.Select(p => (CaptureField.Path, "", p.Kind, p.Text)),
            .. match.Host.Where(p => p.IsRegex).Select(p => (CaptureField.Host, "", PatternKind.RegexIgnoreCase, p.Suffix)),
            .. match.Header.SelectMany(h => h.Values.Select(v => (CaptureField.Header, h.Name, v.Kind, v.Text))),
            .. match.Cookie.SelectMany(c => c.Values.Select(v => (CaptureField.Cookie, c.Name, v.Kind, v.Text))),
        ];
        foreach ((CaptureField field, string name, PatternKind kind, string text) in patterns)
        {
            if (kind is not (PatternKind.Regex or PatternKind.RegexIgnoreCase)) continue;
            if (CaptureProgram.TryCompile(text, kind == PatternKind.RegexIgnoreCase, out CaptureProgram program, out _))
                yield return (field, name, program);
        }

        foreach (RouteMatch inner in match.All.Concat(match.Any))
            foreach (var group in GroupsOf(inner)) yield return group;
    }
}

/// <summary>An expression beside the conditions whose groups a template uses first.</summary>
internal readonly record struct CaptureScope(string Name, CaptureProgram? Program);
