using System.Collections.Immutable;
using System.Text;

namespace Mainstay.Core.Authentication;

/// <summary>How a token is signed (RFC 7518 section 3.1, RFC 8037). There is no "none".</summary>
public enum JwtAlgorithm
{
    HS256,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

public static class JwtAlgorithms
{
    private static readonly byte[][] s_names = [.. Enum.GetNames<JwtAlgorithm>().Select(Encoding.ASCII.GetBytes)];

    public static readonly ImmutableArray<JwtAlgorithm> Rsa =
        [JwtAlgorithm.RS256, JwtAlgorithm.RS384, JwtAlgorithm.RS512, JwtAlgorithm.PS256, JwtAlgorithm.PS384, JwtAlgorithm.PS512];

    public static bool TryParse(ReadOnlySpan<byte> name, out JwtAlgorithm algorithm)
    {
        algorithm = default;
        for (int i = 0; i < s_names.Length; i++)
        {
            if (!name.SequenceEqual(s_names[i])) continue;
            algorithm = (JwtAlgorithm)i;
            return true;
        }

        return false;
    }
}

/// <summary>
/// A key and the algorithms that it may be used with: what a token says of its algorithm only chooses among these, so that a public key
/// is never taken for a secret.
/// </summary>
/// <param name="Id">Of a JWKS; empty where it has none, as from a PEM file.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo in DER; empty for a secret.</param>
/// <param name="Secret">For HS256.</param>
public sealed record JwtKey(string Id, ImmutableArray<JwtAlgorithm> Algorithms, byte[] PublicKey, byte[] Secret);
