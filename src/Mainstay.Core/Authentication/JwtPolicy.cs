using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Mainstay.Core.Authentication;

/// <summary>A claim that has to be there, with one of these values when any are given.</summary>
public sealed record RequiredClaim(string Name, ImmutableArray<string> Values);

/// <summary>A claim whose value goes to servers in a header.</summary>
public sealed record ClaimHeader(string Claim, string Header);

/// <summary>What a token whose signature is right has to say.</summary>
/// <param name="Issuers">Empty: any.</param>
/// <param name="Audiences">Empty: any.</param>
/// <param name="Leeway">How far clocks may be apart.</param>
/// <param name="RequireExpiry">A token without an end is refused.</param>
public sealed record JwtPolicy(
    ImmutableArray<string> Issuers,
    ImmutableArray<string> Audiences,
    TimeSpan Leeway,
    bool RequireExpiry,
    ImmutableArray<RequiredClaim> Required,
    string UserClaim,
    ImmutableArray<ClaimHeader> Headers)
{
    private const int MaxDepth = 16;

    /// <summary>A claim that goes into a header is not longer than this.</summary>
    private const int MaxValue = 1024;

    /// <summary>Judges the payload of a token. Off the shards: it allocates.</summary>
    public JwtProblem Judge(ReadOnlySpan<byte> payload, long unixSeconds, out JwtIdentity identity)
    {
        identity = JwtIdentity.Nobody;
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                payload.ToArray(), new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            JsonElement claims = document.RootElement;
            if (claims.ValueKind != JsonValueKind.Object) return JwtProblem.Malformed;
            JwtProblem problem = JudgeTimes(claims, unixSeconds, out long expires);
            if (problem == JwtProblem.None && !IsOneOf(claims, "iss", Issuers)) problem = JwtProblem.WrongIssuer;
            if (problem == JwtProblem.None && !IsOneOf(claims, "aud", Audiences)) problem = JwtProblem.WrongAudience;
            if (problem == JwtProblem.None && Required.Any(claim => !Has(claims, claim))) problem = JwtProblem.MissingClaim;
            if (problem != JwtProblem.None) return problem;
            identity = new JwtIdentity(
                Value(claims, UserClaim) ?? "", expires, [.. Headers.Select(header => (header.Header, Value(claims, header.Claim) ?? ""))]);
            return JwtProblem.None;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return JwtProblem.Malformed;
        }
    }

    /// <summary>exp, nbf and iat (RFC 7519 section 4.1): seconds since 1970, maybe with a fraction.</summary>
    private JwtProblem JudgeTimes(JsonElement claims, long unixSeconds, out long expires)
    {
        expires = long.MaxValue;
        double leeway = Leeway.TotalSeconds;
        if (!TryTime(claims, "exp", out double? end) || !TryTime(claims, "nbf", out double? start) || !TryTime(claims, "iat", out double? issued))
            return JwtProblem.Malformed;
        if (end is null && RequireExpiry) return JwtProblem.MissingClaim;
        if (end is { } at)
        {
            if (unixSeconds >= at + leeway) return JwtProblem.Expired;
            expires = at + leeway >= long.MaxValue ? long.MaxValue : (long)(at + leeway);
        }

        return unixSeconds < start - leeway || unixSeconds < issued - leeway ? JwtProblem.NotYetValid : JwtProblem.None;
    }

    private static bool TryTime(JsonElement claims, string name, out double? time)
    {
        time = null;
        if (!claims.TryGetProperty(name, out JsonElement value)) return true;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !double.IsFinite(number)) return false;
        time = number;
        return true;
    }

    private static bool IsOneOf(JsonElement claims, string name, ImmutableArray<string> accepted) =>
        accepted.IsEmpty || (claims.TryGetProperty(name, out JsonElement value) && Contains(value, accepted));

    private static bool Has(JsonElement claims, RequiredClaim required)
    {
        if (claims.TryGetProperty(required.Name, out JsonElement value))
            return value.ValueKind != JsonValueKind.Null && (required.Values.IsEmpty || Contains(value, required.Values, words: required.Name == "scope"));
        return false;
    }

    /// <summary>A list contains what one of its members is; a scope is a list of words (RFC 8693 section 4.2).</summary>
    private static bool Contains(JsonElement value, ImmutableArray<string> accepted, bool words = false) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Any(member => Contains(member, accepted)),
        JsonValueKind.String when words => (value.GetString() ?? "").Split(' ').Any(accepted.Contains),
        JsonValueKind.String => accepted.Contains(value.GetString() ?? ""),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => accepted.Contains(value.GetRawText()),
        _ => false,
    };

    /// <summary>As a header's value: lists with commas, nothing that is not printable.</summary>
    private static string? Value(JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out JsonElement value)) return null;
        string? text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Array => string.Join(',', value.EnumerateArray().Select(Plain)),
            _ => Plain(value),
        };
        return text is null || text.Length > MaxValue ? null : Printable(text);
    }

    private static string Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString() ?? "",
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => "",
    };

    private static string Printable(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text.Trim();
        var printable = new StringBuilder();
        foreach (char c in text) printable.Append(c is >= ' ' and <= '~' ? c : '?');
        return printable.ToString().Trim();
    }
}

/// <summary>Who a token is for.</summary>
/// <param name="Expires">Seconds since 1970.</param>
/// <param name="Headers">What servers are told; empty values too, so that nobody else can set them.</param>
public sealed record JwtIdentity(string User, long Expires, ImmutableArray<(string Name, string Value)> Headers)
{
    public static readonly JwtIdentity Nobody = new("", 0, []);
}
