using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;

namespace Mainstay.Core.Rules;

/// <summary>What the routes of one service do, compiled once for a configuration and shared by all shards. Immutable.</summary>
public sealed class ServiceRules
{
    public ServiceRules(HttpSnapshot service, RuleTables? tables = null)
    {
        Routes = [.. service.Routes.Select(route => new RouteRules(service, route, tables))];
        NoRoute = new RouteRules(service);
    }

    /// <summary>By the route's index.</summary>
    public ImmutableArray<RouteRules> Routes { get; }

    /// <summary>For requests that no route matches, and those refused before one could.</summary>
    public RouteRules NoRoute { get; }
}

/// <summary>What one route does with a request that it matched.</summary>
public sealed class RouteRules
{
    private readonly RewriteSnapshot? _rewrite;
    private readonly HeaderEdits _requestHeaders;

    internal RouteRules(HttpSnapshot service, RouteSnapshot route, RuleTables? tables)
    {
        // All templates first, so that every group they use has its slot before the conditions are compiled.
        Redirect = route.Action is RouteAction.Redirect redirect ? new Template(redirect.Location, TemplateUse.Location, Slots) : null;
        PoolKey = route.Action switch
        {
            RouteAction.Split { By.Length: > 0 } split => new Template(split.By, TemplateUse.Key, Slots),
            RouteAction.ByMap map => new Template(map.Key, TemplateUse.Key, Slots),
            _ => null,
        };
        _rewrite = route.Rewrite;
        _requestHeaders = new HeaderEdits(service.RequestHeaders, route.RequestHeaders, Slots);
        ResponseHeaders = new HeaderEdits(service.ResponseHeaders, route.ResponseHeaders, Slots);
        Reserve(route.Match);
        _ = CreateEditor();
        Access = route.Access is { } access ? new AccessRules(access, tables ?? new RuleTables()) : null;
        ErrorPages = new ErrorPages(service.ErrorPages, route.ErrorPages);
        Limits = service.Limits with { Head = route.Limits?.Head ?? service.Limits.Head, Body = route.Limits?.Body ?? service.Limits.Body };
    }

    private RouteRules()
    {
        _requestHeaders = ResponseHeaders = new HeaderEdits(HeaderEditsSnapshot.None, HeaderEditsSnapshot.None, Slots);
        ErrorPages = new ErrorPages([], []);
        Limits = new HttpLimits();
    }

    internal RouteRules(HttpSnapshot service)
    {
        _requestHeaders = new HeaderEdits(HeaderEditsSnapshot.None, HeaderEditsSnapshot.None, Slots);
        ResponseHeaders = new HeaderEdits(service.ResponseHeaders, HeaderEditsSnapshot.None, Slots);
        ErrorPages = new ErrorPages(service.ErrorPages, []);
        Limits = service.Limits;
    }

    /// <summary>For what is no route's business.</summary>
    public static readonly RouteRules None = new();

    internal CaptureSlots Slots { get; } = new();

    /// <summary>Where a redirect leads.</summary>
    public Template? Redirect { get; }

    /// <summary>What decides among several pools; null where nothing has to be asked.</summary>
    public Template? PoolKey { get; }

    /// <summary>Null: everyone may.</summary>
    public AccessRules? Access { get; }

    public HeaderEdits ResponseHeaders { get; }
    public ErrorPages ErrorPages { get; }

    /// <summary>The service's, with what the route says otherwise.</summary>
    public HttpLimits Limits { get; }

    /// <summary>For one shard; null where requests go on as they are.</summary>
    internal RequestEditor? CreateEditor()
    {
        bool rewrites = _rewrite is not null && (_rewrite.Host.Length > 0 || TargetRewrite.ChangesTarget(_rewrite));
        return rewrites || !_requestHeaders.IsEmpty ? new RequestEditor(_rewrite, _requestHeaders, Slots) : null;
    }

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

/// <summary>Allow and deny lists of a route. Asking allocates nothing.</summary>
public sealed class AccessRules
{
    private readonly AddressRange[] _allow;
    private readonly AddressRange[] _deny;
    private readonly AddressListTable[] _allowLists;
    private readonly AddressListTable[] _denyLists;

    internal AccessRules(RouteAccessSnapshot access, RuleTables tables)
    {
        _allow = [.. access.Allow];
        _deny = [.. access.Deny];
        _allowLists = [.. access.AllowLists.Select(tables.List)];
        _denyLists = [.. access.DenyLists.Select(tables.List)];
    }

    public bool Allows(NetAddress address)
    {
        if (Lists(_deny, _denyLists, address)) return false;
        return _allow.Length + _allowLists.Length == 0 || Lists(_allow, _allowLists, address);
    }

    private static bool Lists(AddressRange[] ranges, AddressListTable[] lists, NetAddress address)
    {
        foreach (AddressRange range in ranges)
            if (range.Contains(address)) return true;
        foreach (AddressListTable list in lists)
            if (list.Current.Contains(address)) return true;
        return false;
    }
}

/// <summary>The error responses of a route: pages where there are any, else our own line of text.</summary>
public sealed class ErrorPages
{
    private readonly Dictionary<int, FixedResponse> _pages = [];

    internal ErrorPages(ImmutableArray<ErrorPage> service, ImmutableArray<ErrorPage> route)
    {
        foreach (int status in ErrorResponses.Statuses)
        {
            ErrorPage? page = Find(route, status) ?? Find(service, status);
            if (page is not null) _pages.Add(status, new FixedResponse(status, page.Body, page.ContentType));
        }
    }

    public FixedResponse For(int status) => _pages.TryGetValue(status, out FixedResponse? page) ? page : ErrorResponses.For(status);

    private static ErrorPage? Find(ImmutableArray<ErrorPage> pages, int status) =>
        pages.FirstOrDefault(page => page.Status == status) ?? pages.FirstOrDefault(page => page.Status == status / 100);
}
