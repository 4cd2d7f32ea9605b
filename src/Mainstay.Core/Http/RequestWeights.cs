using System.Collections.Immutable;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>What requests count, by their path. A shard has its own, because matching uses scratch memory; it allocates nothing.</summary>
public sealed class RequestWeights(ImmutableArray<PathWeight> rules)
{
    private readonly (TextPattern[] Patterns, int Weight)[] _rules =
        [.. rules.Select(rule => (rule.Path.Select(path => new TextPattern(path.Kind, path.Text)).ToArray(), rule.Weight))];

    private byte[] _bytes = new byte[512];
    private char[] _chars = new char[512];

    /// <summary>A path that rules cannot see counts 1, like any other.</summary>
    public int Of(RequestHead request, ReadOnlySpan<byte> head)
    {
        if (_rules.Length == 0) return 1;
        if (_chars.Length < head.Length) (_bytes, _chars) = (new byte[head.Length], new char[head.Length]);
        if (!PathNormalizer.TryNormalize(request.Path.Of(head), _bytes, out ReadOnlySpan<byte> path, out _)) return 1;
        foreach ((TextPattern[] patterns, int weight) in _rules)
            foreach (TextPattern pattern in patterns)
                if (pattern.Matches(path, _chars)) return weight;
        return 1;
    }
}
