using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>The conditions of one route, made ready: all of them have to hold, and any pattern of a condition will do.</summary>
internal sealed class RouteConditions
{
    private readonly bool _anyHost;
    private readonly byte[][] _hostSuffixes;
    private readonly TextPattern[] _paths;
    private readonly uint _knownMethods;
    private readonly byte[][] _otherMethods;
    private readonly AddressRange[] _sources;
    private readonly NamedCondition[] _headers;
    private readonly NamedCondition[] _parameters;
    private readonly NamedCondition[] _cookies;

    public RouteConditions(RouteMatch match)
    {
        _anyHost = match.Host.IsEmpty;

        // "*.example.com" is compared as ".example.com".
        _hostSuffixes = [.. match.Host.Where(host => host.Wildcard).Select(host => Encoding.ASCII.GetBytes("." + Suffix(host)))];
        _paths = [.. match.Path.Select(path => new TextPattern(path.Kind, path.Text))];
        byte[][] methods = [.. match.Method.Select(Encoding.ASCII.GetBytes)];
        foreach (byte[] method in methods) _knownMethods |= 1u << (int)RequestMethods.Parse(method);
        _otherMethods = [.. methods.Where(method => RequestMethods.Parse(method) == RequestMethod.Other)];
        _sources = [.. match.Source];
        _headers = Compile(match.Header);
        _parameters = Compile(match.Query);
        _cookies = Compile(match.Cookie);
    }

    /// <summary>Not only the hosts that it names exactly.</summary>
    public bool MatchesManyHosts => _anyHost || _hostSuffixes.Length > 0;

    /// <param name="hostMatched">The host is one that the route names exactly.</param>
    public bool Match(in RouteInput input, bool hostMatched) =>
        (hostMatched || _anyHost || MatchesSuffix(input.Host))
        && (_paths.Length == 0 || MatchesPath(input))
        && ((_knownMethods == 0 && _otherMethods.Length == 0) || MatchesMethod(input))
        && (_sources.Length == 0 || MatchesSource(input.Source))
        && (_headers.Length == 0 || MatchesHeaders(input))
        && (_parameters.Length == 0 || MatchesParameters(input))
        && (_cookies.Length == 0 || MatchesCookies(input));

    private static string Suffix(HostPattern host) => HostIndex.Canonical(host).TrimStart('*').TrimStart('.');

    private static NamedCondition[] Compile(ImmutableArray<NamedMatch> matches) =>
        [.. matches.Select(match => new NamedCondition(
            Encoding.UTF8.GetBytes(match.Name), [.. match.Values.Select(value => new TextPattern(value.Kind, value.Text))]))];

    private bool MatchesSuffix(ReadOnlySpan<byte> host)
    {
        foreach (byte[] suffix in _hostSuffixes)
            if (host.Length > suffix.Length && host.EndsWith(suffix)) return true;
        return false;
    }

    private bool MatchesPath(in RouteInput input)
    {
        foreach (TextPattern path in _paths)
            if (path.Matches(input.Path, input.Chars)) return true;
        return false;
    }

    private bool MatchesMethod(in RouteInput input)
    {
        RequestMethod method = input.Request.Method;
        if (method != RequestMethod.Other) return (_knownMethods >> (int)method & 1) != 0;
        ReadOnlySpan<byte> name = input.Request.MethodRange.Of(input.Head);
        foreach (byte[] other in _otherMethods)
            if (name.SequenceEqual(other)) return true;
        return false;
    }

    private bool MatchesSource(NetAddress source)
    {
        foreach (AddressRange range in _sources)
            if (range.Contains(source)) return true;
        return false;
    }

    private bool MatchesHeaders(in RouteInput input)
    {
        foreach (NamedCondition condition in _headers)
            if (!AnyHeader(input, condition)) return false;
        return true;
    }

    private static bool AnyHeader(in RouteInput input, NamedCondition condition)
    {
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (RequestValues.HasName(field, input.Head, condition.Name)
                && condition.Accepts(field.ValueRange.Of(input.Head), input.Chars)) return true;
        }

        return false;
    }

    private bool MatchesParameters(in RouteInput input)
    {
        foreach (NamedCondition condition in _parameters)
            if (!AnyParameter(input, condition)) return false;
        return true;
    }

    private static bool AnyParameter(in RouteInput input, NamedCondition condition)
    {
        ReadOnlySpan<byte> query = input.Request.Query.Of(input.Head);
        while (RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (RequestValues.DecodeParameter(name, input.Bytes).SequenceEqual(condition.Name)
                && condition.Accepts(RequestValues.DecodeParameter(value, input.Bytes), input.Chars)) return true;
        }

        return false;
    }

    private bool MatchesCookies(in RouteInput input)
    {
        foreach (NamedCondition condition in _cookies)
            if (!AnyCookie(input, condition)) return false;
        return true;
    }

    private static bool AnyCookie(in RouteInput input, NamedCondition condition)
    {
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(input.Head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
                if (name.SequenceEqual(condition.Name) && condition.Accepts(value, input.Chars)) return true;
        }

        return false;
    }
}

/// <summary>A header, query or cookie condition. Without patterns it asks only for presence.</summary>
internal sealed record NamedCondition(byte[] Name, TextPattern[] Values)
{
    public bool Accepts(ReadOnlySpan<byte> value, Span<char> chars)
    {
        if (Values.Length == 0) return true;
        foreach (TextPattern pattern in Values)
            if (pattern.Matches(value, chars)) return true;
        return false;
    }
}
