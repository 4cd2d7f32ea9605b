using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Rules;
using Mainstay.Core.Rules.Conditions;

namespace Mainstay.Core.Http;

/// <summary>
/// The routes of one service, compiled: the first whose conditions all hold wins. Routes for exact hosts are found by one lookup,
/// whatever their number. A shard has its own table, because matching uses scratch memory of the table; it allocates nothing.
/// </summary>
public sealed class RouteTable
{
    private readonly RouteConditions[] _routes;
    private readonly RequestEditor?[] _editors;
    private readonly int[] _captures;
    private readonly HostIndex _hosts;
    private readonly MatchState _state = new();

    /// <summary>Routes that any host, or any host below a wildcard's suffix, may match; in order.</summary>
    private readonly int[] _general;

    public RouteTable(HttpSnapshot service)
        : this(service, new ServiceRules(service), new RuleTables())
    {
    }

    /// <param name="rules">Of the same service: what the routes do with what they captured.</param>
    public RouteTable(HttpSnapshot service, ServiceRules rules, RuleTables tables)
    {
        Routes = service.Routes;
        _routes = [.. service.Routes.Select((route, i) => new RouteConditions(route.Match, rules.Routes[i].Slots, tables))];
        _editors = [.. rules.Routes.Select(route => route.CreateEditor())];
        _captures = [.. rules.Routes.Select(route => route.Slots.Count)];
        _hosts = new HostIndex(service.Routes);
        _general = [.. Enumerable.Range(0, _routes.Length).Where(index => _routes[index].MatchesManyHosts)];
        _state.Reserve(_captures.Append(0).Max(), rules.Routes.Select(route => route.Slots.Maps.Count).Append(0).Max());
    }

    public ImmutableArray<RouteSnapshot> Routes { get; }

    /// <summary>What a route changes in its requests; null = nothing.</summary>
    public RequestEditor? EditorOf(int route) => _editors[route];

    /// <summary>Chooses the route of a request.</summary>
    /// <param name="route">Index into <see cref="Routes"/>; -1 where none matches.</param>
    /// <param name="matched">The request as the route's templates see it, with what its conditions captured; until the next call.</param>
    /// <param name="trace">Takes down how it went; null for requests that nobody asks to explain.</param>
    /// <returns>False: no route matches, or the path had to be refused for <paramref name="reason"/>.</returns>
    public bool TryMatch(
        RequestHead request,
        ReadOnlySpan<byte> head,
        IRequestOrigin origin,
        out int route,
        out RuleInput matched,
        out RejectReason reason,
        MatchTrace? trace = null)
    {
        route = -1;
        matched = default;
        _state.Reserve(head.Length);
        if (!PathNormalizer.TryNormalize(request.Path.Of(head), _state.PathScratch, out ReadOnlySpan<byte> path, out reason)) return false;
        matched = new RuleInput
        {
            Request = request,
            Head = head,
            Origin = origin,
            State = _state,
            Path = path,
            Host = HostIndex.Normalize(request.Host.Of(head), _state.Host),
        };
        route = FirstMatch(matched, trace);
        return route >= 0;
    }

    /// <summary>Goes through the host's own routes and the general ones in the order of the configuration.</summary>
    private int FirstMatch(in RuleInput input, MatchTrace? trace)
    {
        ReadOnlySpan<int> own = _hosts.Find(input.Host);
        ReadOnlySpan<int> general = _general;
        int explained = 0;
        while (!own.IsEmpty || !general.IsEmpty)
        {
            bool takeOwn = general.IsEmpty || (!own.IsEmpty && own[0] <= general[0]);
            int index = takeOwn ? own[0] : general[0];
            if (trace is not null) explained = ExplainPassedOver(input, trace, explained, index);
            if (_captures[index] > 0) _state.Begin(_captures[index]);
            bool matches = _routes[index].Match(input, hostMatched: takeOwn, trace);
            trace?.EndRoute(index, matches);
            if (matches) return index;
            if (takeOwn) own = own[1..];
            if (!general.IsEmpty && general[0] == index) general = general[1..];
        }

        if (trace is not null) ExplainPassedOver(input, trace, explained, _routes.Length);
        return -1;
    }

    /// <summary>Routes that the index of hosts has left out: their host condition says so when it is asked.</summary>
    private int ExplainPassedOver(in RuleInput input, MatchTrace trace, int from, int to)
    {
        for (int route = from; route < to; route++)
        {
            bool matches = _routes[route].Match(input, hostMatched: false, trace);
            trace.EndRoute(route, matches);
        }

        return to + 1;
    }
}
