using System.Collections.Immutable;
using Mainstay.Core.Config;

namespace Mainstay.Core.Rules;

/// <summary>What the routes of one service do, compiled once for a configuration and shared by all shards. Immutable.</summary>
public sealed class ServiceRules
{
    public ServiceRules(HttpSnapshot service) => Routes = [.. service.Routes.Select(route => new RouteRules(route))];

    /// <summary>By the route's index.</summary>
    public ImmutableArray<RouteRules> Routes { get; }
}

/// <summary>What one route does with a request that it matched.</summary>
public sealed class RouteRules
{
    internal RouteRules(RouteSnapshot route)
    {
        // First of all templates, so that every group they use has its slot before the conditions are compiled.
        Redirect = route.Action is RouteAction.Redirect redirect ? new Template(redirect.Location, TemplateUse.Location, Slots) : null;
        Reserve(route.Match);
    }

    internal CaptureSlots Slots { get; } = new();

    /// <summary>Where a redirect leads.</summary>
    public Template? Redirect { get; }

    private void Reserve(RouteMatch match)
    {
        foreach (NamedTemplate map in match.Map)
        {
            _ = new Template(map.Template, TemplateUse.Key, Slots);
            Slots.SlotOfMap(map.Name);
        }

        foreach (RouteMatch inner in match.All.Concat(match.Any)) Reserve(inner);
    }
}
