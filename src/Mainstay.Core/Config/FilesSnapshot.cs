using System.Collections.Immutable;

namespace Mainstay.Core.Config;

/// <summary>Which symbolic links are followed below a root.</summary>
public enum LinkPolicy : byte
{
    /// <summary>None.</summary>
    Never,

    /// <summary>Relative ones that lead to a place below the root.</summary>
    Inside,

    /// <summary>All, wherever they lead.</summary>
    Anywhere,
}

/// <summary>A directory whose files answer requests.</summary>
public sealed record FilesSnapshot(string Root)
{
    /// <summary>Names of the file that stands for its directory, tried in this order.</summary>
    public ImmutableArray<string> Index { get; init; } = ["index.html"];

    /// <summary>What is taken off the path's front; empty = nothing, null = the prefix that the route matches on.</summary>
    public string? StripPrefix { get; init; }

    /// <summary>Path below the root of what answers where there is no file, with 200; empty = nothing does.</summary>
    public string Try { get; init; } = "";

    /// <summary>Path below the root of the page of a 404; empty = a line of text.</summary>
    public string NotFound { get; init; } = "";

    /// <summary>Siblings with .br, .zst or .gz are sent to whom takes them.</summary>
    public bool Precompressed { get; init; } = true;

    /// <summary>Value of Cache-Control; empty = none is sent.</summary>
    public string CacheControl { get; init; } = "";

    /// <summary>Types by extension (without its dot), before the known ones; an empty extension is for names without a known one.</summary>
    public ImmutableArray<MediaTypeRule> MediaTypes { get; init; } = [];

    /// <summary>Names that begin with a dot are served too.</summary>
    public bool Hidden { get; init; }

    public LinkPolicy Links { get; init; } = LinkPolicy.Inside;

    /// <summary>How long what was found of a file is believed.</summary>
    public TimeSpan Revalidate { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The prefix to take off, given what the route matches: none where it matches several paths or none.</summary>
    public string PrefixFor(RouteMatch match)
    {
        if (StripPrefix is not null) return StripPrefix.TrimEnd('/');
        return match.Path is [{ Kind: PatternKind.SegmentPrefix } only] ? only.Text.TrimEnd('/') : "";
    }
}

/// <param name="Extension">Without its dot.</param>
public sealed record MediaTypeRule(string Extension, string Type);
