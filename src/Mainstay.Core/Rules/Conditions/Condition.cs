using System.Text;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>One thing that a route asks of a request.</summary>
internal abstract class Condition
{
    /// <summary>As the configuration has it, for explanations.</summary>
    public abstract string Text { get; }

    public abstract bool Holds(in RuleInput input, MatchTrace? trace);

    /// <summary>What the request has where the condition looks, for explanations.</summary>
    public virtual string Found(in RuleInput input) => "";

    /// <summary>Asks, and tells who wants to know.</summary>
    public bool Check(in RuleInput input, MatchTrace? trace)
    {
        if (trace is null) return Holds(input, null);
        trace.Enter(Text);
        bool holds = Holds(input, trace);
        trace.Leave(holds, Found(input));
        return holds;
    }

    protected static string Show(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}

/// <summary>all, any, not: conditions made of conditions.</summary>
internal sealed class ConditionGroup(ConditionGroup.Kind kind, RouteConditions[] members) : Condition
{
    public enum Kind : byte
    {
        All,
        Any,
        None,
    }

    public override string Text => kind switch { Kind.All => "all of", Kind.Any => "any of", _ => "none of" };

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        for (int i = 0; i < members.Length; i++)
        {
            trace?.Enter($"{i + 1}");
            bool holds = members[i].Match(input, hostMatched: false, trace);
            trace?.Leave(holds, "");
            if (holds != (kind == Kind.All)) return kind == Kind.Any;
        }

        return kind != Kind.Any;
    }
}
