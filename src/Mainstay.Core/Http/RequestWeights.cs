using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Rules;
using Mainstay.Core.Rules.Conditions;

namespace Mainstay.Core.Http;

/// <summary>What requests count, by their path. A shard has its own; it allocates nothing.</summary>
public sealed class RequestWeights(ImmutableArray<PathWeight> rules)
{
    private readonly (TextPattern[] Patterns, int Weight)[] _rules =
        [.. rules.Select(rule => (rule.Path.Select(path => new TextPattern(path.Kind, path.Text, new CaptureSlots())).ToArray(), rule.Weight))];

    public int Of(in RuleInput input)
    {
        foreach ((TextPattern[] patterns, int weight) in _rules)
            foreach (TextPattern pattern in patterns)
                if (pattern.Matches(input.Path, input.State)) return weight;
        return 1;
    }
}
