using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Http.Protect;
using Mainstay.Linux.Authentication;

namespace Mainstay.Engine.Http.Auth;

/// <summary>Signed tokens against public keys of a file, or a secret.</summary>
internal sealed class JwtAuthenticator : Authenticator
{
    /// <summary>Keys that a token without a key id is tried with.</summary>
    private const int MostTries = 8;

    [ThreadStatic]
    private static JwtReader? s_reader;

    private readonly JwtAuthSnapshot _snapshot;
    private readonly WatchedFile? _file;
    private readonly byte[] _cookie;
    private ImmutableArray<(JwtKey Key, PublicKey? Native)> _keys = [];

    public JwtAuthenticator(JwtAuthSnapshot snapshot, ProtectionTables tables)
        : base(snapshot, tables)
    {
        _snapshot = snapshot;
        _cookie = Encoding.ASCII.GetBytes(snapshot.Cookie);
        Dropped = Names(snapshot, snapshot.Policy.Headers.Select(header => header.Header));
        if (snapshot.Secret.Length > 0) _keys = [(new JwtKey("", [JwtAlgorithm.HS256], [], Encoding.UTF8.GetBytes(snapshot.Secret)), null)];
        else _file = new WatchedFile(snapshot.Keys, JsonWebKeys.MaxBytes);
    }

    public override ReadOnlySpan<byte> Find(RequestHead request, ReadOnlySpan<byte> head)
    {
        if (RequestCredentials.TryFindAuthorization(request, head, out ReadOnlySpan<byte> value))
            return AuthScheme.TryTake(value, "bearer"u8, out ReadOnlySpan<byte> token) ? token : value;
        return _cookie.Length > 0 && RequestCredentials.TryFindCookie(request, head, _cookie, out value) ? value : default;
    }

    public override AuthVerdict Verify(ReadOnlySpan<byte> credentials, long unixSeconds)
    {
        JwtReader reader = s_reader ??= new JwtReader();
        JwtProblem problem = reader.Read(credentials);
        if (problem == JwtProblem.None) problem = CheckSignature(reader);
        JwtIdentity token = JwtIdentity.Nobody;
        if (problem == JwtProblem.None) problem = _snapshot.Policy.Judge(reader.Payload, unixSeconds, out token);
        if (problem != JwtProblem.None) return new AuthVerdict(null, problem.Label(), problem.Description());
        return new AuthVerdict(new Identity(token.User, Fields(token), token.Expires), "accepted", "");
    }

    /// <summary>RFC 6750 section 3: no error where there was no token.</summary>
    public override byte[] Challenge(in AuthVerdict? verdict)
    {
        string error = verdict is { Description.Length: > 0 } given ? $", error=\"invalid_token\", error_description=\"{given.Description}\"" : "";
        return Line("WWW-Authenticate", $"Bearer realm=\"{Snapshot.Realm}\"{error}");
    }

    public override string? Refresh()
    {
        if (_file is null) return null;
        if (!_file.TryRead(out string content, out string? problem)) return problem is null ? null : $"{_file.Path}: {problem}";
        if (!TryReadKeys(content, out ImmutableArray<JwtKey> keys, out problem)) return $"{_file.Path}: {problem}";
        var loaded = ImmutableArray.CreateBuilder<(JwtKey, PublicKey?)>();
        foreach (JwtKey key in keys)
        {
            ImmutableArray<JwtAlgorithm> algorithms = _snapshot.Algorithms.IsEmpty ? key.Algorithms : [.. key.Algorithms.Intersect(_snapshot.Algorithms)];
            if (!algorithms.IsEmpty && PublicKey.Load(key.PublicKey) is { } native) loaded.Add((key with { Algorithms = algorithms }, native));
        }

        if (loaded.Count == 0) return $"{_file.Path}: {PublicKey.Missing ?? "no key in it is for one of the algorithms"}";

        // The former keys are left to their finalizers: a thread may be checking with one of them.
        ImmutableInterlocked.InterlockedExchange(ref _keys, loaded.ToImmutable());
        Generation++;
        return null;
    }

    private static bool TryReadKeys(string content, out ImmutableArray<JwtKey> keys, out string problem)
    {
        if (content.AsSpan().TrimStart().StartsWith("{")) return JsonWebKeys.TryRead(Encoding.UTF8.GetBytes(content), out keys, out problem);
        return PemKeys.TryRead(content, out keys, out problem);
    }

    private JwtProblem CheckSignature(JwtReader reader)
    {
        ImmutableArray<(JwtKey Key, PublicKey? Native)> keys = _keys;
        string id = Encoding.UTF8.GetString(reader.KeyId);
        JwtProblem problem = JwtProblem.UnknownKey;
        int tries = 0;
        foreach ((JwtKey key, PublicKey? native) in keys)
        {
            if (key.Id.Length > 0 && id.Length > 0 && key.Id != id) continue;
            if (!key.Algorithms.Contains(reader.Algorithm))
            {
                if (problem == JwtProblem.UnknownKey) problem = JwtProblem.UnsupportedAlgorithm;
                continue;
            }

            if (++tries > MostTries) break;
            if (native is null ? IsSigned(key.Secret, reader) : native.Verify(SchemeOf(reader.Algorithm), reader.Signed, reader.Signature)) return JwtProblem.None;
            problem = JwtProblem.BadSignature;
        }

        return problem;
    }

    private static bool IsSigned(byte[] secret, JwtReader reader)
    {
        Span<byte> expected = stackalloc byte[32];
        HMACSHA256.HashData(secret, reader.Signed, expected);
        return CryptographicOperations.FixedTimeEquals(expected, reader.Signature);
    }

    private static SignatureScheme SchemeOf(JwtAlgorithm algorithm) => algorithm switch
    {
        JwtAlgorithm.RS256 => SignatureScheme.RsaSha256,
        JwtAlgorithm.RS384 => SignatureScheme.RsaSha384,
        JwtAlgorithm.RS512 => SignatureScheme.RsaSha512,
        JwtAlgorithm.PS256 => SignatureScheme.RsaPssSha256,
        JwtAlgorithm.PS384 => SignatureScheme.RsaPssSha384,
        JwtAlgorithm.PS512 => SignatureScheme.RsaPssSha512,
        JwtAlgorithm.ES256 => SignatureScheme.EcdsaSha256,
        JwtAlgorithm.ES384 => SignatureScheme.EcdsaSha384,
        _ => SignatureScheme.Ed25519,
    };

    private byte[] Fields(JwtIdentity token)
    {
        var fields = new StringBuilder();
        if (Snapshot.UserHeader.Length > 0) fields.Append($"{Snapshot.UserHeader}: {token.User}\r\n");
        foreach ((string name, string value) in token.Headers)
            if (value.Length > 0) fields.Append($"{name}: {value}\r\n");
        return Encoding.ASCII.GetBytes(fields.ToString());
    }
}
