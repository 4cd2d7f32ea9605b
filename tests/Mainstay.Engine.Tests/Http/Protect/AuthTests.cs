using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Protection;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Linux.Authentication;

namespace Mainstay.Engine.Tests.Http.Protect;

/// <summary>Basic authentication and tokens in front of a server.</summary>
public sealed class AuthTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"mainstay-auth-{Guid.NewGuid():N}");
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        File.Delete(_file);
        _rsa.Dispose();
        _p256.Dispose();
    }

    [Fact]
    public async Task Basic_UsersOfEveryKind_AreLetInAndTheirNamesToldToServers()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu") + Line("bob", "$6$saltsalt") + Line("eve", "$5$saltsalt")
            + $"old:{Apr1.Hash("old-secret"u8, "$apr1$saltsalt")}\n");
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic());
        foreach (string user in new[] { "ada", "bob", "eve", "old" })
        {
            Assert.Equal(200, Ask(bench, user, $"{user}-secret").Status);
            Assert.True(server.Requests.TryDequeue(out Message? request));
            Assert.Equal(user, request["X-Remote-User"]);
            Assert.Null(request["Authorization"]);
        }

        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Authorization: Basic YWRhOndyb25n\r\n")]
    [InlineData("Authorization: Basic bm9ib2R5OmFkYS1zZWNyZXQ=\r\n")]
    [InlineData("Authorization: Basic !!!\r\n")]
    [InlineData("Authorization: Bearer x\r\n")]
    [InlineData("Authorization: Basic YWRhOmFkYS1zZWNyZXQ=\r\nAuthorization: Basic YWRhOmFkYS1zZWNyZXQ=\r\n")]
    [InlineData("Proxy-Authorization: Basic YWRhOmFkYS1zZWNyZXQ=\r\n")]
    public async Task Basic_AnythingElse_IsUnauthorizedAndTheConnectionStays(string fields)
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic());
        using RawPeer client = bench.Connect();
        client.Send($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        Message refused = client.ReadResponse();
        Assert.Equal((401, "Basic realm=\"staff\", charset=\"UTF-8\""), (refused.Status, refused["WWW-Authenticate"]));
        client.Send($"GET / HTTP/1.1\r\nHost: a\r\n{Credentials("ada", "ada-secret")}\r\n");
        Assert.Equal(200, client.ReadResponse().Status);
        Assert.Single(server.Requests);
        Assert.Equal(1, bench.Outcomes(OutcomeCause.Unauthorized));
    }

    [Fact]
    public async Task Basic_HeaderThatOnlyWeMaySay_IsTakenFromClients()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic());
        Message answer = bench.Ask(
            $"GET / HTTP/1.1\r\nHost: a\r\nx-remote-user: root\r\nX_Remote_User: root\r\n{Credentials("ada", "ada-secret")}Connection: close\r\n\r\n");
        Assert.Equal(200, answer.Status);
        Assert.Equal("ada", server.Requests.Single()["X-Remote-User"]);
        Assert.Null(server.Requests.Single()["X_Remote_User"]);
    }

    [Fact]
    public async Task Basic_BodyAndPipelinedRequests_WaitForTheCheckAndGoOn()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request.StartLine} {request.Text}"));
        await using ProxyBench bench = await Start(server, Basic());
        using RawPeer client = bench.Connect();
        string credentials = Credentials("ada", "ada-secret");
        client.Send($"POST /1 HTTP/1.1\r\nHost: a\r\n{credentials}Content-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: a\r\n{credentials}\r\n"
            + $"POST /3 HTTP/1.1\r\nHost: a\r\n{credentials}Content-Length: 6\r\n\r\nthr");
        Assert.Equal("POST /1 HTTP/1.1 one", client.ReadResponse().Text);
        Assert.Equal("GET /2 HTTP/1.1 ", client.ReadResponse().Text);
        client.Send("ee!");
        Assert.Equal("POST /3 HTTP/1.1 three!", client.ReadResponse().Text);
    }

    [Fact]
    public async Task Basic_ClientThatLeavesWhileItIsChecked_LeavesNothingBehind()
    {
        File.WriteAllText(_file, Line("ada", "$2y$10$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic());
        for (int i = 0; i < 4; i++)
        {
            using RawPeer client = bench.Connect();
            client.Send($"GET / HTTP/1.1\r\nHost: a\r\n{Credentials("ada", "ada-secret")}\r\n");
            bench.Settle();
            client.Reset();
        }

        Assert.Equal(200, Ask(bench, "ada", "ada-secret").Status);
        ProxyBench.Until(() => bench.Plane.Http.Sum(http => http.Open) == 0, "connections are left");
    }

    [Fact]
    public async Task Basic_TooManyWrongPasswords_AreNotLookedAtAnyMore()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic() with { Failures = new Rate(3, TimeSpan.FromHours(1), 3) });
        Assert.Equal([401, 401, 401], Enumerable.Range(0, 3).Select(i => Ask(bench, "ada", $"guess{i}").Status));
        Message refused = Ask(bench, "ada", "ada-secret");
        Assert.Equal(429, refused.Status);
        Assert.NotNull(refused["Retry-After"]);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Basic_RightPasswordAgainAndAgain_IsCheckedOnce()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic());
        for (int i = 0; i < 10; i++) Assert.Equal(200, Ask(bench, "ada", "ada-secret").Status);
        Assert.Equal([("accepted", 1)], bench.Plane.Current!.Services[0].Auth[0]!.Results());
    }

    [Fact]
    public async Task Basic_FileChanges_NewUsersAreLetInAndFormerOnesAreNot()
    {
        File.WriteAllText(_file, Line("ada", "$2y$04$abcdefghijklmnopqrstuu"));
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Basic() with { Failures = new Rate(1000, TimeSpan.FromSeconds(1), 1000) });
        Assert.Equal(200, Ask(bench, "ada", "ada-secret").Status);
        File.WriteAllText(_file, Line("someone-new", "$2y$04$abcdefghijklmnopqrstuu"));
        ProxyBench.Until(() => Ask(bench, "someone-new", "someone-new-secret").Status == 200, "the file is not read again");
        Assert.Equal(401, Ask(bench, "ada", "ada-secret").Status);
        File.WriteAllText(_file, "nonsense");
        await Task.Delay(1500);
        Assert.Equal(200, Ask(bench, "someone-new", "someone-new-secret").Status);
    }

    [Fact]
    public async Task Prepare_FileThatCannotBeUsed_IsAnErrorThatNamesIt()
    {
        Assert.Contains("no such file", Mainstay.Engine.Http.Auth.AuthEntries.Inspect(Basic()));
        File.WriteAllText(_file, "ada:plain\n");
        Assert.Contains("line 1", Mainstay.Engine.Http.Auth.AuthEntries.Inspect(Basic()));
        File.WriteAllText(_file, _rsa.ExportPkcs8PrivateKeyPem());
        Assert.Contains("private key", Mainstay.Engine.Http.Auth.AuthEntries.Inspect(Jwt()));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Jwt_SignedByAKeyOfTheSet_IsLetInWithItsClaims()
    {
        WriteKeySet();
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Jwt() with { Cookie = "session" });
        string token = Token("RS256", "r", $$"""{"iss":"me","sub":"ada","exp":{{Now + 60}},"roles":["a","b"]}""");
        Assert.Equal(200, Bearer(bench, token).Status);
        Assert.Equal(200, bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nX-Roles: root\r\nCookie: x=y; session={token}\r\nConnection: close\r\n\r\n").Status);
        Assert.Equal(200, Bearer(bench, Token("PS256", "r", $$"""{"iss":"me","sub":"bob","exp":{{Now + 60}}}""")).Status);
        Assert.Equal(200, Bearer(bench, Token("ES256", "e", $$"""{"iss":"me","sub":"eve","exp":{{Now + 60}}}""")).Status);
        Message[] requests = [.. server.Requests];
        Assert.Equal(["ada", "ada", "bob", "eve"], requests.Select(request => request["X-User"]));
        Assert.Equal(["a,b", "a,b", null, null], requests.Select(request => request["X-Roles"]));
        Assert.Equal($"Bearer {token}", requests[0]["Authorization"]);
    }

    [Fact]
    public async Task Jwt_ForgedInEveryWay_IsUnauthorizedAndSaysWhy()
    {
        WriteKeySet();
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Jwt() with { Failures = new Rate(1000, TimeSpan.FromSeconds(1), 1000) });
        string claims = $$"""{"iss":"me","sub":"ada","exp":{{Now + 60}}}""";
        string sound = Token("RS256", "r", claims);
        string[] parts = sound.Split('.');
        string publicKey = _rsa.ExportSubjectPublicKeyInfoPem();
        string none = $"{Encode("""{"alg":"none"}""")}.{Encode(claims)}";
        string confused = $"{Encode("""{"alg":"HS256","kid":"r"}""")}.{Encode(claims)}";
        Refused("algorithm is not accepted", none + ".");
        Refused("algorithm is not accepted", none + ".AA");
        Refused("algorithm is not accepted", $"{confused}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(publicKey), Encoding.ASCII.GetBytes(confused)))}");
        Refused("algorithm is not accepted", Token("RS256", "e", claims));
        Refused("signature is wrong", $"{parts[0]}.{Encode(claims.Replace("ada", "root"))}.{parts[2]}");
        Refused("signature is wrong", $"{parts[0]}.{parts[1]}.AAAA");
        Refused("key is not known", Token("RS256", "other", claims));
        Refused("has expired", Token("RS256", "r", $$"""{"iss":"me","exp":{{Now - 31}}}"""));
        Refused("not valid yet", Token("RS256", "r", $$"""{"iss":"me","exp":{{Now + 600}},"nbf":{{Now + 60}}}"""));
        Refused("another issuer", Token("RS256", "r", $$"""{"iss":"you","exp":{{Now + 60}}}"""));
        Refused("lacks a claim", Token("RS256", "r", """{"iss":"me"}"""));
        Refused("malformed", "x.y.z");
        Refused("too large", new string('x', 9000));
        Message bare = bench.Get();
        Assert.Equal((401, "Bearer realm=\"staff\""), (bare.Status, bare["WWW-Authenticate"]));
        Assert.Empty(server.Requests);

        void Refused(string why, string token)
        {
            Message refused = Bearer(bench, token);
            Assert.Equal(401, refused.Status);
            Assert.Contains("error=\"invalid_token\"", refused["WWW-Authenticate"]);
            Assert.Contains(why, refused["WWW-Authenticate"]);
        }
    }

    [Fact]
    public async Task Jwt_Secret_AcceptsHs256Alone()
    {
        const string secret = "0123456789abcdef0123456789abcdef";
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Jwt() with { Keys = "", Secret = secret });
        string signed = $"{Encode("""{"alg":"HS256"}""")}.{Encode($$"""{"iss":"me","exp":{{Now + 60}}}""")}";
        string right = Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), Encoding.ASCII.GetBytes(signed)));
        Assert.Equal(200, Bearer(bench, $"{signed}.{right}").Status);
        Assert.Equal(401, Bearer(bench, $"{signed}.{right[..20]}").Status);
        Assert.Equal(401, Bearer(bench, Token("RS256", "r", $$"""{"iss":"me","exp":{{Now + 60}}}""")).Status);
    }

    [Fact]
    public async Task Jwt_PemFile_BindsTheKeyToItsAlgorithm()
    {
        File.WriteAllText(_file, _p256.ExportSubjectPublicKeyInfoPem());
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, Jwt());
        Assert.Equal(200, Bearer(bench, Token("ES256", "any", $$"""{"iss":"me","exp":{{Now + 60}}}""")).Status);
        Assert.Equal(401, Bearer(bench, Token("RS256", "any", $$"""{"iss":"me","exp":{{Now + 60}}}""")).Status);
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    private static string Line(string user, string setting) => $"{user}:{PasswordHash.Compute(Encoding.UTF8.GetBytes($"{user}-secret"), setting)}\n";

    private static string Credentials(string user, string password) =>
        $"Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))}\r\n";

    private static Message Ask(ProxyBench bench, string user, string password) =>
        bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\n{Credentials(user, password)}Connection: close\r\n\r\n");

    private static Message Bearer(ProxyBench bench, string token) =>
        bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static Task<ProxyBench> Start(ScriptedServer server, AuthSnapshot auth)
    {
        HttpSnapshot service = BenchConfig.Service(BenchConfig.Route(new RouteAction.ToPool("app")) with { Auth = auth.Name });
        return ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(server.Address), service) with { Auth = [auth] });
    }

    private BasicAuthSnapshot Basic() => new(_file)
    {
        Name = "staff",
        Realm = "staff",
        UserHeader = "X-Remote-User",
        Forward = false,
        Cache = TimeSpan.FromMinutes(5),
        Failures = new Rate(20, TimeSpan.FromMinutes(1), 20),
    };

    private JwtAuthSnapshot Jwt() => new(
        _file, "", [], new JwtPolicy(["me"], [], TimeSpan.FromSeconds(30), true, [], "sub", [new ClaimHeader("roles", "X-Roles")]), "")
    {
        Name = "staff",
        Realm = "staff",
        UserHeader = "X-User",
        Forward = true,
        Cache = TimeSpan.FromMinutes(1),
        Failures = new Rate(20, TimeSpan.FromMinutes(1), 20),
    };

    private void WriteKeySet()
    {
        RSAParameters rsa = _rsa.ExportParameters(false);
        ECParameters curve = _p256.ExportParameters(false);
        File.WriteAllText(_file, $$"""
            {"keys":[
              {"kty":"RSA","kid":"r","n":"{{Base64Url.EncodeToString(rsa.Modulus)}}","e":"{{Base64Url.EncodeToString(rsa.Exponent)}}"},
              {"kty":"EC","crv":"P-256","kid":"e","x":"{{Base64Url.EncodeToString(curve.Q.X)}}","y":"{{Base64Url.EncodeToString(curve.Q.Y)}}"}
            ]}
            """);
    }

    private string Token(string algorithm, string keyId, string claims)
    {
        string signed = $"{Encode($$"""{"alg":"{{algorithm}}","kid":"{{keyId}}"}""")}.{Encode(claims)}";
        byte[] bytes = Encoding.ASCII.GetBytes(signed);
        byte[] signature = algorithm switch
        {
            "RS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "PS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            _ => _p256.SignData(bytes, HashAlgorithmName.SHA256),
        };
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }
}
