using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Rules;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Rules;

/// <summary>One route and one request: what the route's template makes of it.</summary>
internal static class RuleBench
{
    public static byte[] Head(string target, string fields = "", string method = "GET", string host = "www.example.com") =>
        Encoding.Latin1.GetBytes($"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");

    public static RequestHead Parse(byte[] head)
    {
        var request = new RequestHead();
        Assert.True(request.TryParse(head, new HttpLimits(), out RejectReason reason), reason.ToString());
        return request;
    }

    /// <summary>Where a redirect of that route leads; null when the route does not match.</summary>
    public static string? Redirect(RouteMatch match, string location, byte[] head, IRequestOrigin? origin = null, RuleTables? tables = null)
    {
        HttpSnapshot service = RouteTableTests.Service(new RouteSnapshot("r", match, new RouteAction.Redirect(302, location)));
        var rules = new ServiceRules(service);
        var table = new RouteTable(service, rules, tables ?? new RuleTables());
        if (!table.TryMatch(Parse(head), head, origin ?? new StatedOrigin(), out _, out RuleInput input, out _)) return null;
        byte[] output = new byte[8192];
        int length = new RedirectResponse(new RouteAction.Redirect(302, location), rules.Routes[0].Redirect!).Write(output, input, new byte[29], default);
        Assert.True(length > 0);
        string text = Encoding.Latin1.GetString(output, 0, length);
        int start = text.IndexOf("Location: ", StringComparison.Ordinal) + 10;
        return text[start..text.IndexOf("\r\n", start, StringComparison.Ordinal)];
    }

    public static RouteMatch Path(string expression) => new() { Path = [new PathPattern(PatternKind.Regex, expression)] };
}
