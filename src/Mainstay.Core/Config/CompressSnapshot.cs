using System.Collections.Immutable;

namespace Mainstay.Core.Config;

/// <summary>Which responses are compressed on their way, and how.</summary>
public sealed record CompressSnapshot
{
    public static readonly CompressSnapshot Off = new() { Enabled = false };

    public bool Enabled { get; init; } = true;

    /// <summary>Media types, also <c>text/*</c>.</summary>
    public ImmutableArray<string> Types { get; init; } = DefaultTypes;

    /// <summary>Bodies known to be smaller are left as they are, bytes.</summary>
    public int MinSize { get; init; } = 1024;

    /// <summary>1..9; 0 = not at all.</summary>
    public int Gzip { get; init; } = 4;

    /// <summary>1..6; 0 = not at all.</summary>
    public int Brotli { get; init; } = 4;

    /// <summary>Also what a browser asks for with its credentials on behalf of another site.</summary>
    public bool CrossSite { get; init; }

    public static ImmutableArray<string> DefaultTypes { get; } =
    [
        "text/*", "application/json", "application/ld+json", "application/geo+json", "application/manifest+json", "application/problem+json",
        "application/javascript", "application/xml", "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/wasm",
        "image/svg+xml", "font/ttf", "font/otf",
    ];
}
