using System.Collections.Immutable;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>A condition that was asked, and what came of it.</summary>
/// <param name="Found">What the request has there; empty where that says nothing.</param>
public sealed record TracedCondition(string Text, bool Holds, string Found, ImmutableArray<TracedCondition> Inner);

/// <summary>A route that was tried.</summary>
/// <param name="Route">Index of the route.</param>
public sealed record TracedRoute(int Route, bool Matches, ImmutableArray<TracedCondition> Conditions);

/// <summary>Takes down how a route was chosen. Requests that nobody asks to explain have none.</summary>
public sealed class MatchTrace
{
    private readonly Stack<(string Text, ImmutableArray<TracedCondition>.Builder Inner)> _open = new();
    private ImmutableArray<TracedCondition>.Builder _conditions = ImmutableArray.CreateBuilder<TracedCondition>();
    private readonly ImmutableArray<TracedRoute>.Builder _routes = ImmutableArray.CreateBuilder<TracedRoute>();

    /// <summary>In the order in which they were tried.</summary>
    public ImmutableArray<TracedRoute> Routes => _routes.ToImmutable();

    internal void Enter(string text)
    {
        _open.Push((text, _conditions));
        _conditions = ImmutableArray.CreateBuilder<TracedCondition>();
    }

    internal void Leave(bool holds, string found)
    {
        (string text, ImmutableArray<TracedCondition>.Builder outer) = _open.Pop();
        outer.Add(new TracedCondition(text, holds, found, _conditions.ToImmutable()));
        _conditions = outer;
    }

    internal void EndRoute(int route, bool matches)
    {
        _routes.Add(new TracedRoute(route, matches, _conditions.ToImmutable()));
        _conditions = ImmutableArray.CreateBuilder<TracedCondition>();
    }
}
