using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>
/// The routes of one service, compiled: the first whose conditions all hold wins. Routes for exact hosts are found by one lookup,
/// whatever their number. A shard has its own table, because matching uses scratch memory of the table; it allocates nothing.
/// </summary>
public sealed class RouteTable
{
    private readonly RouteConditions[] _routes;
    private readonly HostIndex _hosts;

    /// <summary>Routes that any host, or any host below a wildcard's suffix, may match; in order.</summary>
    private readonly int[] _general;
    private byte[] _bytes = new byte[1024];
    private char[] _chars = new char[512];

    public RouteTable(HttpSnapshot service)
    {
        Routes = service.Routes;
        _routes = [.. service.Routes.Select(route => new RouteConditions(route.Match))];
        _hosts = new HostIndex(service.Routes);
        _general = [.. Enumerable.Range(0, _routes.Length).Where(index => _routes[index].MatchesManyHosts)];
    }

    public ImmutableArray<RouteSnapshot> Routes { get; }

    /// <summary>Chooses the route of a request.</summary>
    /// <param name="source">The address that source conditions are about.</param>
    /// <param name="route">Index into <see cref="Routes"/>.</param>
    /// <returns>False: no route matches, or the path had to be refused for <paramref name="reason"/>.</returns>
    public bool TryMatch(RequestHead request, ReadOnlySpan<byte> head, NetAddress source, out int route, out RejectReason reason)
    {
        route = -1;
        Reserve(head.Length);
        if (!PathNormalizer.TryNormalize(request.Path.Of(head), _bytes, out ReadOnlySpan<byte> path, out reason)) return false;

        // The normalised path occupies the first half of the scratch memory; decoded parameters go into the second.
        var input = new RouteInput
        {
            Request = request,
            Head = head,
            Source = source,
            Path = path,
            Bytes = _bytes.AsSpan(_bytes.Length / 2),
            Chars = _chars,
            Host = HostIndex.Normalize(request.Host.Of(head), stackalloc byte[HostIndex.MaxLength]),
        };
        route = FirstMatch(input);
        return route >= 0;
    }

    /// <summary>Goes through the host's own routes and the general ones in the order of the configuration.</summary>
    private int FirstMatch(in RouteInput input)
    {
        ReadOnlySpan<int> own = _hosts.Find(input.Host);
        ReadOnlySpan<int> general = _general;
        while (!own.IsEmpty || !general.IsEmpty)
        {
            bool takeOwn = general.IsEmpty || (!own.IsEmpty && own[0] <= general[0]);
            int index = takeOwn ? own[0] : general[0];
            if (_routes[index].Match(input, hostMatched: takeOwn)) return index;
            if (takeOwn) own = own[1..];
            else general = general[1..];
        }

        return -1;
    }

    private void Reserve(int headLength)
    {
        if (_chars.Length >= headLength) return;
        _bytes = new byte[2 * headLength];
        _chars = new char[headLength];
    }
}

/// <summary>One request as the conditions see it.</summary>
internal readonly ref struct RouteInput
{
    public required RequestHead Request { get; init; }
    public required ReadOnlySpan<byte> Head { get; init; }
    public required NetAddress Source { get; init; }

    /// <summary>Normalised.</summary>
    public required ReadOnlySpan<byte> Path { get; init; }

    /// <summary>Lower case, without a final dot.</summary>
    public required ReadOnlySpan<byte> Host { get; init; }

    // Scratch for one comparison at a time.
    public required Span<byte> Bytes { get; init; }
    public required Span<char> Chars { get; init; }
}
