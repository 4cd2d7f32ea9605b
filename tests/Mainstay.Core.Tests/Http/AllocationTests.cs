using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Tests.Http;

public class AllocationTests
{
    private static readonly HttpLimits s_limits = new();

    [Fact]
    public void WholeRequestPath_InSteadyState_AllocatesNothing()
    {
        var path = new RequestPath();
        for (int i = 0; i < 200; i++) path.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) path.Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>
    /// Scan, parse, route, pick, write, answer, follow the body, and log: everything that one request costs in here.
    /// </summary>
    private sealed class RequestPath
    {
        private readonly byte[] _request = Encoding.ASCII.GetBytes(
            "POST /a/%62/../c?x=1&y=%32 HTTP/1.1\r\nHost: www.Example.com\r\nUser-Agent: Mozilla/5.0 (a bot)\r\nCookie: a=b; sid=7\r\n"
            + "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nX-Forwarded-For: 1.2.3.4\r\nTransfer-Encoding: chunked\r\nReferer: http://r/\r\n\r\n");

        private readonly byte[] _body = "5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"u8.ToArray();
        private readonly byte[] _response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\n"u8.ToArray();
        private readonly byte[] _output = new byte[AccessLogWriter.MaxLength];
        private readonly RequestHead _head = new();
        private readonly ResponseHead _answer = new();
        private readonly ForwardedPolicy _policy = new(new ForwardedSnapshot([], Standard: true));
        private readonly PickHash _hash = new(new BalanceSnapshot(Algorithm.Hash, HashSource.Cookie, "sid"));
        private readonly RequestId _ids = new(7);
        private readonly RedirectResponse _redirect;
        private readonly StatedOrigin _client = new(NetAddress.V4(0xC0000207));
        private readonly byte[] _id = new byte[RequestId.Length];
        private readonly byte[] _date = new byte[HttpDate.Length];

        private readonly RouteTable _routes;

        public RequestPath()
        {
            var action = new RouteAction.Redirect(308, "https://{host}/{1}/{lang}?{query.y}&a={client.address}&t={time.iso}");
            RouteMatch[] matches =
            [
                new() { Host = [new HostPattern("other.example", false)] },
                new() { Method = ["PURGE"] },
                new() { Query = [new NamedMatch("y", [new ValuePattern(PatternKind.Exact, "3")])] },
                new() { Any = [new RouteMatch { Cookie = [new NamedMatch("sid", [new ValuePattern(PatternKind.Exact, "8")])] }] },
                new()
                {
                    Host = [new HostPattern("example.com", true)],
                    Path = [new PathPattern(PatternKind.RegexIgnoreCase, "^/A/(C)$")],
                    Header = [new NamedMatch("user-agent", [new ValuePattern(PatternKind.RegexIgnoreCase, "(?<lang>bot|crawler)")])],
                    Not = [new RouteMatch { Method = ["GET"] }],
                },
            ];
            HttpSnapshot service = RouteTableTests.Service([.. matches.Select((match, i) => new RouteSnapshot($"{i}", match, action))]);
            var rules = new ServiceRules(service);
            _redirect = new RedirectResponse(action, rules.Routes[4].Redirect!);
            _routes = new RouteTable(service, rules, new RuleTables());
        }

        public void Run()
        {
            var scanner = new HeadScanner();
            Check(scanner.TryFindEnd(_request, s_limits, out int length, out _));
            Check(_head.TryParse(_request.AsSpan(0, length), s_limits, out _));
            Check(_routes.TryMatch(_head, _request, _client, out int route, out RuleInput input, out _));
            Check(route == 4);
            Check(_hash.Input(_head, _request, _client.Address, _id).SequenceEqual("7"u8));
            _ids.Write(_id);
            HttpDate.Format(1_700_000_000, _date);
            Check(WriteRequest() > 0);
            var body = new ChunkedReader();
            Check(body.TryPass(_body, s_limits, out _, out _) && body.IsEnd);
            Check(_answer.TryParse(_response, _head.Method, false, s_limits, out _));
            Check(WriteResponse() > 0);
            Check(ErrorResponses.Write(_output, 502, _date) > 0);
            Check(_redirect.Write(_output, input, _date, default) > 0);
            WriteLog(AccessLogFormat.Json);
            WriteLog(AccessLogFormat.Combined);
        }

        /// <summary>Not an assertion of the test framework: those allocate.</summary>
        private static void Check(bool holds)
        {
            if (!holds) throw new InvalidOperationException("the request did not go through");
        }

        private int WriteRequest() => RequestHeadWriter.Write(_output, _head, _request, new ForwardingContext
        {
            Policy = _policy,
            ClientAddress = "192.0.2.7"u8,
            TrustedPeer = false,
            Tls = true,
            RequestId = _id,
            DefaultHost = "s"u8,
        });

        private int WriteResponse() => ResponseHeadWriter.Write(_output, _answer, _response, new ResponseContext
        {
            ClientIsHttp10 = false,
            KeepAlive = true,
            Via = true,
            Date = _date,
        });

        private void WriteLog(AccessLogFormat format) => Check(AccessLogWriter.Write(_output, format, new AccessRecord
        {
            UnixMicroseconds = 1_700_000_000_000_000,
            Client = "192.0.2.7"u8,
            Method = "GET"u8,
            Target = _head.Target.Of(_request),
            Status = 200,
            UserAgent = "a\"b\u00e9"u8,
            Outcome = Outcome.Completed,
            RequestId = _id,
        }) > 0);
    }
}
