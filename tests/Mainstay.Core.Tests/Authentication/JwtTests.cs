using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Authentication;

namespace Mainstay.Core.Tests.Authentication;

public class JwtTests
{
    private const long Now = 1_700_000_000;

    private static readonly JwtPolicy s_policy = new(
        ["https://issuer.example"], ["api"], TimeSpan.FromSeconds(30), RequireExpiry: true, [new RequiredClaim("scope", ["read"])], "sub",
        [new ClaimHeader("roles", "X-Roles"), new ClaimHeader("nothing", "X-Nothing")]);

    private readonly JwtReader _reader = new();

    [Fact]
    public void Read_ExampleOfRfc7515A3_IsTakenApart()
    {
        const string token = "eyJhbGciOiJFUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        Assert.Equal(JwtProblem.None, _reader.Read(Encoding.ASCII.GetBytes(token)));
        Assert.Equal(JwtAlgorithm.ES256, _reader.Algorithm);
        Assert.Equal(64, _reader.Signature.Length);
        Assert.Equal(token[..token.LastIndexOf('.')], Encoding.ASCII.GetString(_reader.Signed));
        Assert.StartsWith("{\"iss\":\"joe\"", Encoding.UTF8.GetString(_reader.Payload));
        Assert.True(_reader.KeyId.IsEmpty);
    }

    [Theory]
    [InlineData("""{"alg":"none"}""", JwtProblem.UnsupportedAlgorithm)]
    [InlineData("""{"alg":"None"}""", JwtProblem.UnsupportedAlgorithm)]
    [InlineData("""{"alg":"HS384"}""", JwtProblem.UnsupportedAlgorithm)]
    [InlineData("""{"alg":"rs256"}""", JwtProblem.UnsupportedAlgorithm)]
    [InlineData("""{"alg":"R\u0053256"}""", JwtProblem.UnsupportedAlgorithm)]
    [InlineData("""{"alg":["RS256"]}""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256","alg":"HS256"}""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256","kid":"a","kid":"b"}""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256","kid":7}""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256","crit":["exp"]}""", JwtProblem.CriticalExtension)]
    [InlineData("""{"typ":"JWT"}""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256"} {}""", JwtProblem.Malformed)]
    [InlineData("""["RS256"]""", JwtProblem.Malformed)]
    [InlineData("""{"alg":"RS256""", JwtProblem.Malformed)]
    [InlineData("", JwtProblem.Malformed)]
    public void Read_HeaderThatIsNotAccepted_IsNamed(string header, JwtProblem expected) =>
        Assert.Equal(expected, _reader.Read(Token(header, "{}", "sig")));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9..c2ln")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.c2ln.c2ln")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30=.c2ln")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e3 0.c2ln")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e+/w.c2ln")]
    public void Read_NoCompactToken_IsMalformed(string token) => Assert.Equal(JwtProblem.Malformed, _reader.Read(Encoding.ASCII.GetBytes(token)));

    [Fact]
    public void Read_HugeToken_IsTooLarge() => Assert.Equal(JwtProblem.TooLarge, _reader.Read(new byte[JwtReader.MaxLength + 1]));

    [Fact]
    public void Read_HeaderWithNestedMembersAndKeyId_FindsWhatCounts()
    {
        Assert.Equal(JwtProblem.None, _reader.Read(Token("""{"x":{"alg":"none","crit":[1]},"kid":"a\u0062c","alg":"PS384","y":[[]]}""", "{}", "s")));
        Assert.Equal(JwtAlgorithm.PS384, _reader.Algorithm);
        Assert.Equal("abc", Encoding.UTF8.GetString(_reader.KeyId));
        Assert.Equal(JwtProblem.None, _reader.Read(Token("""{"alg":"RS256"}""", "{}", "s")));
        Assert.True(_reader.KeyId.IsEmpty);
    }

    [Fact]
    public void Read_MutatedTokens_NeverThrows()
    {
        var random = new Random(2);
        byte[] sound = Token("""{"alg":"RS256","kid":"abc","x":{"y":[1,2]}}""", """{"sub":"a"}""", "signature");
        for (int i = 0; i < 50_000; i++)
        {
            byte[] bytes = [.. sound];
            for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            _reader.Read(bytes);
            byte[] header = Encoding.UTF8.GetBytes("""{"alg":"RS256","kid":"abc","x":{"y":[1,2]}}""");
            header[random.Next(header.Length)] = (byte)random.Next(256);
            _reader.Read(Token(Encoding.Latin1.GetString(header), "{}", "s"));
        }
    }

    [Theory]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"scope":"read","sub":"ada"}""", JwtProblem.None)]
    [InlineData("""{"iss":"https://issuer.example","aud":["x","api"],"exp":1700000100.5,"scope":"write read","sub":"ada"}""", JwtProblem.None)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1699999971,"scope":"read"}""", JwtProblem.None)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1699999970,"scope":"read"}""", JwtProblem.Expired)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"nbf":1700000031,"scope":"read"}""", JwtProblem.NotYetValid)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"iat":1700000031,"scope":"read"}""", JwtProblem.NotYetValid)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"nbf":1700000030,"scope":"read"}""", JwtProblem.None)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","scope":"read"}""", JwtProblem.MissingClaim)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":"1700000100","scope":"read"}""", JwtProblem.Malformed)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1e400,"scope":"read"}""", JwtProblem.Malformed)]
    [InlineData("""{"iss":"https://issuer.example/","aud":"api","exp":1700000100,"scope":"read"}""", JwtProblem.WrongIssuer)]
    [InlineData("""{"aud":"api","exp":1700000100,"scope":"read"}""", JwtProblem.WrongIssuer)]
    [InlineData("""{"iss":"https://issuer.example","aud":"apis","exp":1700000100,"scope":"read"}""", JwtProblem.WrongAudience)]
    [InlineData("""{"iss":"https://issuer.example","aud":{"api":1},"exp":1700000100,"scope":"read"}""", JwtProblem.WrongAudience)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"scope":"reader"}""", JwtProblem.MissingClaim)]
    [InlineData("""{"iss":"https://issuer.example","aud":"api","exp":1700000100,"exp":1,"scope":"read"}""", JwtProblem.Malformed)]
    [InlineData("""[]""", JwtProblem.Malformed)]
    [InlineData("""{""", JwtProblem.Malformed)]
    public void Judge_Claims_AreHeldAgainstThePolicy(string claims, JwtProblem expected) =>
        Assert.Equal(expected, s_policy.Judge(Encoding.UTF8.GetBytes(claims), Now, out _));

    [Fact]
    public void Judge_ClaimsForHeaders_AreOneHarmlessLineEach()
    {
        const string claims = """{"iss":"https://issuer.example","aud":"api","exp":1700000100,"scope":"read","sub":"a\r\nX: y","roles":["b","c\u00e9",3]}""";
        Assert.Equal(JwtProblem.None, s_policy.Judge(Encoding.UTF8.GetBytes(claims), Now, out JwtIdentity identity));
        Assert.Equal("a??X: y", identity.User);
        Assert.Equal(1700000130, identity.Expires);
        Assert.Equal([("X-Roles", "b,c?,3"), ("X-Nothing", "")], identity.Headers);
    }

    [Fact]
    public void Keys_SetOfAllKinds_BindsEachKeyToItsAlgorithms()
    {
        using var rsa = RSA.Create(2048);
        using var weak = RSA.Create(1024);
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string[] members =
        [
            Rsa(rsa, "r", null), Rsa(rsa, "only", "RS384"), Rsa(rsa, "confused", "ES256"), Rsa(weak, "weak", null),
            Curve(p256, "P-256", "e"), Curve(p384, "P-384", "f"), Curve(p256, "P-384", "off-curve"),
            $$"""{"kty":"OKP","crv":"Ed25519","kid":"d","x":"{{Base64Url.EncodeToString(new byte[32])}}"}""",
            """{"kty":"oct","kid":"secret","k":"c2VjcmV0"}""",
            """{"kty":"RSA","kid":"enc","use":"enc","n":"AQAB","e":"AQAB"}""",
        ];
        string json = $$"""{"keys":[{{string.Join(',', members)}}]}""";
        Assert.True(JsonWebKeys.TryRead(Encoding.UTF8.GetBytes(json), out ImmutableArray<JwtKey> keys, out _));
        Assert.Equal(["r", "only", "e", "f", "d"], keys.Select(key => key.Id));
        Assert.Equal(JwtAlgorithms.Rsa, keys[0].Algorithms);
        Assert.Equal([JwtAlgorithm.RS384], keys[1].Algorithms);
        Assert.Equal([JwtAlgorithm.ES256], keys[2].Algorithms);
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), keys[0].PublicKey);
        Assert.Equal(p384.ExportSubjectPublicKeyInfo(), keys[3].PublicKey);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[1,{"kty":"RSA","n":"!","e":"AQAB"}]}""")]
    [InlineData("<html>")]
    public void Keys_NoUsableSet_SaysWhy(string json)
    {
        Assert.False(JsonWebKeys.TryRead(Encoding.UTF8.GetBytes(json), out _, out string problem));
        Assert.NotEmpty(problem);
    }

    private static string Rsa(RSA rsa, string kid, string? alg)
    {
        RSAParameters key = rsa.ExportParameters(false);
        string use = alg is null ? "" : $"\"alg\":\"{alg}\",";
        return $$"""{"kty":"RSA","kid":"{{kid}}",{{use}}"n":"{{Base64Url.EncodeToString(key.Modulus)}}","e":"{{Base64Url.EncodeToString(key.Exponent)}}"}""";
    }

    private static string Curve(ECDsa ecdsa, string crv, string kid)
    {
        ECParameters key = ecdsa.ExportParameters(false);
        return $$"""{"kty":"EC","crv":"{{crv}}","kid":"{{kid}}","x":"{{Base64Url.EncodeToString(key.Q.X)}}","y":"{{Base64Url.EncodeToString(key.Q.Y)}}"}""";
    }

    private static byte[] Token(string header, string payload, string signature) => Encoding.ASCII.GetBytes(
        string.Join('.', new[] { header, payload, signature }.Select(part => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part)))));
}
