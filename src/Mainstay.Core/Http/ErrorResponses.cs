using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Mainstay.Core.Http;

/// <summary>
/// The responses with which the proxy refuses or fails: a status, its name as a line of text, and no word about the cause.
/// </summary>
public static class ErrorResponses
{
    /// <summary>Every status with which the proxy refuses or fails.</summary>
    public static readonly ImmutableArray<int> Statuses =
        [400, 401, 403, 404, 405, 406, 408, 410, 413, 414, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505];

    private static readonly FrozenDictionary<int, FixedResponse> s_responses =
        Statuses.ToFrozenDictionary(status => status, status => new FixedResponse(
                status, $"{status} {StatusText.Of(status)}\n", "text/plain; charset=utf-8"));

    /// <summary>Room that any of them fits into.</summary>
    public const int MaxLength = 512;

    /// <summary>The prebuilt response; 500 for a status that the proxy never sends.</summary>
    public static FixedResponse For(int status) => s_responses.TryGetValue(status, out FixedResponse? response) ? response : s_responses[500];

    /// <summary>Writes the response to a refused or failed request, after which the connection is closed.</summary>
    /// <returns>Its length, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, int status, ReadOnlySpan<byte> date, bool isHead = false, byte[]? transportSecurity = null) =>
        For(status).Write(destination, date, new OwnResponse(KeepAlive: false, ClientIsHttp10: false, isHead, transportSecurity));
}
