namespace Mainstay.Core.Authentication;

/// <summary>Why a token is not accepted.</summary>
public enum JwtProblem : byte
{
    None,
    Missing,
    TooLarge,
    Malformed,
    UnsupportedAlgorithm,
    CriticalExtension,
    UnknownKey,
    BadSignature,
    Expired,
    NotYetValid,
    WrongIssuer,
    WrongAudience,
    MissingClaim,
}

public static class JwtProblems
{
    /// <summary>For metrics and logs, and for the client in error_description (RFC 6750 section 3).</summary>
    private static readonly (JwtProblem Problem, string Label, string Description)[] s_table =
    [
        (JwtProblem.None, "none", ""),
        (JwtProblem.Missing, "missing", "a token is needed"),
        (JwtProblem.TooLarge, "too-large", "the token is too large"),
        (JwtProblem.Malformed, "malformed", "the token is malformed"),
        (JwtProblem.UnsupportedAlgorithm, "unsupported-algorithm", "the token's algorithm is not accepted"),
        (JwtProblem.CriticalExtension, "critical-extension", "the token has an extension that is not understood"),
        (JwtProblem.UnknownKey, "unknown-key", "the token's key is not known"),
        (JwtProblem.BadSignature, "bad-signature", "the token's signature is wrong"),
        (JwtProblem.Expired, "expired", "the token has expired"),
        (JwtProblem.NotYetValid, "not-yet-valid", "the token is not valid yet"),
        (JwtProblem.WrongIssuer, "wrong-issuer", "the token is from another issuer"),
        (JwtProblem.WrongAudience, "wrong-audience", "the token is for another audience"),
        (JwtProblem.MissingClaim, "missing-claim", "the token lacks a claim"),
    ];

    public static int Count => s_table.Length;

    public static string Label(this JwtProblem problem) => s_table[(int)problem].Label;

    public static string Description(this JwtProblem problem) => s_table[(int)problem].Description;
}
