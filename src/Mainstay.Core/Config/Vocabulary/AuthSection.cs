using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>How clients prove who they are.</summary>
internal static class AuthSection
{
    private const int LeastSecret = 32;

    private static Key<T, string> Realm<T>()
        where T : AuthSnapshot => new("realm", new TextType("text", "printable ASCII without quotes and backslashes", RealmRule), a => a.Realm)
        { Doc = "What is protected, as browsers show it.", Default = Key.Plain("restricted") };

    private static Key<T, string?> UserHeader<T>()
        where T : AuthSnapshot => new("user-header", new OptionalType<string>(TextType.Token), a => a.UserHeader.Length == 0 ? null : a.UserHeader)
        { Doc = "Header that tells servers the user's name. What clients send under that name is removed.", Otherwise = "none" };

    private static Key<T, bool> Forward<T>(bool forward)
        where T : AuthSnapshot => new("forward", BooleanType.Instance, a => a.Forward)
        { Doc = "The credentials go on to servers.", Default = Key.Plain(forward ? "true" : "false") };

    private static Key<T, TimeSpan> Cache<T>(string time)
        where T : AuthSnapshot => new("cache", new DurationType(TimeSpan.Zero, TimeSpan.FromHours(1)), a => a.Cache)
        { Doc = "How long credentials that were right need not be checked again; 0 is each time.", Default = Key.Plain(time) };

    private static Key<T, (long Count, TimeSpan Per)> Failures<T>()
        where T : AuthSnapshot => new("failures", RateType.Counts, a => (a.Failures.Count, a.Failures.Per))
        { Doc = "Wrong credentials of one address in a time; more are answered 429 without being looked at.", Default = Key.Plain("20/m") };

    private static readonly Key<BasicAuthSnapshot, string> File = new("file", TextType.Path, b => b.File)
    { Doc = "Password file as htpasswd writes it: bcrypt, SHA-256, SHA-512, yescrypt, apr1. Read again when it changes.", Required = true };

    private static readonly Key<BasicAuthSnapshot, string> BasicRealm = Realm<BasicAuthSnapshot>();
    private static readonly Key<BasicAuthSnapshot, string?> BasicUser = UserHeader<BasicAuthSnapshot>();
    private static readonly Key<BasicAuthSnapshot, bool> BasicForward = Forward<BasicAuthSnapshot>(false);
    private static readonly Key<BasicAuthSnapshot, TimeSpan> BasicCache = Cache<BasicAuthSnapshot>("5m");
    private static readonly Key<BasicAuthSnapshot, (long, TimeSpan)> BasicFailures = Failures<BasicAuthSnapshot>();

    private static readonly Section<BasicAuthSnapshot> Basic = new(
        "auth.NAME.basic",
        [File, BasicRealm, BasicUser, BasicForward, BasicCache, BasicFailures],
        v => new BasicAuthSnapshot(v.Get(File))
        {
            Name = "",
            Realm = v.Get(BasicRealm),
            UserHeader = v.Get(BasicUser) ?? "",
            Forward = v.Get(BasicForward),
            Cache = v.Get(BasicCache),
            Failures = RateOf(v.Get(BasicFailures)),
        })
    { Doc = "Name and password (RFC 7617): the file, or a mapping. Only over TLS are they secret.", Shorthand = File };

    private static readonly ChoiceType<JwtAlgorithm> AlgorithmWords = new(
        [.. Enum.GetValues<JwtAlgorithm>().Select(algorithm => (algorithm.ToString(), algorithm))]);

    private static readonly ListType<string> Lines = new(TextType.Line) { Single = true };

    private static readonly Key<JwtAuthSnapshot, string?> Keys = new(
        "keys", new OptionalType<string>(TextType.Path), j => j.Keys.Length == 0 ? null : j.Keys)
    { Doc = "File with public keys: PEM, or a JSON Web Key Set. Read again when it changes." };

    private static readonly Key<JwtAuthSnapshot, string?> Secret = new(
        "secret", new OptionalType<string>(new SourcedTextType(secret: true, SecretRule)), j => j.Secret.Length == 0 ? null : j.Secret)
    { Doc = "Secret for HS256, which is accepted with it alone." };

    private static readonly Key<JwtAuthSnapshot, ImmutableArray<JwtAlgorithm>> Algorithms = new(
        "algorithms", new ListType<JwtAlgorithm>(AlgorithmWords) { Single = true }, j => j.Algorithms)
    { Doc = "Only these.", Default = Key.EmptyList, Otherwise = "what the keys are for" };

    private static readonly Key<JwtAuthSnapshot, ImmutableArray<string>> Issuer = new("issuer", Lines, j => j.Policy.Issuers)
    { Doc = "The claim iss has to be one of these.", Default = Key.EmptyList, Otherwise = "any" };

    private static readonly Key<JwtAuthSnapshot, ImmutableArray<string>> Audience = new("audience", Lines, j => j.Policy.Audiences)
    { Doc = "The claim aud has to contain one of these.", Default = Key.EmptyList, Otherwise = "any" };

    private static readonly Key<JwtAuthSnapshot, TimeSpan> Leeway = new(
        "leeway", new DurationType(TimeSpan.Zero, TimeSpan.FromMinutes(10)), j => j.Policy.Leeway)
    { Doc = "How far clocks may be apart, for exp, nbf and iat.", Default = Key.Plain("30s") };

    private static readonly Key<JwtAuthSnapshot, bool> RequireExpiry = new("require-expiry", BooleanType.Instance, j => j.Policy.RequireExpiry)
    { Doc = "Refuse tokens that never expire.", Default = Key.Plain("true") };

    private static readonly Key<JwtAuthSnapshot, ImmutableArray<RequiredClaim>> Claims = new(
        "claims",
        new MapType<RequiredClaim, ImmutableArray<string>>(TextType.Line, Lines, (name, values) => new RequiredClaim(name, values), c => (c.Name, c.Values)),
        j => j.Policy.Required)
    { Doc = "Claims that have to be there, with one of these values; [] is any value. scope is a list of words.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<JwtAuthSnapshot, string> UserClaim = new("user-claim", TextType.Line, j => j.Policy.UserClaim)
    { Doc = "The claim that is the user's name.", Default = Key.Plain("sub") };

    private static readonly Key<JwtAuthSnapshot, ImmutableArray<ClaimHeader>> Headers = new(
        "headers",
        new MapType<ClaimHeader, string>(TextType.Line, TextType.Token, (claim, header) => new ClaimHeader(claim, header), c => (c.Claim, c.Header)),
        j => j.Policy.Headers)
    { Doc = "Claims and the headers that tell servers their values. What clients send under these names is removed.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<JwtAuthSnapshot, string?> Cookie = new(
        "cookie", new OptionalType<string>(TextType.Token), j => j.Cookie.Length == 0 ? null : j.Cookie)
    { Doc = "Cookie that holds the token of requests without Authorization.", Otherwise = "none" };

    private static readonly Key<JwtAuthSnapshot, string> JwtRealm = Realm<JwtAuthSnapshot>();
    private static readonly Key<JwtAuthSnapshot, string?> JwtUser = UserHeader<JwtAuthSnapshot>();
    private static readonly Key<JwtAuthSnapshot, bool> JwtForward = Forward<JwtAuthSnapshot>(true);
    private static readonly Key<JwtAuthSnapshot, TimeSpan> JwtCache = Cache<JwtAuthSnapshot>("1m");
    private static readonly Key<JwtAuthSnapshot, (long, TimeSpan)> JwtFailures = Failures<JwtAuthSnapshot>();

    private static readonly Section<JwtAuthSnapshot> Jwt = new(
        "auth.NAME.jwt",
        [
            Keys, Secret, Algorithms, Issuer, Audience, Leeway, RequireExpiry, Claims, UserClaim, Headers, Cookie,
            JwtRealm, JwtUser, JwtForward, JwtCache, JwtFailures,
        ],
        v => new JwtAuthSnapshot(
            v.Get(Keys) ?? "", v.Get(Secret) ?? "", v.Get(Algorithms),
            new JwtPolicy(
                v.Get(Issuer), v.Get(Audience), v.Get(Leeway), v.Get(RequireExpiry), v.Get(Claims), v.Get(UserClaim), v.Get(Headers)),
            v.Get(Cookie) ?? "")
        {
            Name = "",
            Realm = v.Get(JwtRealm),
            UserHeader = v.Get(JwtUser) ?? "",
            Forward = v.Get(JwtForward),
            Cache = v.Get(JwtCache),
            Failures = RateOf(v.Get(JwtFailures)),
        })
    {
        Doc = "JSON web tokens (RFC 7519), signed, from Authorization: Bearer or a cookie. A key is used only with the algorithms that it is for.",
        OneOf = [Keys, Secret],
        Verify = v =>
        {
            if (!v.TryGet(Algorithms, out ImmutableArray<JwtAlgorithm> algorithms) || algorithms.IsEmpty) return;
            bool symmetric = algorithms.Contains(JwtAlgorithm.HS256);
            if (v.IsWritten(Secret) && algorithms.Any(a => a != JwtAlgorithm.HS256)) v.Error(Algorithms, "a secret is for HS256 alone");
            if (v.IsWritten(Keys) && symmetric) v.Error(Algorithms, "HS256 needs a secret; a public key is none");
        },
    };

    private static readonly Key<AuthSnapshot, BasicAuthSnapshot?> BasicKey = new("basic", new OptionalType<BasicAuthSnapshot>(Basic), a => a as BasicAuthSnapshot)
    { Doc = "Name and password." };

    private static readonly Key<AuthSnapshot, JwtAuthSnapshot?> JwtKey = new("jwt", new OptionalType<JwtAuthSnapshot>(Jwt), a => a as JwtAuthSnapshot)
    { Doc = "JSON web tokens." };

    private static readonly Section<AuthSnapshot> Section = new("auth.NAME", [BasicKey, JwtKey], v => (AuthSnapshot?)v.Get(BasicKey) ?? v.Get(JwtKey)!)
    {
        Doc = "A way to prove who one is, for routes to name; see docs/authentication.md.",
        OneOf = [BasicKey, JwtKey],
    };

    public static readonly MapType<AuthSnapshot, AuthSnapshot> Map = new(
        TextType.Name, Section, (name, auth) => auth with { Name = name }, auth => (auth.Name, auth))
    {
        Block = true,
        OnName = (compilation, key) => compilation.Auths.TryAdd(key.Text, compilation.Mention(key, key.Text)),
    };

    private static Rate RateOf((long Count, TimeSpan Per) rate) => new(rate.Count, rate.Per, rate.Count);

    private static string? RealmRule(string text) =>
        text.Length <= 200 && text.All(c => c is >= ' ' and <= '~' and not '"' and not '\\') ? null : "is not fit for a header";

    /// <summary>RFC 7518 section 3.2: as long as the hash's output at least.</summary>
    private static string? SecretRule(string text) =>
        Encoding.UTF8.GetByteCount(text) < LeastSecret ? $"the secret is shorter than {LeastSecret} bytes (RFC 7518 section 3.2)" : null;
}

/// <summary>The name of an entry of <c>auth</c> that has to exist.</summary>
internal sealed class AuthReferenceType : ScalarType<string>
{
    public static readonly AuthReferenceType Instance = new();

    public override string Label => "auth";
    public override string Expected => "the name of an entry of auth";

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override System.Text.Json.Nodes.JsonObject Schema() => TextType.Name.Schema();

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        compilation.AuthUses.Add(compilation.Mention(scalar, value));
        return null;
    }
}
