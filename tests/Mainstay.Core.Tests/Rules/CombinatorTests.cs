using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;
using Mainstay.Core.Rules.Conditions;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Rules;

/// <summary>all, any and not against a twin that reads the same conditions from the request's own words.</summary>
public class CombinatorTests
{
    private static readonly string[] s_hosts = ["a.example", "b.example", "c.other"];
    private static readonly string[] s_paths = ["/", "/x", "/x/y", "/z"];
    private static readonly string[] s_methods = ["GET", "POST", "PURGE"];

    [Fact]
    public void TryMatch_RandomCombinations_AgreeWithTheTwin()
    {
        var random = new Random(5);
        int taken = 0;
        for (int i = 0; i < 2000; i++)
        {
            RouteMatch[] routes = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Match(random, 3))];
            RouteTable table = RouteTableTests.Table(routes);
            for (int request = 0; request < 5; request++)
            {
                var facts = new Facts(
                    s_hosts[random.Next(3)], s_paths[random.Next(4)], s_methods[random.Next(3)], random.Next(4), random.Next(2) == 0, 80 + random.Next(3));
                byte[] head = RuleBench.Head(facts.Path, $"X-N: {facts.Number}\r\n", facts.Method, facts.Host);
                var origin = new StatedOrigin(NetAddress.V4(0x0A000000u + (uint)facts.Number), 1, facts.Port, facts.Tls);
                var trace = new MatchTrace();
                table.TryMatch(RuleBench.Parse(head), head, origin, out int plain, out _, out _);
                table.TryMatch(RuleBench.Parse(head), head, origin, out int traced, out _, out _, trace);
                int expected = Array.FindIndex(routes, route => Twin(route, facts));
                Assert.Equal(expected, plain);

                // An explanation goes the same way and leaves no route out.
                Assert.Equal(expected, traced);
                Assert.Equal(Enumerable.Range(0, expected < 0 ? routes.Length : expected + 1), trace.Routes.Select(route => route.Route));
                if (expected >= 0) taken++;
            }
        }

        Assert.InRange(taken, 2000, 9500);
    }

    private sealed record Facts(string Host, string Path, string Method, int Number, bool Tls, int Port);

    private static bool Twin(RouteMatch match, Facts facts)
    {
        bool host = match.Host.IsEmpty || match.Host.Any(h => h.Wildcard ? facts.Host.EndsWith("." + h.Suffix) : h.Suffix == facts.Host);
        bool path = match.Path.IsEmpty || match.Path.Any(p => facts.Path == p.Text || facts.Path.StartsWith(p.Text.TrimEnd('/') + "/"));
        bool method = match.Method.IsEmpty || match.Method.Contains(facts.Method);
        bool source = match.Source.IsEmpty || match.Source.Any(r => r.Address.Value == 0x0A000000u + (uint)facts.Number);
        bool header = match.Header.All(h => h.Values.Any(v => v.Text == $"{facts.Number}"));
        bool scheme = match.Scheme is null || (match.Scheme == RequestScheme.Https) == facts.Tls;
        bool port = match.Port.IsEmpty || match.Port.Contains(facts.Port);
        return host && path && method && source && header && scheme && port
            && match.All.All(inner => Twin(inner, facts))
            && (match.Any.IsEmpty || match.Any.Any(inner => Twin(inner, facts)))
            && !match.Not.Any(inner => Twin(inner, facts));
    }

    private static RouteMatch Match(Random random, int depth)
    {
        bool One(int of) => random.Next(of) == 0;
        T[] Some<T>(params T[] from) => [.. from.Where(_ => One(2))];
        return new RouteMatch
        {
            Host = One(3) ? [.. Some(new HostPattern("a.example", false), new HostPattern("example", true), new HostPattern("c.other", false))] : [],
            Path = One(3) ? [new PathPattern(PatternKind.SegmentPrefix, s_paths[random.Next(4)])] : [],
            Method = One(3) ? [.. Some(s_methods)] : [],
            Source = One(5) ? [new AddressRange(NetAddress.V4(0x0A000000u + (uint)random.Next(4)), 32)] : [],
            Header = One(5) ? [new NamedMatch("x-n", [new ValuePattern(PatternKind.Exact, $"{random.Next(4)}")])] : [],
            Scheme = One(6) ? (One(2) ? RequestScheme.Http : RequestScheme.Https) : null,
            Port = One(5) ? [80 + random.Next(3)] : [],
            All = depth > 0 && One(4) ? [.. Enumerable.Range(0, 2).Select(_ => Match(random, depth - 1))] : [],
            Any = depth > 0 && One(3) ? [.. Enumerable.Range(0, 2).Select(_ => Match(random, depth - 1))] : [],
            Not = depth > 0 && One(3) ? [Match(random, depth - 1)] : [],
        };
    }
}
