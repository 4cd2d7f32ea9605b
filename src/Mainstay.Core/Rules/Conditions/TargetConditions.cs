using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>Hosts: exact, below a wildcard, or by a regular expression.</summary>
internal sealed class HostCondition : Condition
{
    private readonly byte[][] _exact;

    /// <summary>"*.example.com" is compared as ".example.com".</summary>
    private readonly byte[][] _suffixes;
    private readonly TextPattern[] _expressions;

    public HostCondition(ImmutableArray<HostPattern> hosts, CaptureSlots slots)
    {
        Text = $"host: {ConditionText.List(hosts.Select(h => (h.IsRegex ? "~" : h.Wildcard ? "*." : "") + h.Suffix))}";
        IEnumerable<HostPattern> names = hosts.Where(host => !host.IsRegex);
        _exact = [.. names.Where(host => !host.Wildcard).Select(host => Encoding.ASCII.GetBytes(HostIndex.Canonical(host)))];
        _suffixes = [.. names.Where(host => host.Wildcard).Select(host => Encoding.ASCII.GetBytes("." + Suffix(host)))];
        _expressions = [.. hosts.Where(host => host.IsRegex).Select(
            host => new TextPattern(PatternKind.RegexIgnoreCase, host.Suffix, slots, CaptureField.Host))];
    }

    public override string Text { get; }

    public bool MatchesMany => _suffixes.Length + _expressions.Length > 0;

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        foreach (byte[] exact in _exact)
            if (input.Host.SequenceEqual(exact)) return true;
        foreach (byte[] suffix in _suffixes)
            if (input.Host.Length > suffix.Length && input.Host.EndsWith(suffix)) return true;
        foreach (TextPattern expression in _expressions)
            if (expression.Matches(input.Host, input.State, CaptureSource.Host)) return true;
        return false;
    }

    public override string Found(in RuleInput input) => input.Host.IsEmpty ? "none" : Show(input.Host);

    private static string Suffix(HostPattern host) => HostIndex.Canonical(host).TrimStart('*').TrimStart('.');
}

internal sealed class PathCondition(ImmutableArray<PathPattern> paths, CaptureSlots slots) : Condition
{
    private readonly TextPattern[] _paths = [.. paths.Select(path => new TextPattern(path.Kind, path.Text, slots, CaptureField.Path))];

    public override string Text { get; } = $"path: {ConditionText.List(paths.Select(p => ConditionText.Pattern(p.Kind, p.Text, PatternKind.SegmentPrefix)))}";

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        foreach (TextPattern path in _paths)
            if (path.Matches(input.Path, input.State, CaptureSource.Path)) return true;
        return false;
    }

    public override string Found(in RuleInput input) => Show(input.Path);
}

internal sealed class MethodCondition : Condition
{
    private readonly uint _known;
    private readonly byte[][] _others;

    public MethodCondition(ImmutableArray<string> methods)
    {
        Text = $"method: {ConditionText.List(methods)}";
        byte[][] names = [.. methods.Select(Encoding.ASCII.GetBytes)];
        foreach (byte[] name in names) _known |= 1u << (int)RequestMethods.Parse(name);
        _others = [.. names.Where(name => RequestMethods.Parse(name) == RequestMethod.Other)];
    }

    public override string Text { get; }

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        RequestMethod method = input.Request.Method;
        if (method != RequestMethod.Other) return (_known >> (int)method & 1) != 0;
        ReadOnlySpan<byte> name = input.Request.MethodRange.Of(input.Head);
        foreach (byte[] other in _others)
            if (name.SequenceEqual(other)) return true;
        return false;
    }

    public override string Found(in RuleInput input) => Show(input.Request.MethodRange.Of(input.Head));
}

internal sealed class SchemeCondition(RequestScheme scheme) : Condition
{
    public override string Text { get; } = $"scheme: {(scheme == RequestScheme.Https ? "https" : "http")}";

    public override bool Holds(in RuleInput input, MatchTrace? trace) => input.Origin.IsTls == (scheme == RequestScheme.Https);

    public override string Found(in RuleInput input) => input.Origin.IsTls ? "https" : "http";
}

internal sealed class PortCondition(ImmutableArray<int> ports) : Condition
{
    private readonly int[] _ports = [.. ports];

    public override string Text { get; } = $"port: {ConditionText.List(ports.Select(p => $"{p}"))}";

    public override bool Holds(in RuleInput input, MatchTrace? trace) => Array.IndexOf(_ports, input.Origin.LocalPort) >= 0;

    public override string Found(in RuleInput input) => $"{input.Origin.LocalPort}";
}

internal sealed class SourceCondition(ImmutableArray<AddressRange> ranges, ImmutableArray<string> lists, RuleTables tables) : Condition
{
    private readonly AddressRange[] _ranges = [.. ranges];
    private readonly AddressListTable[] _lists = [.. lists.Select(tables.List)];

    public override string Text { get; } = $"source: {ConditionText.List([.. ranges.Select(r => r.ToString()), .. lists.Select(l => $"@{l}")])}";

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        NetAddress source = input.Origin.Address;
        foreach (AddressRange range in _ranges)
            if (range.Contains(source)) return true;
        foreach (AddressListTable list in _lists)
            if (list.Current.Contains(source)) return true;
        return false;
    }

    public override string Found(in RuleInput input) => input.Origin.Address.IsNone ? "no address" : input.Origin.Address.ToString();
}
