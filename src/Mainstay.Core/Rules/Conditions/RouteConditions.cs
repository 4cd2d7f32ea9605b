using System.Collections.Immutable;
using Mainstay.Core.Config;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>The conditions of one route, made ready: all of them have to hold, and any pattern of a condition will do.</summary>
internal sealed class RouteConditions
{
    private readonly HostCondition? _host;
    private readonly Condition[] _others;

    public RouteConditions(RouteMatch match, CaptureSlots slots, RuleTables tables)
    {
        _host = match.Host.IsEmpty ? null : new HostCondition(match.Host, slots);
        var others = new List<Condition>();
        if (match.Scheme is { } scheme) others.Add(new SchemeCondition(scheme));
        if (!match.Port.IsEmpty) others.Add(new PortCondition(match.Port));
        if (!match.Path.IsEmpty) others.Add(new PathCondition(match.Path, slots));
        if (!match.Method.IsEmpty) others.Add(new MethodCondition(match.Method));
        if (!match.Source.IsEmpty || !match.SourceList.IsEmpty) others.Add(new SourceCondition(match.Source, match.SourceList, tables));
        others.AddRange(match.Header.Select(header => new HeaderCondition(header, slots)));
        others.AddRange(match.Query.Select(parameter => new ParameterCondition(parameter, slots)));
        others.AddRange(match.Cookie.Select(cookie => new CookieCondition(cookie, slots)));
        others.AddRange(match.Map.Select(map => new MapCondition(map, slots, tables)));
        AddGroup(others, ConditionGroup.Kind.All, match.All, slots, tables);
        AddGroup(others, ConditionGroup.Kind.Any, match.Any, slots, tables);

        // What matched under `not` has captured nothing that the route could use.
        AddGroup(others, ConditionGroup.Kind.None, match.Not, new CaptureSlots(), tables);
        _others = [.. others];
    }

    /// <summary>Not only the hosts that it names exactly.</summary>
    public bool MatchesManyHosts => _host is null || _host.MatchesMany;

    /// <param name="hostMatched">The host is one that the route names exactly.</param>
    public bool Match(in RuleInput input, bool hostMatched, MatchTrace? trace)
    {
        if (_host is not null && trace is not null)
        {
            if (!_host.Check(input, trace)) return false;
        }
        else if (_host is not null && !hostMatched && !_host.Holds(input, null))
        {
            return false;
        }

        foreach (Condition condition in _others)
            if (!condition.Check(input, trace)) return false;
        return true;
    }

    private static void AddGroup(
        List<Condition> conditions, ConditionGroup.Kind kind, ImmutableArray<RouteMatch> matches, CaptureSlots slots, RuleTables tables)
    {
        if (!matches.IsEmpty) conditions.Add(new ConditionGroup(kind, [.. matches.Select(match => new RouteConditions(match, slots, tables))]));
    }
}
